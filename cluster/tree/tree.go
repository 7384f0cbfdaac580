// Package tree is the relay tree of one stream, and which upstreams a node takes in it. It is pure: control makes
// a tree, every node reads its own upstreams from it, and both come to the same.
package tree

// A Tree says who passes a stream on. Leaves are not in it: a node that wants the stream and is no hub takes it from a hub
// of its region, which one by Rank.
type Tree struct {
	Origin  string
	Standby string // takes the stream from the origin; empty where there is none
	Hubs    []Hub
}

// A Hub takes the stream for its region. The origin is one, too, where it serves its own region itself, and so is the
// standby; their Parent is empty and the origin.
type Hub struct {
	Node, Region string
	Parent       string // the origin, the standby, or a hub whose own parent is one of these two
}

// A Site is a node that wants the stream.
type Site struct{ Node, Region string }

// How many hops of a way end at a node, at most, whichever upstreams the nodes above it have chosen. A node takes the
// stream from a lower level alone: so no choice of theirs closes a ring, and none is longer than relays take (rtpq.MaxHops).
const (
	levelOrigin  = iota
	levelStandby // from the origin alone
	levelFirst   // a hub below one of these
	levelSecond  // a hub below a hub
	levelLeaf
	levelNone // a hub that nothing leads to
)

// A Map is a tree made ready to be asked by many nodes. It keeps no part of the tree that it was made of.
type Map struct {
	origin, standby string
	hubs            []hub
	at              map[string]int // of a node in hubs
}

type hub struct {
	Hub
	key   Key
	level int
	feeds bool // hubs of its own region: it is the last there that leaves take the stream from
}

// NewMap returns t's map. Of several hubs of one name the first counts.
func NewMap(t Tree) *Map {
	m := &Map{origin: t.Origin, standby: t.Standby, hubs: make([]hub, 0, len(t.Hubs)), at: make(map[string]int, len(t.Hubs))}
	for _, h := range t.Hubs {
		if _, twice := m.at[h.Node]; !twice {
			m.at[h.Node] = len(m.hubs)
			m.hubs = append(m.hubs, hub{Hub: h, key: KeyOf(h.Node)})
		}
	}
	for i := range m.hubs {
		h := &m.hubs[i]
		h.level = m.level(h.Node)
		if p, ok := m.at[h.Parent]; ok && p != i && m.hubs[p].Region == h.Region {
			m.hubs[p].feeds = true
		}
	}
	return m
}

// level returns that of node. A hub with a parent that it cannot have has none.
func (m *Map) level(node string) int {
	if l, ok := m.root(node); ok {
		return l
	}
	i, ok := m.at[node]
	if !ok {
		return levelLeaf
	}
	if _, ok := m.root(m.hubs[i].Parent); ok {
		return levelFirst
	}
	if p, ok := m.at[m.hubs[i].Parent]; ok {
		if _, ok := m.root(m.hubs[p].Parent); ok {
			return levelSecond
		}
	}
	return levelNone
}

// root returns the level of the origin and of the standby.
func (m *Map) root(node string) (level int, ok bool) {
	switch {
	case node == "":
		return levelNone, false
	case node == m.origin:
		return levelOrigin, true
	case node == m.standby:
		return levelStandby, true
	}
	return levelNone, false
}
