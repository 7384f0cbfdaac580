package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Names that a line has for itself.
var reserved = []string{"id", "target", "missed", "error", "cores", "load_average", "busy", "busy_others", "void", "ok"}

// WriteLine writes r as one line of JSON.
func (r *Result) WriteLine(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // "<= 1.4" stays readable
	return e.Encode(r)
}

// MarshalJSON writes the result flat, in the order in which the figures came.
func (r *Result) MarshalJSON() ([]byte, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	all := []figure{{name: "id", value: r.ID}}
	set := func(name string, value any) { all = append(all, figure{name: name, value: value}) }
	all = append(all, r.figures...)
	if r.Target != "" {
		set("target", r.Target)
	}
	if len(r.misses) > 0 {
		set("missed", r.misses)
	}
	if r.Err != "" {
		set("error", r.Err)
	}
	if r.Load.Cores > 0 {
		set("cores", r.Load.Cores)
		set("load_average", r.Load.Average)
		set("busy", r.Load.Busy)
		set("busy_others", r.Load.Others)
	}
	if r.Void {
		set("void", true)
	}
	set("ok", r.OK())
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // whoever encodes the result decides
	for i, f := range all {
		b.WriteByte("{,"[min(i, 1)])
		if err := e.Encode(f.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(f.value); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Result) UnmarshalJSON(b []byte) error {
	*r = Result{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("a result: want an object")
	}
	ok, seen := true, map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // a key always is one
		if seen[name] {
			return fmt.Errorf("a result: %q is there twice", name)
		}
		seen[name] = true
		var v any
		if err := d.Decode(&v); err != nil {
			return err
		}
		if name == "ok" {
			ok = v == true
		} else if !r.take(name, v) {
			return fmt.Errorf("a result: %q: not a value of its kind", name)
		}
	}
	if err := r.validate(); err != nil {
		return fmt.Errorf("a result: %w", err)
	}
	if ok != r.OK() {
		return fmt.Errorf("a result: %s: ok is %v, the rest says %v", r.ID, ok, r.OK())
	}
	return nil
}

// take sets what is called name to v, and says whether v can be that.
func (r *Result) take(name string, v any) (ok bool) {
	switch name {
	case "id":
		r.ID, ok = v.(string)
	case "target":
		r.Target, ok = v.(string)
	case "error":
		r.Err, ok = v.(string)
	case "void":
		r.Void, ok = v.(bool)
	case "missed":
		var list []any
		list, ok = v.([]any)
		for _, m := range list {
			text, is := m.(string)
			r.misses, ok = append(r.misses, text), ok && is
		}
	case "cores":
		r.Load.Cores, ok = asInt(v)
	case "load_average":
		r.Load.Average, ok = asFloat(v)
	case "busy":
		r.Load.Busy, ok = asFloat(v)
	case "busy_others":
		r.Load.Others, ok = asFloat(v)
	default:
		if i, is := asInt(v); is {
			v, ok = i, true
		} else if f, is := asFloat(v); is {
			v, ok = f, true
		} else {
			switch v.(type) {
			case bool, string:
				ok = true
			}
		}
		r.Set(name, v)
	}
	return ok
}

func asInt(v any) (int, bool) {
	n, ok := v.(json.Number)
	i, err := strconv.Atoi(string(n))
	return i, ok && err == nil
}

func asFloat(v any) (float64, bool) {
	n, ok := v.(json.Number)
	f, err := n.Float64()
	return f, ok && err == nil
}
