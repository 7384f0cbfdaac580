package hook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/bench/testmesh"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

// running runs s until the test ends or stop is called.
func running(t *testing.T, s *Sender) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Run sends what was told before and what is told meanwhile, once that is kept; who does not answer holds up nobody else,
// and a sender that is told to stop does.
func TestRun(t *testing.T) {
	d, r, hangs := newDesk(t, storetest.New(t)), newReceiver(t), newReceiver(t)
	r.trustedBy(d.Sender)
	d.Reach.roots.AddCert(hangs.server.Certificate())
	d.hook(r)
	d.hook(hangs)
	reached := make(chan struct{}, 1)
	hangs.answers(func(_ http.ResponseWriter, q *http.Request) {
		reached <- struct{}{}
		<-q.Context().Done()
	})
	d.tell(1, 2)
	stop := running(t, d.Sender)
	has := func(n int) {
		t.Helper()
		testmesh.Until(t, fmt.Sprint(n, " messages"), testmesh.Patience, func() bool { _, taken := r.got(); return len(taken) >= n })
	}
	has(2)
	<-reached
	errUnwanted := errors.New("unwanted")
	if err := d.Store.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
		return errors.Join(d.Queue.Tell(ctx, q, News{Account: d.account, Kind: EventChanged, Data: map[string]int{"n": 0}}, d.now), errUnwanted)
	}); !errors.Is(err, errUnwanted) {
		t.Error(err)
	}
	d.tell(3, 4)
	has(4)
	testmesh.Until(t, "four noted as taken", testmesh.Patience, func() bool { return strings.Count(d.states(), "done 1 200") == 4 })
	began := time.Now()
	stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("stopped after %v", took)
	}
	if _, taken := r.got(); fmt.Sprint(taken) != "[1 2 3 4]" {
		t.Errorf("%v", taken)
	}
	// What was cut has not failed: the hook is free, and the message waits as it did.
	if got := d.states(); strings.Count(got, "waiting 0 -") != 4 || strings.Count(got, "done 1 200") != 4 {
		t.Errorf("%s", got)
	}
	hangs.answers(nil)
	if n := d.due(); n != 1 {
		t.Errorf("%d due", n)
	}
	if _, taken := hangs.got(); fmt.Sprint(taken) != "[1 2 3 4]" {
		t.Errorf("%v", taken)
	}
}

// Several nodes send each message once, and in order.
func TestNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d, r := newDesk(t, db), newReceiver(t)
		r.trustedBy(d.Sender)
		d.hook(r)
		want := []int{}
		for n := range 100 {
			want = append(want, n)
		}
		d.tell(want[:50]...)
		running(t, d.Sender)
		for range 2 {
			other := d.node(db)
			r.trustedBy(other)
			running(t, other)
		}
		d.tell(want[50:]...)
		testmesh.Until(t, "100 messages", testmesh.Patience, func() bool { _, taken := r.got(); return len(taken) >= 100 })
		if _, taken := r.got(); !slices.Equal(taken, want) {
			t.Errorf("%v", taken)
		}
	})
}

// A node that died leaves its hooks to others.
func TestDeadNode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d, r := newDesk(t, db), newReceiver(t)
		r.trustedBy(d.Sender)
		d.hook(r)
		d.tell(1)
		if all, err := d.claim(t.Context(), atOnce); len(all) != 1 || err != nil {
			t.Fatal(all, err)
		}
		d.now = d.now.Add(claimFor - time.Second)
		if n := d.due(); n != 0 {
			t.Errorf("%d taken from a node that is at it", n)
		}
		d.now = d.now.Add(time.Second)
		if n := d.due(); n != 1 {
			t.Errorf("%d due", n)
		}
		if _, taken := r.got(); fmt.Sprint(taken) != "[1]" {
			t.Errorf("%v", taken)
		}
	})
}

// What an owner changes while a node is sending counts from the next message on: the new secret signs it, at the new
// address, and an attempt at the old one tells nothing of the new one.
func TestChangedWhileSending(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d, r, other := newDesk(t, db), newReceiver(t), newReceiver(t)
		r.trustedBy(d.Sender)
		d.Reach.roots.AddCert(other.server.Certificate())
		h := d.hook(r)
		d.tell(1, 2)
		changed := false
		r.answers(func(w http.ResponseWriter, _ *http.Request) {
			if !changed {
				changed = true
				var err error
				if h, err = Renew(t.Context(), d.Store, h); err == nil {
					h.URL, h.NextAt = other.server.URL+"/hook", d.now
					h, err = Update(t.Context(), d.Store, h, d.now)
				}
				if err != nil {
					t.Error(err)
				}
				other.secret = d.Signer.secret(h)
			}
			w.WriteHeader(http.StatusInternalServerError)
		})
		if n := d.due(); n != 1 {
			t.Fatalf("%d due", n)
		}
		if got := d.states(); got != "waiting 1 500, waiting 0 -" {
			t.Errorf("%s", got)
		}
		now, err := Get(t.Context(), d.Store, d.account, h.ID)
		if err != nil || now.Failing != nil || now.NextAt.After(d.now) {
			t.Errorf("the old address has failed, not the new one: %+v, %v", now, err)
		}
		if n := d.due(); n != 1 {
			t.Errorf("%d due", n)
		}
		if _, taken := other.got(); fmt.Sprint(taken) != "[1 2]" {
			t.Errorf("the new address got %v", taken)
		}
		if ids, _ := r.got(); len(ids) != 1 {
			t.Errorf("the old address got %d", len(ids))
		}
	})
}
