package tree

import (
	"cmp"
	"slices"
)

// MaxUpstreams is how many a node has. Links to all of them stand before they are needed.
const MaxUpstreams = 4

// ownHubs is how many of these are hubs of the node's own region, its parent included; one more stands in another.
const ownHubs = 2

// Where an upstream stands in the order.
const (
	isParent  = iota // of a hub
	isServing        // in the region
	isFeeding        // in the region, and has hubs to feed
	isElsewhere
)

type candidate struct {
	node  string
	class int
	away  float64
	rank  uint64
}

// before reports whether c is better than d, or d is not there.
func (c candidate) before(d candidate) bool {
	return d.node == "" || cmp.Or(cmp.Compare(c.class, d.class), cmp.Compare(c.away, d.away),
		cmp.Compare(d.rank, c.rank), cmp.Compare(c.node, d.node)) < 0
}

// Upstreams returns from whom at takes the stream, best first, at most MaxUpstreams: the parent of a hub; hubs of the
// region, by Rank; one of the nearest other region; the origin; the standby, which comes before that other one where the
// first of all is the origin: what hangs on it as well is of no help when it dies. away tells how far a region is from at, in any
// unit; nil, or equal regions, leave their order to Rank. The origin has no upstream.
//
// Whatever each node chooses of its own list, no ring closes and no way is longer than four hops.
func Upstreams(t Tree, at Site, away func(region string) float64) []string {
	return NewMap(t).Upstreams(at, away)
}

// Upstreams is as the function.
func (m *Map) Upstreams(at Site, away func(region string) float64) []string {
	level := m.level(at.Node)
	switch level {
	case levelOrigin:
		return nil
	case levelStandby:
		return add(nil, m.origin)
	case levelNone: // the tree is not whole: what never fails
		return add(add(nil, m.origin), m.standby)
	}
	own, other := m.candidates(at, level, away)
	list := make([]string, 0, MaxUpstreams)
	for _, c := range own {
		list = add(list, c.node)
	}
	if len(list) > 0 && list[0] == m.origin {
		list = add(list, m.standby)
	}
	list = add(list, other.node)
	return add(add(list, m.origin), m.standby)
}

// candidates returns the best hubs that at may take the stream from, of its region and of others. Those that are not there have
// no name.
func (m *Map) candidates(at Site, level int, away func(string) float64) (own [ownHubs]candidate, other candidate) {
	key, parent := KeyOf(at.Node), ""
	if i, ok := m.at[at.Node]; ok {
		parent = m.hubs[i].Parent
		if _, ok := m.root(parent); ok {
			own[0] = candidate{node: parent}
		}
	}
	for i := range m.hubs {
		h := &m.hubs[i]
		if h.level >= level || h.Node == at.Node || h.Node == own[0].node {
			continue
		}
		c := candidate{node: h.Node, rank: Rank(key, h.key), class: isElsewhere}
		switch {
		case h.Node == parent:
			c.class = isParent
		case h.Region == at.Region && !h.feeds:
			c.class = isServing
		case h.Region == at.Region:
			c.class = isFeeding
		case away != nil:
			c.away = away(h.Region)
		}
		switch {
		case c.class == isElsewhere:
			if c.before(other) {
				other = c
			}
		case c.before(own[0]):
			own[0], own[1] = c, own[0]
		case c.before(own[1]):
			own[1] = c
		}
	}
	return own, other
}

// add appends node where there is one, it is not there yet, and has room.
func add(list []string, node string) []string {
	if node == "" || len(list) == MaxUpstreams || slices.Contains(list, node) {
		return list
	}
	return append(list, node)
}
