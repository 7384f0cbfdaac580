package place

import (
	"slices"

	"freshet/cluster/tree"
)

// keep makes p what it was, as far as that is still there, and charges it, whether there is room for it or not. Cells that
// cannot be what they were have no hubs then.
func (b *board) keep(p *plan, was tree.Tree) {
	b.recall(p, was)
	b.forced = true
	b.stand(p)
	for i := range p.cells {
		c := &p.cells[i]
		c.kept = b.whole(p, c)
	}
	b.again(p)
	b.forced = false
	b.compare(p)
	b.leave(p)
}

// recall notes at each cell which hubs it had.
func (b *board) recall(p *plan, was tree.Tree) {
	for _, h := range was.Hubs {
		node := b.find(h.Node)
		if node == none || !p.isRoot(node) && (b.nodes[node].Role != RoleEdge || !b.nodes[node].State.keeps()) {
			continue
		}
		h := hub{node: node, parent: b.find(h.Parent)}
		switch c := b.cell(p, node); {
		case c == nil:
		case len(c.former) == 0:
			c.former = b.spare.one(h)
		case !has(c.former, node):
			c.former = append(c.former, h)
		}
	}
	for i := range p.cells {
		p.cells[i].roles(p)
	}
}

// roles tells which of several former hubs feed the others: those below a root.
func (c *cell) roles(p *plan) {
	if len(c.former) > 1 {
		for i := range c.former {
			c.former[i].feeds = p.isRoot(c.former[i].parent)
		}
		slices.SortFunc(c.former, hub.compare)
	}
}

// busy returns hubs without those that feed nobody any more.
func busy(hubs []hub) []hub {
	idle := func(h hub) bool { return h.feeds && !feeds(hubs, h.node) }
	if !slices.ContainsFunc(hubs, idle) {
		return hubs
	}
	return slices.DeleteFunc(slices.Clone(hubs), idle)
}

// feeds reports whether one of hubs stands below node.
func feeds(hubs []hub, node int32) bool {
	return slices.ContainsFunc(hubs, func(h hub) bool { return h.parent == node })
}

// whole reports whether the hubs that c had can go on as they are, room and links aside.
func (b *board) whole(p *plan, c *cell) bool {
	switch {
	case len(c.former) == 0:
		return false
	case len(c.former) == 1:
		h := c.former[0]
		if p.isRoot(h.node) {
			return h.node == p.origin && h.parent == none || h.node == p.standby && h.parent == p.origin
		}
		return h.parent != none && !h.feeds
	case !c.wasMany(b.degree), c.tooMany(b.degree):
		return false
	}
	for _, h := range c.former {
		below := slices.ContainsFunc(c.former, func(f hub) bool { return f.feeds && f.node == h.parent })
		if h.feeds == below || p.isRoot(h.node) {
			return false
		}
	}
	return !c.former[len(c.former)-1].feeds
}

// tooMany reports whether a quarter of c's former hubs could serve it.
func (c *cell) tooMany(degree int32) bool {
	return int32(c.size())*4 < int32(len(c.former)-1)*degree
}

// again charges the cells that are kept, those below others last. One for which something is missing is kept no longer.
func (b *board) again(p *plan) {
	for _, below := range []bool{false, true} {
		for i := range p.cells {
			c := &p.cells[i]
			if !c.kept || c.below(p) != below {
				continue
			}
			c.hubs = busy(c.former)
			if c.kept = b.commit(p, c); !c.kept {
				c.hubs = nil
			}
		}
	}
}

// below reports whether c had its one hub below a hub of another region.
func (c *cell) below(p *plan) bool {
	h := c.former[0]
	return len(c.former) == 1 && h.parent != none && !p.isRoot(h.parent)
}

// stand has the standby take the lowest layer from the origin, and both offer the stream.
func (b *board) stand(p *plan) bool {
	from := b.region[p.origin]
	b.offers = append(b.offers[:0], offer{node: p.origin, region: from})
	switch {
	case p.standby == none:
		return true
	case !b.give(p, p.origin, p.rate(0), 1):
		return false
	}
	at := b.region[p.standby]
	b.offers = append(b.offers, offer{node: p.standby, region: at, delay: b.away(from, at) + hopMS})
	return true
}

// leave forgets the links of p's tree, so that those of another can be counted.
func (b *board) leave(p *plan) {
	for i := range p.charges {
		b.links[p.charges[i].node] = 0
	}
}

// broken reports whether something is missing in p, or is to change, or too much for somebody.
func (b *board) broken(p *plan) bool {
	for i := range p.cells {
		if !p.cells[i].kept {
			return true
		}
	}
	for i := range p.charges {
		if b.room[p.charges[i].node] < 0 {
			return true
		}
	}
	return false
}
