// Package route decides where people are sent: a viewer to the nearest edges, a publisher to an origin.
// Its functions are pure.
package route

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// Edges is how many edges a join answers with: one to open, two for the player to fall back on.
const Edges = 3

// comfort is how many viewers an edge carries before another of the same region is preferred. Load is
// compared in tenths of it, so that facts a second old do not send a burst of joins to one edge.
const comfort = 1000

// An Edge is one that may be chosen.
type Edge struct {
	Node, Region string
	WHEP         string
	Viewers      int
}

// Rank returns the best n edges for a viewer in region (empty where nobody knows), best first: those of
// the region before others, then the less loaded. Equal ones take turns by session, and stay in their
// order when another comes or goes. It does not change edges.
func Rank(region, session string, edges []Edge, n int) []Edge {
	type scored struct {
		Edge
		score, turn uint64
	}
	all := make([]scored, 0, len(edges))
	for _, e := range edges {
		s := scored{e, uint64(max(e.Viewers, 0)) * 10 / comfort, turn(session, e.Node)}
		if region != "" && e.Region != region {
			s.score += 100 // a full edge nearby is only left for one far away at ten times its comfort
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.turn, b.turn), cmp.Compare(a.Node, b.Node))
	})
	best := make([]Edge, 0, n)
	for _, s := range all[:min(n, len(all))] {
		best = append(best, s.Edge)
	}
	return best
}

// An Origin is one that may take a publisher.
type Origin struct {
	Node string
	WHIP string
	Live bool // it carries the stream now
}

// Pick returns the origin for a publisher of stream: the one placement assigned, where it is there;
// else the one that carries the stream already, so that a second publisher becomes its backup; else the
// same one each time. ok is false without an origin.
func Pick(stream, assigned string, origins []Origin) (best Origin, ok bool) {
	if len(origins) == 0 {
		return Origin{}, false
	}
	rank := func(o Origin) int {
		switch {
		case o.Node == assigned:
			return 0
		case o.Live:
			return 1
		}
		return 2
	}
	return slices.MinFunc(origins, func(a, b Origin) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(turn(stream, a.Node), turn(stream, b.Node)))
	}), true
}

// turn orders nodes differently, but always alike, for each key (rendezvous hashing).
func turn(key, node string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(node))
	// FNV's high bits hardly depend on the last bytes; one round of mixing spreads them.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}
