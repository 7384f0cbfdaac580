package sim

import (
	"context"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"freshet/bench/report"
	"freshet/cluster/tree"
	"freshet/control/place"
)

const (
	waves      = 10
	deaths     = 10 // edges drawn to die, one after the other
	decideBest = 5  // of so many the cheapest counts
)

// A Result is what came of one world.
type Result struct {
	Config  Config
	Regions int
	Demands int // edges that take a stream, over all streams

	First, Again time.Duration // CPU of a decision, see README.md
	Load         report.Load   // of the machine while it was measured

	Seated, Seats int
	Stretch, MS   [3]float64  // median, p95, p99
	Depth         map[int]int // hops, of nodes that take a stream
	Crossings     float64     // a stream
	Saved         float64     // share of the price of all layers
	Links         int         // nodes that take a stream, over all streams
	Broken, Short int         // see faults; edges without a hub
	Events        []Event
	Picture       *Picture
}

// An Event is something that happens to a mesh, and what comes of it.
type Event struct {
	What, Whom string
	There      int     // viewers on what failed
	Moved      int     // viewers who got another edge
	Others     int     // of them, from an edge that lives
	Unseated   int     // viewers who got none
	Pulled     int     // nodes that take a stream from somebody else
	Pulls      int     // of all that take one, before
	Stretch    float64 // median
	Broken     int
	Decide     time.Duration // CPU
}

// Run makes the world that cfg describes, fills it, and lets it suffer. It returns early with ctx's error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 1))
	w, err := newWorld(cfg, rng)
	if err != nil {
		return nil, err
	}
	r := &Result{Config: cfg, Regions: regions(cfg.Edges), Depth: map[int]int{}}
	a := newAudience(w, cfg.Router)
	people := newUrn(len(w.cities), func(i int) float64 { return float64(w.cities[i].Population) })
	streams := newUrn(cfg.Streams, func(i int) float64 { return 1 / float64(i+1) })
	layers := newUrn(len(watchers), func(i int) float64 { return watchers[i] })
	s, before := &state{}, report.ReadCounters()
	for wave := range waves {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a.arrive(cfg.Viewers*(wave+1)/waves-cfg.Viewers*wave/waves, rng, people, streams, layers)
		s.mesh, s.streams = a.mesh(nil), a.streams()
		var d place.Decision
		if d, r.Again = decide(s.mesh, s.streams, s.trees); wave == waves-1 {
			_, r.First = decide(s.mesh, s.streams, nil)
			s.weigh(d)
			r.Short = s.short
		}
		s.trees = d.Trees
	}
	r.Load = report.ReadCounters().Since(before)
	r.measure(a, s)
	for _, e := range w.events(a, s, rng) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.Events = append(r.Events, a.suffer(s, e))
	}
	r.Picture = a.picture(s)
	return r, nil
}

// decide makes trees, several times for the sake of the clock.
func decide(m place.Mesh, streams []place.Stream, previous map[string]tree.Tree) (d place.Decision, best time.Duration) {
	for i := range decideBest {
		began := cpu()
		d = place.Trees(m, streams, previous)
		if took := cpu() - began; i == 0 || took < best {
			best = took
		}
	}
	return d, best
}

// cpu returns what this process has taken of all cores so far, the collection of garbage included.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it fails for wrong arguments alone
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// weigh makes s what comes of d.
func (s *state) weigh(d place.Decision) {
	s.trees, s.short = d.Trees, 0
	for _, part := range d.Short {
		s.short += part.Edges
	}
	s.weight = place.Weigh(s.mesh, s.streams, d.Trees)
	s.broken = faults(s, d)
}

func (r *Result) measure(a *audience, s *state) {
	bps := 0.0
	for i, share := range watchers {
		bps += share * float64(watchedBPS[i])
	}
	r.Seats = int(float64(a.w.edges) * viewersShare * capacityBPS / bps)
	for _, v := range a.viewers {
		if v.edge != nowhere {
			r.Seated++
		}
	}
	stretch, ms := a.stretches(s)
	for i, q := range []float64{.5, .95, .99} {
		r.Stretch[i], r.MS[i] = quantile(stretch, q), quantile(ms, q)
	}
	for _, l := range s.weight.Links {
		r.Depth[l.Depth]++
	}
	for _, st := range s.streams {
		r.Demands += len(st.Demand)
	}
	r.Links, r.Broken = len(s.weight.Links), s.broken
	r.Crossings = float64(s.weight.Crossed) / float64(len(s.streams))
	if all := s.weight.Price + s.weight.Saved; all > 0 {
		r.Saved = s.weight.Saved / all
	}
}

// A blow is an event to come.
type blow struct {
	what, whom string
	hits       func(node int) bool
	drains     bool
}

// events returns what is to happen to a, in which s is what it gets.
func (w *world) events(a *audience, s *state, rng *rand.Rand) []blow {
	one := func(what string, node int, drains bool) blow {
		return blow{what, w.nodes[node].Name, func(n int) bool { return n == node }, drains}
	}
	busiest := most(w.edges, func(e int) int64 { return a.load[e] })
	hubs, streams := map[string]int64{}, map[string]int64{}
	for _, st := range s.streams {
		streams[st.Origin]++
		for _, h := range s.trees[st.ID].Hubs {
			hubs[h.Node]++
		}
	}
	hub := most(w.edges, func(e int) int64 { return hubs[w.nodes[e].Name] })
	origin := w.edges + most(len(w.nodes)-w.edges, func(o int) int64 { return streams[w.nodes[w.edges+o].Name] })
	watched := map[string]int64{}
	for e := range w.edges {
		watched[w.nodes[e].Region] += a.load[e]
	}
	region := w.nodes[most(w.edges, func(e int) int64 { return watched[w.nodes[e].Region] })].Region

	list := []blow{
		one("busiest edge dies", busiest, false),
		one("hub of most streams dies", hub, false),
		one("origin of most streams dies", origin, false),
		{"region is lost", region, func(n int) bool { return w.nodes[n].Region == region }, false},
		one("busiest edge drains", busiest, true),
	}
	for range min(deaths, w.edges) {
		list = append(list, one("an edge dies", rng.IntN(w.edges), false))
	}
	return list
}

// most returns which of n has the most.
func most(n int, of func(i int) int64) int {
	best := 0
	for i := range n {
		if of(i) > of(best) {
			best = i
		}
	}
	return best
}

// suffer lets one thing happen to a copy of a.
func (a *audience) suffer(before *state, b blow) Event {
	e := Event{What: b.what, Whom: b.whom, Pulls: len(before.weight.Links)}
	now := a.copied()
	for i := range a.w.edges {
		now.shut[i] = b.hits(i)
	}
	now.leave()
	for i, v := range a.viewers {
		is := now.viewers[i].edge
		hit := v.edge != nowhere && b.hits(int(v.edge))
		switch {
		case hit:
			e.There++
		case is != v.edge:
			e.Others++
		}
		if is != v.edge {
			e.Moved++
		}
		if hit && is == nowhere {
			e.Unseated++
		}
	}
	s := &state{streams: now.streams()}
	if s.mesh = now.mesh(b.hits); b.drains {
		s.mesh = now.mesh(nil)
		for i := range s.mesh.Nodes {
			if b.hits(i) {
				s.mesh.Nodes[i].State = place.Draining
			}
		}
	}
	for i := range s.streams {
		st := &s.streams[i]
		p := place.Origin(s.mesh, *st, place.Placement{Origin: st.Origin, Standby: st.Standby})
		st.Origin, st.Standby = p.Origin, p.Standby
	}
	d, took := decide(s.mesh, s.streams, before.trees)
	s.weigh(d)
	e.Decide, e.Broken = took, s.broken
	e.Pulled = changed(before.weight.Links, s.weight.Links)
	stretch, _ := now.stretches(s)
	e.Stretch = quantile(stretch, .5)
	return e
}

// changed returns how many of those who took a stream before take it from somebody else now. Both are sorted as Weigh has them.
func changed(before, now []place.Link) int {
	type pull struct{ stream, node string }
	from := make(map[pull]string, len(before))
	for _, l := range before {
		from[pull{l.Stream, l.To}] = l.From
	}
	n := 0
	for _, l := range now {
		if was, ok := from[pull{l.Stream, l.To}]; ok && was != l.From {
			n++
		}
	}
	return n
}

// Failures returns the events of r that are failures of one edge.
func (r *Result) Failures() []Event {
	return slices.DeleteFunc(slices.Clone(r.Events), func(e Event) bool { return e.What != "an edge dies" })
}
