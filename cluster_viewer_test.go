package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"freshet/bench/load"
	"freshet/cluster/stream"
)

// A watcher is a viewer that never joins again.
type watcher struct {
	mu      sync.Mutex
	reports []load.Report
	stop    context.CancelFunc
	ended   chan error
}

func (c *cluster) watch(url string) *watcher { return c.watchWith(url, "") }

// watchWith watches with a token.
func (c *cluster) watchWith(url, token string) *watcher {
	ctx, stop := context.WithCancel(c.Context())
	w := &watcher{stop: stop, ended: make(chan error, 1)}
	go func() {
		w.ended <- load.Play(ctx, load.PlayConfig{URL: url, Token: token}, func(r load.Report) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reports = append(w.reports, r)
		}, slog.New(slog.DiscardHandler))
	}()
	c.Cleanup(stop)
	return w
}

// frames returns how many there were, and the longest time between two since report number from.
func (w *watcher) frames(from int) (n, reports int, gap time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range w.reports {
		if v := video(r); v != nil {
			n = int(v.Frames)
			if i >= from {
				gap = max(gap, v.LongestGap)
			}
		}
	}
	return n, len(w.reports), gap
}

// result prints what a promise of RELIABILITY was measured to hold.
func (c *cluster) result(id, death string, gaps []time.Duration, broken int) {
	slices.Sort(gaps)
	ms := func(q float64) int64 { return gaps[min(len(gaps)-1, int(q*float64(len(gaps))))].Milliseconds() }
	c.Logf(`{"id":%q,"death":%q,"n":%d,"p50":%d,"p99":%d,"max":%d,"broken":%d,"unit":"ms"}`,
		id, death, len(gaps), ms(.5), ms(.99), ms(1), broken)
}

// A follower is a viewer that goes where it can watch.
type follower struct {
	load.Arrivals
	stop  context.CancelFunc
	ended chan load.Followed

	mu    sync.Mutex
	nodes []string // of its edges, in order
}

// at returns the node of its edge, and how many it has had.
func (f *follower) at() (node string, edges int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.nodes) == 0 {
		return "", 0
	}
	return f.nodes[len(f.nodes)-1], len(f.nodes)
}

// follow has n viewers of an event come, who are nearest to a region.
func (c *cluster) follow(n int, slug, region string) []*follower {
	c.Helper()
	cfg := load.FollowConfig{Slug: slug, Region: region}
	for _, name := range slices.Sorted(maps.Keys(c.nodes)) {
		if p := c.nodes[name]; p.args[0] == roleControl {
			cfg.API = append(cfg.API, p.url+"/api/v1")
		}
	}
	var all []*follower
	for range n {
		ctx, stop := context.WithCancel(c.Context())
		f := &follower{stop: stop, ended: make(chan load.Followed, 1)}
		cfg := cfg
		cfg.Arrivals = &f.Arrivals
		go func() {
			f.ended <- load.Follow(ctx, cfg, func(node string) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.nodes = append(f.nodes, node)
			}, slog.New(slog.DiscardHandler))
		}()
		c.Cleanup(stop)
		all = append(all, f)
	}
	return all
}

// moved waits until each of viewers, who were at an edge, is at another.
func (c *cluster) moved(all []*follower, from string) {
	c.Helper()
	for i, f := range all {
		if err := until(c.Context(), 20*time.Second, func() bool { node, _ := f.at(); return node != from }); err != nil {
			c.Fatalf("viewer %d stays at %s", i, from)
		}
	}
}

// watching waits until each has had a second of pictures without a pause.
func (c *cluster) watching(all []*follower) {
	c.Helper()
	for i, f := range all {
		err := until(c.Context(), 20*time.Second, func() bool {
			now := time.Now()
			gap, frames, ok := f.Longest(stream.Video, now.Add(-time.Second), now)
			return ok && frames > 10 && gap < 300*time.Millisecond
		})
		if err != nil {
			node, edges := f.at()
			c.Fatalf("viewer %d sees no steady picture: at %q, its edge number %d", i, node, edges)
		}
	}
}

// gaps returns the longest pause of each since a moment, and how many still have one.
func gaps(all []*follower, since time.Time) (longest []time.Duration, dark int) {
	now := time.Now()
	for _, f := range all {
		gap, _, _ := f.Longest(stream.Video, since, now)
		longest = append(longest, gap)
		if recent, _, _ := f.Longest(stream.Video, now.Add(-500*time.Millisecond), now); recent >= 500*time.Millisecond {
			dark++
		}
	}
	return longest, dark
}

// leave has all go, and says who had gone before.
func (c *cluster) leave(all []*follower) {
	c.Helper()
	for i, f := range all {
		f.stop()
		if d := <-f.ended; d.Err != nil {
			c.Errorf("viewer %d: %v", i, d.Err)
		}
	}
}
