package place

import "slices"

// ownShare is how many of its degree's links a serving hub has on average, in tenths: leaves do not spread evenly.
const ownShare = 7

// many are the hubs of a cell that one hub cannot serve, in the making: those that feed first.
type many struct {
	b      *board
	p      *plan
	c      *cell
	banned []int32
}

// newMany begins with those of the cell's former hubs that can go on, and with as many that serve as its leaves
// need. It is nil where nobody can serve.
func (b *board) newMany(p *plan, c *cell) *many {
	m := &many{b: b, p: p, c: c}
	c.hubs = nil
	least := p.rate(c.layer)
	wanted := (c.size()*10 + int(b.degree)*ownShare - 1) / (int(b.degree) * ownShare)
	wanted = max(wanted, 2)
	for _, h := range c.former {
		entry := h.feeds || len(c.former) == 1
		if entry && !p.isRoot(h.node) && b.room[h.node] >= 2*least {
			if parent := m.parent(h.parent); parent != none {
				c.hubs = append(c.hubs, hub{node: h.node, parent: parent, feeds: true})
			}
		}
	}
	serving, most := 0, len(c.former)
	if c.tooMany(b.degree) {
		most = wanted
	}
	for _, h := range c.former {
		if !h.feeds && len(c.former) > 1 && !p.isRoot(h.node) && b.room[h.node] >= least && serving < most {
			c.hubs = append(c.hubs, hub{node: h.node, parent: h.parent})
			serving++
		}
	}
	for serving < wanted && m.serve() {
		serving++
	}
	if serving == 0 {
		return nil
	}
	return m
}

// serve adds a hub that serves.
func (m *many) serve() bool {
	node := m.pick(m.p.rate(m.c.layer)*2, true)
	if node != none {
		m.c.hubs = append(m.c.hubs, hub{node: node, parent: none})
	}
	return node != none
}

// parent returns from whom one more hub that feeds takes the stream, or none: the root it took it from, where that is still good.
func (m *many) parent(was int32) int32 {
	b, p, c := m.b, m.p, m.c
	roots := [...]int32{was, b.parent(p, c, false), p.origin, p.standby}
	if !p.isRoot(was) || !entries(c.former) && !b.good(p, c, was, false) {
		roots[0] = none
	}
	for _, root := range roots {
		n := int32(1)
		for _, h := range c.hubs {
			if h.feeds && h.parent == root {
				n++
			}
		}
		if root != none && b.fits(root, int64(n)*p.rate(c.carry), n) {
			return root
		}
	}
	return none
}

// pick is the board's, without those that proved too weak.
func (m *many) pick(bps int64, former bool) int32 {
	n := len(m.c.hubs)
	for _, node := range m.banned {
		m.c.hubs = append(m.c.hubs, hub{node: node})
	}
	node := m.b.pick(m.p, m.c, bps, former)
	m.c.hubs = m.c.hubs[:n]
	return node
}

// fed gives each serving hub one that feeds it, the one it had where that has room, and adds such as are missing.
func (m *many) fed() bool {
	b, p, c := m.b, m.p, m.c
	bps := p.rate(c.layer)
	left := map[int32]int32{} // of each feeding hub, how many more it can feed
	room := func(node int32) int32 {
		n := b.degree - b.links[node]
		if bps > 0 {
			n = min(n, int32(min(b.room[node]/bps, int64(b.degree))))
		}
		return n
	}
	for _, h := range c.hubs {
		if h.feeds {
			left[h.node] = room(h.node)
		}
	}
	for i := range c.hubs {
		h := &c.hubs[i]
		if h.feeds {
			continue
		}
		if left[h.parent] > 0 {
			left[h.parent]--
			continue
		}
		h.parent = none
	}
	for i := 0; i < len(c.hubs); i++ {
		if c.hubs[i].feeds || c.hubs[i].parent != none {
			continue
		}
		at := slices.IndexFunc(c.hubs, func(f hub) bool { return f.feeds && left[f.node] > 0 })
		if at < 0 {
			node, parent := m.pick(2*bps, false), m.parent(none)
			if node == none || parent == none {
				return false
			}
			c.hubs = slices.Insert(c.hubs, 0, hub{node: node, parent: parent, feeds: true})
			left[node] = room(node)
			at, i = 0, i+1
		}
		c.hubs[i].parent = c.hubs[at].node
		left[c.hubs[at].node]--
	}
	return true
}

// tooMuch returns a serving hub that has more leaves than it may have, or than it has room for.
func (m *many) tooMuch() (at int, over bool) {
	for i, s := range m.b.share(m.p, m.c) {
		h := m.c.hubs[i]
		if !h.feeds && !m.b.fits(h.node, s.bps, s.leaves) {
			return i, true
		}
	}
	return 0, false
}

// weak reports whether another hub beside it would not help the one at i: it has not half the room for its share.
func (m *many) weak(i int) bool {
	return m.b.room[m.c.hubs[i].node] < m.b.shares[i].bps/2
}

func (m *many) drop(i int) {
	m.banned = append(m.banned, m.c.hubs[i].node)
	m.c.hubs = slices.Delete(m.c.hubs, i, i+1)
}
