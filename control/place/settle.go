package place

import (
	"slices"

	"freshet/cluster/tree"
)

// settleAtMost is how often a plan is made again because a cell that was made late is a better parent for one made early.
const settleAtMost = 4

// settle makes p for what is free now: cells that are kept stay as they are where they can.
func (b *board) settle(p *plan) {
	b.release(p)
	b.build(p)
	for range settleAtMost {
		for i := range p.cells {
			c := &p.cells[i]
			c.former, c.kept = c.hubs, c.done
		}
		if b.compare(p) {
			break
		}
		b.leave(p)
		b.release(p)
		b.build(p)
	}
	b.leave(p)
}

// release takes all charges of p back, whose links were left.
func (b *board) release(p *plan) {
	for i := range p.charges {
		b.room[p.charges[i].node] += p.charges[i].bps
	}
	p.charges, p.standbyLayer, p.short = p.charges[:0], 0, nil
	for i := range p.cells {
		c := &p.cells[i]
		c.hubs, c.carry, c.done = nil, c.layer, false
	}
}

// build charges p anew.
func (b *board) build(p *plan) {
	if p.standby = b.standby(p); !b.stand(p) {
		p.standby = none
		p.short = append(p.short, Short{Stream: p.stream.ID, Why: NoRoom})
	}
	b.again(p)
	for i := range p.cells {
		c := &p.cells[i]
		switch {
		case c.done, c.wasMany(b.degree) && b.byMany(p, c):
			continue
		case b.byRoot(p, c), b.byOne(p, c), b.byMany(p, c):
			continue
		}
		c.hubs = nil
		p.short = append(p.short, Short{p.stream.ID, b.regions[c.region], c.size(), NoRoom})
	}
}

// wasMany reports whether c had several hubs, which are not too many for it now.
func (c *cell) wasMany(degree int32) bool {
	return len(c.former) > 1 && int32(c.size()) > degree/2
}

// byRoot has the origin or the standby serve its own region, where that is few edges.
func (b *board) byRoot(p *plan, c *cell) bool {
	for _, h := range []hub{{node: p.origin, parent: none}, {node: p.standby, parent: p.origin}} {
		if h.node == none || b.region[h.node] != c.region || int32(c.size()) > b.degree/2 {
			continue
		}
		if c.hubs = b.spare.one(h); b.commit(p, c) {
			return true
		}
	}
	return false
}

// byOne has one hub serve c.
func (b *board) byOne(p *plan, c *cell) bool {
	if int32(c.size()) > b.degree+1 {
		return false
	}
	bps := int64(0)
	for _, l := range p.of(c) {
		bps += p.rate(l.layer)
	}
	parent := b.parent(p, c, true)
	if parent == none {
		return false
	}
	c.hubs = nil
	node := b.pick(p, c, bps, true)
	if node == none {
		return false
	}
	c.hubs = b.spare.one(hub{node: node, parent: parent})
	return b.commit(p, c)
}

// byMany has a hub feed others, which serve c; or several such hubs, where one cannot feed all.
func (b *board) byMany(p *plan, c *cell) bool {
	m := b.newMany(p, c)
	if m == nil {
		return false
	}
	for range len(b.hubs[c.region]) + len(c.former) + 2 {
		if !m.fed() {
			return false
		}
		switch at, over := m.tooMuch(); {
		case !over:
			c.hubs = busy(c.hubs)
			return b.commit(p, c)
		case m.weak(at) && m.serve():
			m.drop(at)
		case !m.serve():
			return false
		}
	}
	return false
}

// pick returns who becomes c's next hub and can send bps more, without what it would take itself, or none: one that was, unless
// a new one is asked for; one that leaves room for viewers, one that takes the stream anyway, in this order; then by rank.
func (b *board) pick(p *plan, c *cell, bps int64, former bool) int32 {
	b.turn++
	leaves := p.of(c)
	for i, l := range leaves {
		b.wants[l.node], b.slot[l.node] = b.turn, int32(i)
	}
	room := func(node int32) (left int64, wants bool) {
		left = b.room[node] - bps
		if wants = b.wants[node] == b.turn; wants {
			left += p.rate(leaves[b.slot[node]].layer)
		}
		return left, wants
	}
	for _, h := range c.former {
		if left, _ := room(h.node); former && left >= 0 && !p.isRoot(h.node) && !c.has(h.node) {
			return h.node
		}
	}
	found, class, highest := int32(none), 0, uint64(0)
	for _, node := range b.hubs[c.region] {
		left, wants := room(node)
		if left < 0 {
			continue
		}
		k := 0
		if left >= b.reserve[node] {
			k += 2
		}
		if wants {
			k++
		}
		if found != none && k < class {
			continue
		}
		rank := tree.Rank(p.key, b.keys[node])
		if found != none && k == class && rank <= highest || c.has(node) || has(c.former, node) {
			continue
		}
		found, class, highest = node, k, rank
	}
	return found
}

// has reports whether node is a hub of c.
func (c *cell) has(node int32) bool { return has(c.hubs, node) }

func has(hubs []hub, node int32) bool {
	return slices.ContainsFunc(hubs, func(h hub) bool { return h.node == node })
}
