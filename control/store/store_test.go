package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"freshet/control/store"
	"freshet/control/store/storetest"
)

var sql = store.Load(os.DirFS("testdata"))

func do(t *testing.T, q store.Querier, name string, args store.Args) int64 {
	t.Helper()
	n, err := store.Exec(t.Context(), q, sql.Get(name), args)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func get[T any](t *testing.T, q store.Querier, name string, args store.Args) T {
	t.Helper()
	v, err := store.One[T](t.Context(), q, sql.Get(name), args)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type colour struct {
	Name string `json:"name"`
	RGB  [3]int `json:"rgb"`
}

type value struct {
	ID    uuid.UUID          `db:"id"`
	At    time.Time          `db:"at"`
	May   *time.Time         `db:"may"`
	OK    bool               `db:"ok"`
	N     int64              `db:"n"`
	Text  string             `db:"text"`
	Bytes []byte             `db:"bytes"`
	JSON  store.JSON[colour] `db:"json"`
}

func (v value) args() store.Args {
	return store.Args{"id": v.ID, "at": v.At, "may": v.May, "ok": v.OK, "n": v.N, "text": v.Text, "bytes": v.Bytes, "json": v.JSON}
}

// What goes in comes out, on every engine: to the microsecond, with and without a value, in any writing.
func TestValues(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_value", nil)
		at := store.Moment(time.Date(2026, 11, 27, 3, 4, 5, 678_901_999, time.FixedZone("EST", -5*3600)))
		all := []value{
			{store.NewID(), at, nil, false, -1 << 62, "", []byte{}, store.JSON[colour]{}},
			{store.NewID(), at, &at, true, 1 << 62, "Noël 雪 '; DROP TABLE value; -- @id", []byte{0, 255, '\n'},
				store.JSON[colour]{V: colour{"melt \"strong\"", [3]int{10, 101, 112}}}},
		}
		for _, v := range all {
			if n := do(t, db, "put_value", v.args()); n != 1 {
				t.Errorf("%d rows changed, want 1", n)
			}
			got := get[value](t, db, "get_value", store.Args{"id": v.ID})
			if d := cmp.Diff(v, got, cmpopts.EquateEmpty()); d != "" { // SQLite's driver has nil for an empty byte string
				t.Errorf("want -, got +:\n%s", d)
			}
			if got.At.Location() != time.UTC || got.May != nil && got.May.Location() != time.UTC {
				t.Errorf("%v, %v, want them in UTC", got.At, got.May)
			}
		}
		ids := []uuid.UUID{all[0].ID, all[1].ID, store.NewID()}
		among, err := store.All[uuid.UUID](t.Context(), db, sql.Get("values_among"), store.Args{"ids": ids})
		if err != nil || !slices.Equal(among, ids[:2]) { // they sort by time
			t.Errorf("among %v are %v, %v", ids, among, err)
		}
		named, err := store.All[uuid.UUID](t.Context(), db, sql.Get("values_named"), store.Args{"texts": []string{all[1].Text, "x"}})
		if err != nil || !slices.Equal(named, ids[1:2]) {
			t.Errorf("named are %v, %v", named, err)
		}
	})
}

func TestNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_value", nil)
		if _, err := store.One[value](t.Context(), db, sql.Get("get_value"), store.Args{"id": store.NewID()}); !errors.Is(err, store.ErrNone) {
			t.Errorf("%v, want ErrNone", err)
		}
		if n := get[int](t, db, "count_values", nil); n != 0 {
			t.Errorf("%d", n)
		}
	})
}

// A column that no field takes is an error, rather than lost.
func TestColumnWithoutAField(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_value", nil)
		v := value{ID: store.NewID(), At: store.Moment(time.Now()), Bytes: []byte{}}
		do(t, db, "put_value", v.args())
		_, err := store.One[struct {
			ID uuid.UUID `db:"id"`
		}](t.Context(), db, sql.Get("get_value"), store.Args{"id": v.ID})
		if err == nil {
			t.Error("no error")
		}
	})
}

var errUnwanted = errors.New("unwanted")

// Of a transaction that fails nothing is kept, and one that succeeds is seen whole by whoever asks next.
func TestAllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_counter", nil)
		put := func(ctx context.Context, q store.Querier, name string) error {
			_, err := store.Exec(ctx, q, sql.Get("put_counter"), store.Args{"name": name, "n": 1})
			return err
		}
		err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
			if err := errors.Join(put(ctx, q, "a"), put(ctx, q, "b")); err != nil {
				return err
			}
			if n, err := store.One[int64](ctx, q, sql.Get("sum_counters"), nil); n != 2 || err != nil {
				t.Errorf("it sees %d of what it wrote itself, %v", n, err)
			}
			return errUnwanted
		})
		if !errors.Is(err, errUnwanted) {
			t.Errorf("%v, want the function's own error", err)
		}
		func() {
			defer func() {
				if fell, _ := recover().(error); !errors.Is(fell, errUnwanted) {
					t.Error("the panic did not reach who called")
				}
			}()
			_ = db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
				if err := put(ctx, q, "c"); err != nil {
					t.Error(err)
				}
				panic(errUnwanted)
			})
		}()
		if n := get[int64](t, db, "sum_counters", nil); n != 0 {
			t.Errorf("%d rows of what failed are kept", n)
		}
		if err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
			return errors.Join(put(ctx, q, "d"), put(ctx, q, "e"), put(ctx, q, "e"))
		}); err != nil {
			t.Fatal(err)
		}
		if n := get[int64](t, db, "sum_counters", nil); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
	})
}

// What a transaction that has broken off left behind does not hinder the next one.
func TestErrorInSQL(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_counter", nil)
		for range 3 {
			err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
				if _, err := store.Exec(ctx, q, sql.Get("put_counter"), store.Args{"name": "a", "n": 1}); err != nil {
					return err
				}
				_, err := store.Exec(ctx, q, sql.Get("put_value"), value{}.args()) // there is no such table
				return err
			})
			if err == nil {
				t.Error("no error")
			}
		}
		if n := get[int64](t, db, "sum_counters", nil); n != 0 {
			t.Errorf("%d, want nothing kept", n)
		}
	})
}

// A database that is opened again has what was there, and so has a copy made while it is in use.
func TestReopenAndBackup(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Config{Dir: dir}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	do(t, db, "make_counter", nil)
	do(t, db, "put_counter", store.Args{"name": "a", "n": 7})
	to := filepath.Join(t.TempDir(), "freshet.db")
	if err := db.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), to); err == nil {
		t.Error("a copy was written over another")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, filepath.Dir(to)} {
		again := storetest.Open(t, store.Config{Dir: dir})
		if n := get[int64](t, again, "get_counter", store.Args{"name": "a"}); n != 7 {
			t.Errorf("%d, want 7", n)
		}
	}
	for _, file := range []string{filepath.Join(dir, "freshet.db"), to} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}

// What an engine says when it can do nothing now is told from what is wrong with a statement.
func TestAway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_counter", nil)
		if _, err := store.Exec(t.Context(), db, sql.Get("put_value"), value{}.args()); err == nil || errors.Is(err, store.ErrAway) {
			t.Errorf("no such table: %v", err)
		}
		if n := db.Metric(t, "freshet_store_away_total"); n != 0 {
			t.Errorf("no such table: counted %v times as away", n)
		}
		if db.Kind != store.SQLite {
			_, err := store.Exec(t.Context(), db, sql.Get("end_connection"), nil)
			if n := db.Metric(t, "freshet_store_away_total"); !errors.Is(err, store.ErrAway) || n != 1 {
				t.Errorf("a connection that was ended: %v, counted %v times", err, n)
			}
		}
		do(t, db, "put_counter", store.Args{"name": "a", "n": 1}) // over another one
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.One[int64](t.Context(), db, sql.Get("sum_counters"), nil); !errors.Is(err, store.ErrAway) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestBadAddress(t *testing.T) {
	for _, address := range []string{"mysql://root:hunter2@127.0.0.1/x", "postgresql://root:hunter2@127.0.0.1:1/x?connect_timeout=1", "::"} {
		_, err := store.Open(t.Context(), store.Config{URL: address}, storetest.Deps(t))
		if err == nil {
			t.Errorf("%s was opened", address)
		} else if got := err.Error(); strings.Contains(got, "hunter2") {
			t.Errorf("the error tells the password: %s", got)
		}
	}
}

// Nouns may name statements alike, and a statement that begins with a comment is like any other.
func TestSameName(t *testing.T) {
	one := store.Load(fstest.MapFS{"a.sql": {Data: []byte("-- name: number\nSELECT 1")}})
	two := store.Load(fstest.MapFS{"a.sql": {Data: []byte("-- name: number\n-- Not one.\nSELECT 2")}})
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		for range 2 {
			for i, s := range []store.Statements{one, two} {
				n, err := store.One[int64](t.Context(), db, s.Get("number"), nil)
				if n != int64(i+1) || err != nil {
					t.Errorf("%d, %v, want %d", n, err, i+1)
				}
			}
		}
		if err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
			a, err := store.One[int64](ctx, q, one.Get("number"), nil)
			b, err2 := store.One[int64](ctx, q, two.Get("number"), nil)
			if a != 1 || b != 2 {
				t.Errorf("%d and %d, want 1 and 2", a, b)
			}
			return errors.Join(err, err2)
		}); err != nil {
			t.Error(err)
		}
	})
}

// Arguments may be used twice or not at all, and pointers to nothing are NULL; one that is missing is an error on SQLite,
// which all tests run on.
func TestArgs(t *testing.T) {
	s := store.Load(fstest.MapFS{"a.sql": {Data: []byte("-- name: twice\nSELECT CAST(@b AS TEXT) || CAST(@a AS TEXT) || CAST(@b AS TEXT)\n" +
		"-- name: nothing\nSELECT CAST(@id AS TEXT) IS NULL AND CAST(@text AS TEXT) IS NULL AND CAST(@at AS TEXT) IS NULL")}})
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		if got, err := store.One[string](t.Context(), db, s.Get("twice"), store.Args{"a": "1", "b": "2", "c": "3"}); got != "212" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		none := store.Args{"id": (*uuid.UUID)(nil), "text": (*string)(nil), "at": (*time.Time)(nil)}
		if got, err := store.One[bool](t.Context(), db, s.Get("nothing"), none); !got || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		if db.Kind == store.SQLite {
			if got, err := store.One[string](t.Context(), db, s.Get("twice"), store.Args{"a": "1"}); err == nil {
				t.Errorf("%q without an argument", got)
			}
		}
	})
}

// A transaction that begins another would wait for itself.
func TestNested(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		defer func() {
			if recover() == nil {
				t.Error("it began")
			}
		}()
		_ = db.InTx(t.Context(), func(ctx context.Context, _ store.Querier) error {
			return db.InTx(ctx, func(context.Context, store.Querier) error { return nil })
		})
	})
}

// What After is given runs once, after a transaction that was kept, and not after one that was not.
func TestAfter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_counter", nil)
		n := 0
		add := func(err error) error {
			return db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
				store.After(ctx, func() { n++ })
				if n != 0 {
					t.Error("it ran before the end")
				}
				return err
			})
		}
		if err := add(errUnwanted); !errors.Is(err, errUnwanted) || n != 0 {
			t.Errorf("%v, %d calls, want none", err, n)
		}
		if err := add(nil); err != nil || n != 1 {
			t.Errorf("%v, %d calls, want 1", err, n)
		}
		store.After(t.Context(), func() { n++ })
		if n != 2 {
			t.Errorf("%d, want it called at once outside of a transaction", n)
		}
	})
}

// A directory may be named as it is seen from here, and have any name.
func TestDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := filepath.Join("data", "50% #1?")
	db := storetest.Open(t, store.Config{Dir: dir})
	do(t, db, "make_counter", nil)
	if _, err := os.Stat(filepath.Join(dir, "freshet.db-wal")); err != nil {
		t.Error(err)
	}
	if n, err := db.Migrate(t.Context()); n != 0 || err != nil {
		t.Errorf("%d migrations were left, %v", n, err)
	}
}
