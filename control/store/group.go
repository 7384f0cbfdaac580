package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// maxShared bounds the transactions of one commit: the last of them waits for the first.
const maxShared = 128

// A work is one transaction that waits for its turn.
type work struct {
	ctx  context.Context
	call func(context.Context, Querier) error
	err  error
	fell any       // what call panicked with
	told chan bool // true: lead now; false: it is done
}

// run calls w's function. What that panics with is its caller's.
func (w *work) run(q Querier) {
	defer func() {
		if w.fell = recover(); w.fell != nil {
			w.err = fmt.Errorf("panic: %v", w.fell)
		}
	}()
	if w.err = w.ctx.Err(); w.err == nil {
		// A statement that is interrupted would end the transaction of all.
		w.err = w.call(context.WithoutCancel(w.ctx), q)
	}
}

// A group runs transactions for those who wait, many at a time: whoever comes first leads, takes all that wait by then
// along, and leaves the lead to one of those who came meanwhile. It needs no goroutine.
type group struct {
	run func([]*work) // one call at a time

	mu      sync.Mutex
	led     bool
	waiting []*work
}

func (g *group) do(ctx context.Context, call func(context.Context, Querier) error) error {
	w := &work{ctx: ctx, call: call, told: make(chan bool, 1)}
	g.mu.Lock()
	if g.led {
		g.waiting = append(g.waiting, w)
		g.mu.Unlock()
		lead, err := g.await(ctx, w)
		if err != nil {
			return err
		}
		if !lead {
			return w.outcome()
		}
		g.mu.Lock()
	}
	g.led = true
	all := append([]*work{w}, g.take(maxShared-1)...)
	g.mu.Unlock()
	g.lead(all)
	return w.outcome()
}

var errStopped = errors.New("the transaction was stopped")

// lead runs all, and leaves the lead to another even where run does not return: it may panic, and what it calls may
// end the goroutine.
func (g *group) lead(all []*work) {
	returned := false
	defer func() {
		if !returned {
			fail(all, errStopped)
		}
		g.mu.Lock()
		if next := g.take(1); len(next) == 1 {
			next[0].told <- true
		} else {
			g.led = false
		}
		g.mu.Unlock()
		for _, other := range all[1:] {
			other.told <- false
		}
	}()
	g.run(all)
	returned = true
}

// fail tells all that nothing was kept, with err, where they had no error of their own.
func fail(all []*work, err error) {
	for _, w := range all {
		if w.err == nil {
			w.err = err
		}
	}
}

// await returns when w is to lead or is done. Where ctx ends before w has begun it goes away.
func (g *group) await(ctx context.Context, w *work) (lead bool, err error) {
	select {
	case lead = <-w.told:
		return lead, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	i := slices.Index(g.waiting, w)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i >= 0 {
		return false, ctx.Err()
	}
	return <-w.told, nil // it has begun, or leads
}

// take removes up to n from those who wait. The lock is held.
func (g *group) take(n int) []*work {
	n = min(n, len(g.waiting))
	taken := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return taken
}

func (w *work) outcome() error {
	if w.fell != nil {
		panic(w.fell)
	}
	return w.err
}
