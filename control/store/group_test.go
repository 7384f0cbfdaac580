package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Of many who come at once each is run once, or goes away unrun where it does not wait any longer; nobody is forgotten,
// and there is never more than one who leads.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads, ran atomic.Int64
		g := &group{run: func(all []*work) {
			if leads.Add(1) != 1 {
				t.Error("two lead")
			}
			for _, w := range all {
				w.run(nil)
			}
			time.Sleep(time.Millisecond) // a commit: others come meanwhile
			leads.Add(-1)
		}}
		errMine := errors.New("mine")
		var all sync.WaitGroup
		for range 2000 {
			wait, patience, what := rand.N(50*time.Millisecond), rand.N(20*time.Millisecond), rand.N(4)
			all.Go(func() {
				time.Sleep(wait)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				calls := 0
				defer func() {
					if fell := recover(); fell != nil && (fell != "mine" || what != 0) {
						t.Errorf("it fell with %v", fell)
					}
				}()
				err := g.do(ctx, func(context.Context, Querier) error {
					calls++
					ran.Add(1)
					switch what {
					case 0:
						panic("mine")
					case 1:
						return errMine
					}
					return nil
				})
				switch {
				case errors.Is(err, context.DeadlineExceeded) && calls == 0:
				case calls != 1 || (what == 1) != errors.Is(err, errMine) || what > 1 && err != nil:
					t.Errorf("%d calls, %v", calls, err)
				}
			})
		}
		all.Wait()
		if g.led || len(g.waiting) > 0 {
			t.Errorf("led %v with %d who wait", g.led, len(g.waiting))
		}
		if n := ran.Load(); n == 0 || n == 2000 {
			t.Errorf("%d ran: nobody went away, or all", n)
		}
	})
}

// A function that ends its goroutine, as FailNow of a test does, takes nobody along who comes later.
func TestGroupGoesOn(t *testing.T) {
	e, err := openSQLite(t.Context(), t.TempDir(), newMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		_ = e.inTx(t.Context(), func(context.Context, Querier) error {
			runtime.Goexit()
			return nil
		})
	})
	all.Wait()
	if err := e.inTx(t.Context(), func(context.Context, Querier) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := e.close(); err != nil {
		t.Error(err)
	}
}

// Who still writes while the database is closed gets an error, and nothing worse.
func TestCloseMeanwhile(t *testing.T) {
	e, err := openSQLite(t.Context(), t.TempDir(), newMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	one := Statement{Name: "one", sqlite: "SELECT 1"}
	var all sync.WaitGroup
	wrote := make(chan struct{}, 8)
	for range cap(wrote) {
		all.Go(func() {
			for i := 0; ; i++ {
				err := e.inTx(t.Context(), func(ctx context.Context, q Querier) error {
					s := one
					s.sqlite += " -- " + strconv.Itoa(i) // prepared anew
					_, err := q.exec(ctx, s, nil)
					return err
				})
				if err != nil {
					return
				}
				if i == 0 {
					wrote <- struct{}{}
				}
			}
		})
	}
	for range cap(wrote) {
		<-wrote
	}
	if err := e.close(); err != nil {
		t.Error(err)
	}
	all.Wait()
}
