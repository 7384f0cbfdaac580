package place

import "freshet/cluster/tree"

// A share is what leaves and hubs take from one hub of a cell.
type share struct {
	leaves int32
	layer  int8 // the highest that it needs, for itself, too
	bps    int64
}

// share tells what each hub of c serves. The result holds until the next call.
func (b *board) share(p *plan, c *cell) []share {
	b.turn++
	b.shares = b.shares[:0]
	serving := 0 // hubs that serve stand last
	for i, h := range c.hubs {
		b.isHub[h.node], b.slot[h.node] = b.turn, int32(i)
		b.shares = append(b.shares, share{})
		if !h.feeds {
			serving++
		}
	}
	for _, l := range p.of(c) {
		var s *share
		switch {
		case b.isHub[l.node] == b.turn:
			s = &b.shares[b.slot[l.node]]
			s.layer = max(s.layer, l.layer)
			continue
		case serving == 1:
			s = &b.shares[len(c.hubs)-1]
		default:
			s = &b.shares[b.server(c, b.keys[l.node])]
		}
		s.leaves++
		s.layer = max(s.layer, l.layer)
		s.bps += p.rate(l.layer)
	}
	return b.shares
}

// server returns which of c's hubs a leaf takes the stream from, as tree.Upstreams has it.
func (b *board) server(c *cell, leaf tree.Key) int {
	found, highest := none, uint64(0)
	for i, h := range c.hubs {
		if h.feeds {
			continue
		}
		rank := tree.Rank(leaf, b.keys[h.node])
		if found == none || rank > highest || rank == highest && h.node < c.hubs[found].node {
			found, highest = i, rank
		}
	}
	return found
}

// give has node send bps more, over links more.
func (b *board) give(p *plan, node int32, bps int64, links int32) bool {
	if !b.fits(node, bps, links) {
		return false
	}
	b.room[node] -= bps
	b.links[node] += links
	p.charges = append(p.charges, charge{node: node, bps: bps, links: links, raised: none})
	return true
}

// raise has node send layers up to the given one to a cell, or to the standby, where it sent fewer so far.
func (b *board) raise(p *plan, node, what int32, to int8) bool {
	layer := p.layerOf(what)
	if to <= *layer {
		return true
	}
	if !b.give(p, node, p.rate(to)-p.rate(*layer), 0) {
		return false
	}
	last := &p.charges[len(p.charges)-1]
	last.raised, last.was = what, *layer
	*layer = to
	return true
}

// layerOf returns the highest layer that comes to a cell, or to the standby for others.
func (p *plan) layerOf(what int32) *int8 {
	if what == theStandby {
		return &p.standbyLayer
	}
	return &p.cells[what].carry
}

// undo takes back all but the first n charges.
func (b *board) undo(p *plan, n int) {
	for i := len(p.charges) - 1; i >= n; i-- {
		c := &p.charges[i]
		b.room[c.node] += c.bps
		b.links[c.node] -= c.links
		if c.raised != none {
			*p.layerOf(c.raised) = c.was
		}
	}
	p.charges = p.charges[:n]
}

// enter has parent send the stream to a hub of c.
func (b *board) enter(p *plan, c *cell, h hub) bool {
	switch {
	case h.parent == none: // the origin
		return true
	case h.node == p.standby:
		return b.raise(p, p.origin, theStandby, c.carry)
	case !b.give(p, h.parent, p.rate(c.carry), 1):
		return false
	case h.parent == p.origin:
		return true
	case h.parent == p.standby:
		return b.raise(p, p.origin, theStandby, c.carry)
	}
	root := b.above(p, h.parent)
	if root == none || !b.raise(p, root, p.at[b.region[h.parent]], c.carry) {
		return false
	}
	return root == p.origin || b.raise(p, p.origin, theStandby, c.carry)
}

// serve has node, the one hub of c, send its leaves what they want.
func (b *board) serve(p *plan, c *cell, node int32) bool {
	s := share{}
	for _, l := range p.of(c) {
		if l.node != node {
			s.leaves++
			s.bps += p.rate(l.layer)
		}
	}
	return b.give(p, node, s.bps, s.leaves)
}

// commit charges all that c's hubs send, and what is sent to them. It charges nothing where somebody has no room for it.
func (b *board) commit(p *plan, c *cell) bool {
	before := len(p.charges)
	var shares []share
	if len(c.hubs) > 1 {
		shares = b.share(p, c)
	}
	for i, h := range c.hubs {
		var ok bool
		switch {
		case h.feeds:
			ok = b.enter(p, c, h)
		case len(c.hubs) > 1:
			ok = b.give(p, h.node, shares[i].bps, shares[i].leaves) && b.give(p, h.parent, p.rate(shares[i].layer), 1)
		default:
			ok = b.serve(p, c, h.node) && b.enter(p, c, h)
		}
		if !ok {
			b.undo(p, before)
			return false
		}
	}
	if h := c.hubs[0]; p.isEntry(h) {
		delay, _ := b.way(p, c, h.parent)
		b.offers = append(b.offers, offer{node: h.node, region: c.region, entry: true, delay: delay + hopMS})
	}
	c.done = true
	return true
}
