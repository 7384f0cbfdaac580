package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"freshet/control/store"
	"freshet/control/store/storetest"
)

// Thirty-two writers read a number and write the next one: none is lost, and conflicts are seen to happen where
// transactions run side by side.
func TestConflicts(t *testing.T) {
	const writers, each = 32, 20
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_counter", nil)
		do(t, db, "put_counter", store.Args{"name": "a", "n": 0})
		var g errgroup.Group
		for range writers {
			g.Go(func() error {
				for range each {
					err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
						n, err := store.One[int64](ctx, q, sql.Get("get_counter"), store.Args{"name": "a"})
						if err != nil {
							return err
						}
						_, err = store.Exec(ctx, q, sql.Get("set_counter"), store.Args{"name": "a", "n": n + 1})
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if n := get[int64](t, db, "get_counter", store.Args{"name": "a"}); n != writers*each {
			t.Errorf("%d of %d writes are there", n, writers*each)
		}
		conflicts := db.Metric(t, "freshet_store_conflicts_total")
		t.Logf("%v conflicts", conflicts)
		if db.Kind != store.SQLite && conflicts == 0 {
			t.Error("no conflict was seen")
		}
	})
}

// Statements outside of a transaction meet conflicts, too, and none is lost or fails.
func TestLoneStatements(t *testing.T) {
	const writers, each = 16, 20
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		do(t, db, "make_counter", nil)
		do(t, db, "put_counter", store.Args{"name": "a", "n": 0})
		var g errgroup.Group
		for range writers {
			g.Go(func() error {
				for range each {
					all, err := store.All[int64](t.Context(), db, sql.Get("raise_counter"), store.Args{"name": "a"})
					if err != nil {
						return err
					}
					if len(all) != 1 {
						return fmt.Errorf("%d rows of one", len(all))
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if n := get[int64](t, db, "get_counter", store.Args{"name": "a"}); n != writers*each {
			t.Errorf("%d of %d writes are there", n, writers*each)
		}
		t.Logf("%v conflicts", db.Metric(t, "freshet_store_conflicts_total"))
	})
}

// Two transactions read both rows and each writes one, so that no order of them explains both results: one of them
// has to run again. (PostgreSQL tells at COMMIT.)
func TestWriteSkew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		if db.Kind == store.SQLite {
			t.Skip("transactions that write run one after the other")
		}
		do(t, db, "make_counter", nil)
		for _, name := range []string{"a", "b"} {
			do(t, db, "put_counter", store.Args{"name": name, "n": 1})
		}
		var both sync.WaitGroup // have read
		both.Add(2)
		var g errgroup.Group
		for _, name := range []string{"a", "b"} {
			first := true
			g.Go(func() error {
				return db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
					sum, err := store.One[int64](ctx, q, sql.Get("sum_counters"), nil)
					if first {
						first = false
						both.Done()
						both.Wait()
					}
					if err != nil {
						return err
					}
					_, err = store.Exec(ctx, q, sql.Get("set_counter"), store.Args{"name": name, "n": sum * 10})
					return err
				})
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		// 2 → 20, then 20 + 1 → 210.
		if sum := get[int64](t, db, "sum_counters", nil); sum != 230 {
			t.Errorf("%d, want 20 and 210", sum)
		}
	})
}

// Two transactions each write a row and then the other's, so that both would wait for ever: one is run again.
func TestDeadlock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		if db.Kind == store.SQLite {
			t.Skip("transactions that write run one after the other")
		}
		do(t, db, "make_counter", nil)
		names := []string{"a", "b"}
		for _, name := range names {
			do(t, db, "put_counter", store.Args{"name": name, "n": 0})
		}
		var both sync.WaitGroup // have written
		both.Add(2)
		var g errgroup.Group
		for i := range names {
			first := true
			g.Go(func() error {
				return db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
					_, err := store.One[int64](ctx, q, sql.Get("raise_counter"), store.Args{"name": names[i]})
					if first {
						first = false
						both.Done()
						both.Wait()
					}
					if err != nil {
						return err
					}
					_, err = store.One[int64](ctx, q, sql.Get("raise_counter"), store.Args{"name": names[1-i]})
					return err
				})
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if sum := get[int64](t, db, "sum_counters", nil); sum != 4 {
			t.Errorf("%d, want 4", sum)
		}
		if db.Metric(t, "freshet_store_conflicts_total") == 0 {
			t.Error("no conflict was seen")
		}
	})
}

// Nodes that start together bring one database up to date once.
func TestMigrateTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		if db.Kind == store.SQLite {
			t.Skip("a file belongs to one node")
		}
		url := storetest.Empty(t, db.Kind)
		var g errgroup.Group
		for range 3 {
			g.Go(func() error {
				db, err := store.Open(t.Context(), store.Config{URL: url}, storetest.Deps(t))
				if err != nil {
					return err
				}
				n, err := db.Migrate(t.Context())
				if err == nil && n != 0 {
					err = fmt.Errorf("%d migrations were left", n)
				}
				return errors.Join(err, db.Close())
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// Writes that wait for one another share commits, and one that fails, or whose caller has gone, takes nobody along.
func TestSharedCommits(t *testing.T) {
	db := storetest.New(t)
	do(t, db, "make_counter", nil)
	do(t, db, "put_counter", store.Args{"name": "a", "n": 0})
	before := db.Metric(t, "freshet_store_commit_size")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	const writers = 200
	var g errgroup.Group
	for i := range writers {
		g.Go(func() error {
			ctx := t.Context()
			if i%10 == 1 {
				ctx = gone
			}
			err := db.InTx(ctx, func(ctx context.Context, q store.Querier) error {
				_, err := store.One[int64](ctx, q, sql.Get("raise_counter"), store.Args{"name": "a"})
				if i%10 == 0 {
					return errUnwanted
				}
				return err
			})
			switch {
			case i%10 == 0 && !errors.Is(err, errUnwanted):
				return fmt.Errorf("%d: %w, want its own error", i, err)
			case i%10 == 1 && !errors.Is(err, context.Canceled):
				return fmt.Errorf("%d: %w, want canceled", i, err)
			case i%10 > 1:
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if n := get[int64](t, db, "get_counter", store.Args{"name": "a"}); n != writers*8/10 {
		t.Errorf("%d of %d are there", n, writers*8/10)
	}
	commits := db.Metric(t, "freshet_store_commit_size") - before
	t.Logf("%d transactions in %v commits", writers, commits)
	if commits > writers/2 {
		t.Errorf("%v commits for %d transactions", commits, writers)
	}
}
