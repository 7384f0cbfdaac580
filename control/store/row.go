package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// Exec runs a statement that brings no rows, and returns how many it changed.
func Exec(ctx context.Context, q Querier, s Statement, args Args) (affected int64, err error) {
	n, err := q.exec(ctx, s, args)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.Name, judged(err))
	}
	return n, nil
}

// All returns the rows that a statement brings. A struct T takes each column in the field whose db tag has its name,
// and must have one for each; any other T takes the one column there is.
func All[T any](ctx context.Context, q Querier, s Statement, args Args) ([]T, error) {
	var all []T
	err := q.query(ctx, s, args, func(r rows) error {
		all = nil
		for r.Next() {
			var row T
			into, err := places(&row, r)
			if err != nil {
				return err
			}
			if err := r.Scan(into...); err != nil {
				return err
			}
			all = append(all, row)
		}
		return r.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, judged(err))
	}
	return all, nil
}

// One returns the first row, and ErrNone where there is none.
func One[T any](ctx context.Context, q Querier, s Statement, args Args) (T, error) {
	all, err := All[T](ctx, q, s, args)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: %w", s.Name, ErrNone)
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// places returns where r's columns go in row.
func places(row any, r rows) ([]any, error) {
	v := reflect.ValueOf(row).Elem()
	columns, err := r.Columns()
	if err != nil {
		return nil, err
	}
	if _, ok := row.(sql.Scanner); ok || v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() {
		if len(columns) != 1 {
			return nil, fmt.Errorf("%d columns for one %s", len(columns), v.Type())
		}
		return []any{row}, nil
	}
	fields := map[string]any{}
	gather(v, fields)
	into := make([]any, 0, len(columns))
	for _, c := range columns {
		p, ok := fields[c]
		if !ok {
			return nil, fmt.Errorf("%s has no field for column %s", v.Type(), c)
		}
		into = append(into, p)
	}
	return into, nil
}

func gather(v reflect.Value, fields map[string]any) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if tag := f.Tag.Get("db"); tag != "" {
			fields[tag] = v.Field(i).Addr().Interface()
		} else if f.Anonymous && f.Type.Kind() == reflect.Struct {
			gather(v.Field(i), fields)
		}
	}
}

// JSON is a column that holds a V as JSON.
type JSON[V any] struct{ V V }

// Value implements driver.Valuer.
func (j JSON[V]) Value() (driver.Value, error) {
	b, err := json.Marshal(j.V)
	return string(b), err
}

// Scan implements sql.Scanner.
func (j *JSON[V]) Scan(from any) error {
	switch from := from.(type) {
	case string:
		return json.Unmarshal([]byte(from), &j.V)
	case []byte:
		return json.Unmarshal(from, &j.V)
	case nil:
		var none V
		j.V = none
		return nil
	}
	return fmt.Errorf("JSON from %T", from)
}
