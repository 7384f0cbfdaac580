package once

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"freshet/control/store"
	"freshet/control/store/storetest"
	"freshet/proto/problem"
)

var (
	start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	test  = store.Load(os.DirFS("testdata"))
)

type answer struct {
	ETag string `header:"ETag"`
	Body struct {
		At   time.Time
		Text string
	}
}

// with returns a context of the request with a key and a body.
func with(ctx context.Context, key, body string, now time.Time) context.Context {
	return context.WithValue(ctx, contextKey{}, &request{
		hash: sha256.Sum256([]byte(key)), sum: func() [sha256.Size]byte { return sha256.Sum256([]byte(body)) }, now: now,
	})
}

// makes returns a function that makes an account with a name, and counts its calls.
func makes(name string, calls *int) func(context.Context, store.Querier) (*answer, error) {
	return func(ctx context.Context, q store.Querier) (*answer, error) {
		*calls++
		out := &answer{ETag: `"1"`}
		out.Body.At, out.Body.Text = start.Add(time.Microsecond), `<é> & "`+name
		_, err := store.Exec(ctx, q, test.Get("make"), store.Args{"id": store.NewID(), "name": name, "at": start})
		return out, err
	}
}

func count(t *testing.T, db *storetest.DB, name string) int64 {
	t.Helper()
	n, err := store.One[int64](t.Context(), db, test.Get("count"), store.Args{"name": name})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func isProblem(err error, kind string) bool {
	p := (*problem.Problem)(nil)
	return errors.As(err, &p) && p.Status == 409 && p.Type == "/problems/"+kind
}

func TestInTx(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		calls := 0
		do := makes("A", &calls)
		ask := func(key, body string, now time.Time) (*answer, error) {
			return InTx(with(t.Context(), key, body, now), db.DB, do)
		}
		first, err := ask("k", "x", start)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ask("k", "x", start.Add(keptFor-time.Second))
		if err != nil || *again != *first || calls != 1 {
			t.Errorf("again: %+v, %v, want %+v; done %d times", again, err, first, calls)
		}
		if _, err := ask("k", "y", start); !isProblem(err, "request-differs") {
			t.Errorf("another body: %v", err)
		}
		if _, err := ask("other", "x", start); err != nil || calls != 2 {
			t.Errorf("another key: %v, done %d times", err, calls)
		}
		if _, err := InTx(t.Context(), db.DB, do); err != nil || calls != 3 {
			t.Errorf("no key: %v, done %d times", err, calls)
		}
		if _, err := ask("k", "y", start.Add(keptFor)); err != nil || calls != 4 {
			t.Errorf("a day later: %v, done %d times", err, calls)
		}
		if _, err := ask("k", "x", start.Add(keptFor)); !isProblem(err, "request-differs") {
			t.Errorf("a day later, the body of the day before: %v", err)
		}
		if n := count(t, db, "A"); n != 4 {
			t.Errorf("%d were made, want 4", n)
		}

		if err := Sweep(t.Context(), db.DB, start.Add(keptFor)); err != nil {
			t.Fatal(err)
		}
		if n, err := store.One[int64](t.Context(), db, test.Get("kept"), nil); err != nil || n != 1 {
			t.Errorf("%d answers are kept, want the one of that day: %v", n, err)
		}
	})
}

// Whatever ends a transaction before it is kept leaves neither change nor key: the request is done when it comes again.
func TestNothingIsHalfDone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		calls := 0
		do := makes("A", &calls)
		wrong := errors.New("wrong")
		ctx := with(t.Context(), "k", "x", start)
		_, err := InTx(ctx, db.DB, func(ctx context.Context, q store.Querier) (*answer, error) {
			if _, err := do(ctx, q); err != nil {
				return nil, err
			}
			return nil, wrong
		})
		if !errors.Is(err, wrong) || count(t, db, "A") != 0 {
			t.Errorf("%v, %d made", err, count(t, db, "A"))
		}
		func() {
			defer func() { _ = recover() }()
			_, _ = InTx(ctx, db.DB, func(ctx context.Context, q store.Querier) (*answer, error) {
				_, _ = do(ctx, q)
				panic("the program dies")
			})
		}()
		if n := count(t, db, "A"); n != 0 {
			t.Errorf("%d made", n)
		}
		if _, err := InTx(ctx, db.DB, do); err != nil || count(t, db, "A") != 1 {
			t.Errorf("%v, %d made", err, count(t, db, "A"))
		}
		if _, err := InTx(ctx, db.DB, do); err != nil || count(t, db, "A") != 1 || calls != 3 {
			t.Errorf("%v, %d made, done %d times", err, count(t, db, "A"), calls)
		}
	})
}

// Of many that come at once, as to several nodes, one is done, and all get its answer.
func TestAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		answers := make([]*answer, 16)
		var g errgroup.Group
		for i := range answers {
			g.Go(func() (err error) {
				calls := 0
				do := makes("A", &calls)
				answers[i], err = InTx(with(t.Context(), "k", "x", start), db.DB, func(ctx context.Context, q store.Querier) (*answer, error) {
					out, err := do(ctx, q)
					if err == nil {
						out.Body.Text = string(rune('a' + i))
					}
					return out, err
				})
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			if *a != *answers[0] {
				t.Errorf("%+v and %+v", a, answers[0])
			}
		}
		if n := count(t, db, "A"); n != 1 {
			t.Errorf("%d were made", n)
		}
	})
}

// An answer with a secret is not there to be read.
func TestSecret(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		calls := 0
		ctx := with(t.Context(), "k", "x", start)
		ctx.Value(contextKey{}).(*request).secret = true
		if _, err := InTx(ctx, db.DB, makes("A", &calls)); err != nil {
			t.Fatal(err)
		}
		if _, err := InTx(ctx, db.DB, makes("A", &calls)); !isProblem(err, "shown-once") || calls != 1 {
			t.Errorf("%v, done %d times", err, calls)
		}
		if all, err := store.All[*string](t.Context(), db, test.Get("answers"), nil); err != nil || len(all) != 1 || all[0] != nil {
			t.Errorf("%v, %v", all, err)
		}
	})
}
