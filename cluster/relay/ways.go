package relay

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	waysEvery = time.Second
	waysIdle  = 10 * time.Second // a link that is of no use any more stays, for a stream that comes back soon
)

// ways are the links to upstream nodes: those that are kept, and those of the streams that are pulled. Which they are,
// the guide says; run begins and ends them.
type ways struct {
	r     *Relay
	guide Guide
	idle  time.Duration // waysIdle; shorter in tests
	fresh chan struct{} // of has made a link that run does not know

	mu  sync.Mutex
	all map[Upstream]*way
}

// A way is one link, however often it has to be dialled. Idle and stop are run's alone.
type way struct {
	up   *uplink
	idle time.Time // since when nobody wants it; zero while somebody does
	stop context.CancelFunc
}

func newWays(r *Relay, g Guide) *ways {
	return &ways{r: r, guide: g, idle: waysIdle, fresh: make(chan struct{}, 1), all: map[Upstream]*way{}}
}

// any says whether there is a way to take stream by. Without, it can only begin here.
func (w *ways) any(stream string) bool { return len(w.guide.Upstreams(stream)) > 0 }

// of returns the links to take stream by, the best first. Of nodes that are new, they are there soon.
func (w *ways) of(stream string) []*uplink {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ups []*uplink
	for _, to := range first(w.guide.Upstreams(stream)) {
		ups = append(ups, w.to(to))
	}
	return ups
}

// origin returns the link to the origin of stream, nil where that is not known, or this node.
func (w *ways) origin(stream string) *uplink {
	to, ok := w.guide.Origin(stream)
	if !ok {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to(to)
}

// to returns the link to a node, which is there soon; the caller holds mu.
func (w *ways) to(node Upstream) *uplink {
	x := w.all[node]
	if x == nil {
		x = w.add(node)
		select {
		case w.fresh <- struct{}{}:
		default:
		}
	}
	return x.up
}

// add makes a way that nobody dials yet; the caller holds mu.
func (w *ways) add(to Upstream) *way {
	x := &way{up: &uplink{r: w.r, to: to}}
	w.all[to] = x
	return x
}

func first(all []Upstream) []Upstream { return all[:min(maxUpstreams, len(all))] }

// run keeps the links as the guide says until ctx ends, and all of them have ended.
func (w *ways) run(ctx context.Context) error {
	var links sync.WaitGroup
	defer links.Wait()
	tick := time.NewTicker(waysEvery)
	defer tick.Stop()
	for changed := w.guide.Changed(); ; {
		w.tend(ctx, &links, time.Now())
		select {
		case <-changed:
			changed = w.guide.Changed()
			w.r.tellChanged() // those who pull look by which way, now
		case <-w.fresh:
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tend begins the links that are wanted, and ends those that were not for a while.
func (w *ways) tend(ctx context.Context, links *sync.WaitGroup, now time.Time) {
	wanted := map[Upstream]bool{}
	want := func(ups []Upstream) {
		for _, to := range first(ups) {
			wanted[to] = true
		}
	}
	want(w.guide.Kept())
	for _, id := range w.r.pulled() {
		want(w.guide.Upstreams(id))
	}
	for _, id := range w.r.listened() {
		if to, ok := w.guide.Origin(id); ok {
			wanted[to] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for to := range wanted {
		if w.all[to] == nil {
			w.add(to)
		}
	}
	for to, x := range w.all {
		if x.stop == nil {
			var link context.Context
			link, x.stop = context.WithCancel(ctx)
			links.Go(func() { x.up.run(link) })
		}
		switch {
		case wanted[to] || x.up.busy():
			x.idle = time.Time{}
		case x.idle.IsZero():
			x.idle = now
		case now.Sub(x.idle) >= w.idle:
			x.stop()
			delete(w.all, to)
		}
	}
}

// pulled returns the streams that are taken from upstream now.
func (r *Relay) pulled() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.pulls))
}

// listened returns the streams of which somebody wants to have what this node publishes once their origin is gone.
func (r *Relay) listened() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.awaited))
}
