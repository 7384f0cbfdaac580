package main

import (
	"slices"
	"testing"
	"time"

	"freshet/bench/impair"
	"freshet/control/ops"
)

// TestCascadeReparent holds R5: where the link to a parent dies, or loses a fifth, another parent feeds who is below it.
func TestCascadeReparent(t *testing.T) {
	c, slug := startMesh(t)
	if c.hosts == nil {
		t.Skip("NOT TESTED: links are cut between hosts (make test-mesh)")
	}
	viewers := slices.Concat(c.follow(4, slug, "par"), c.follow(4, slug, "sin"))
	c.watching(viewers)
	for _, link := range []struct {
		death string
		path  func(impair.Path) impair.Path
		moves bool // what is lost can be mended: then nobody has to take it from elsewhere
	}{
		{deathCut, func(p impair.Path) impair.Path { p.Cut = true; return p }, true},
		{"loss of 20 %", func(p impair.Path) impair.Path { p.Loss = .2; return p }, false},
	} {
		t.Run(link.death, func(t *testing.T) {
			var all []time.Duration
			looped, void := 0, false
			for range rounds() {
				hop := c.ocean()
				below := c.below(viewers, hop.Node)
				a, b := c.host(hop.Node), c.host(hop.Upstream)
				there, back := c.hosts.Path(a, b), c.hosts.Path(b, a)
				busy := c.counters()
				broke := time.Now()
				c.hosts.Set(a, b, link.path(there))
				c.hosts.Set(b, a, link.path(back))
				c.until("another parent of "+hop.Node+", or time to need one", 15*time.Second, func(v ops.View) bool {
					now, ok := hopOf(v, hop.Node)
					looped += loops(v)
					return ok && now.Live && (now.Upstream != hop.Upstream || !link.moves && time.Since(broke) > 5*time.Second)
				})
				c.watching(below)
				void = void || c.counters().Since(busy).Starved()
				longest, _ := gaps(below, broke)
				all = append(all, longest...)
				c.hosts.Set(a, b, there)
				c.hosts.Set(b, a, back)
				c.watching(viewers)
			}
			c.held("R5", link.death, all, looped, void, time.Second, 2*time.Second)
		})
	}
	c.leave(viewers)
}

// ocean returns a hop between regions that has viewers behind it.
func (c *cluster) ocean() ops.Hop {
	c.Helper()
	var found ops.Hop
	c.until("a hop between regions", 15*time.Second, func(v ops.View) bool {
		for _, h := range v.Streams[0].Hops {
			if h.Upstream != "" && c.region(v, h.Node) != c.region(v, h.Upstream) && behind(v, h.Node) > 0 {
				found = h
				return true
			}
		}
		return false
	})
	return found
}

func (c *cluster) region(v ops.View, node string) string {
	i := slices.IndexFunc(v.Nodes, func(n ops.Node) bool { return n.Node == node })
	if i < 0 {
		return ""
	}
	return v.Nodes[i].Region
}

func hopOf(v ops.View, node string) (ops.Hop, bool) {
	i := slices.IndexFunc(v.Streams[0].Hops, func(h ops.Hop) bool { return h.Node == node })
	if i < 0 {
		return ops.Hop{}, false
	}
	return v.Streams[0].Hops[i], true
}

// way returns the nodes from one up to the origin; ok is false where they go round.
func way(v ops.View, node string) (nodes []string, ok bool) {
	for {
		if slices.Contains(nodes, node) {
			return nodes, false
		}
		nodes = append(nodes, node)
		h, known := hopOf(v, node)
		if !known || h.Upstream == "" {
			return nodes, true
		}
		node = h.Upstream
	}
}

// loops counts the nodes whose way goes round.
func loops(v ops.View) (n int) {
	for _, h := range v.Streams[0].Hops {
		if _, ok := way(v, h.Node); !ok {
			n++
		}
	}
	return n
}

// behind counts the viewers whose picture passes a node.
func behind(v ops.View, node string) (n int) {
	for _, h := range v.Streams[0].Hops {
		if nodes, _ := way(v, h.Node); slices.Contains(nodes, node) {
			n += h.Viewers
		}
	}
	return n
}

// below returns the viewers whose picture passes a node.
func (c *cluster) below(viewers []*follower, node string) (list []*follower) {
	v := c.view()
	for _, f := range viewers {
		edge, _ := f.at()
		if nodes, _ := way(v, edge); slices.Contains(nodes, node) {
			list = append(list, f)
		}
	}
	return list
}
