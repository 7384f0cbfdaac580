package place

import (
	"cmp"
	"math"
	"slices"

	"freshet/cluster/tree"
)

// fullAt is the share of its capacity above which an origin takes a new stream only where all others are as full.
const fullAt = 0.9

// A full origin is as good as an idle one this much further away, and origins nearer to each other than alike are equal: streams
// that are placed together spread over these.
const (
	loadMS  = 40.0
	alikeMS = 3.0
)

// Origin returns the origin of s and its standby. What is stays, unless its node is gone or draining; then the standby
// takes over, if it may go on itself. A new origin is near the publisher, a standby in another region than the
// origin where there is one. No origin is returned where no node could be one; a draining one goes on while it is alone.
func Origin(m Mesh, s Stream, previous Placement) Placement {
	origins := make([]Node, 0, 8)
	for _, n := range m.Nodes {
		if n.Role == RoleOrigin {
			origins = append(origins, n)
		}
	}
	find := func(name string) *Node {
		if i := slices.IndexFunc(origins, func(n Node) bool { return n.Name == name }); i >= 0 {
			return &origins[i]
		}
		return nil
	}
	was, stood := find(previous.Origin), find(previous.Standby)
	origin := was
	if was == nil || !was.State.keeps() {
		origin = best(origins, s.ID, s.Publisher, func(*Node) int { return 0 })
		switch {
		case stood != nil && stood.State.keeps():
			origin = stood
		case origin == nil:
			origin = was
		}
	}
	if origin == nil {
		return Placement{}
	}
	other := func(n *Node) int {
		switch n.Region {
		case origin.Region:
			return 1
		}
		return 0
	}
	next := best(slices.DeleteFunc(slices.Clone(origins), func(n Node) bool { return n.Name == origin.Name }), s.ID, origin.At, other)
	if stood != nil && stood != origin && stood.State.keeps() && (next == nil || other(stood) <= other(next)) {
		next = stood
	}
	p := Placement{Origin: origin.Name}
	if next != nil {
		p.Standby = next.Name
	}
	return p
}

// best returns the node for stream that takes new streams and is of the lowest class: one with room, near at, or nil.
func best(nodes []Node, stream string, at Point, class func(*Node) int) *Node {
	key := tree.KeyOf(stream)
	var found *Node
	var least [3]int
	for i := range nodes {
		n := &nodes[i]
		if n.State != In {
			continue
		}
		full, load := 0, 1.0
		if n.CapacityBPS > 0 {
			load = min(1, float64(n.LoadBPS)/float64(n.CapacityBPS))
		}
		if load >= fullAt {
			full = 1
		}
		far := load * loadMS
		if at.Known() && n.At.Known() {
			far += Delay(Distance(at, n.At))
		}
		if !(far < farMS) { // no number: places come from other nodes
			far = unknownMS
		}
		score := [3]int{class(n), full, int(math.Round(far / alikeMS))}
		if found == nil || cmp.Or(slices.Compare(score[:], least[:]), compareRank(key, n.Name, found.Name)) < 0 {
			found, least = n, score
		}
	}
	return found
}

// compareRank orders nodes by their rank for key, the highest first.
func compareRank(key tree.Key, a, b string) int {
	return cmp.Or(cmp.Compare(tree.Rank(key, tree.KeyOf(b)), tree.Rank(key, tree.KeyOf(a))), cmp.Compare(a, b))
}
