package place

import "math"

// A way to a region may be longer than the straight one by these, where that makes it cheaper.
const (
	cheaperDelay   = 1.03
	cheaperDelayMS = 1
)

// A parent stays until another is better by these: measured round trips vary, and each change moves somebody.
const (
	keptDelay   = 1.3
	keptDelayMS = 5
	keptPrice   = 1.5
)

// parent returns from whom a hub of c takes the stream, or none: the cheapest whose way is about as short as the straight one,
// else the shortest way. Only the one hub of a region may stand below another region's.
func (b *board) parent(p *plan, c *cell, one bool) int32 {
	if node := b.cheapest(p, c, one, math.MaxFloat32); node != none {
		return node
	}
	found, least := int32(none), float32(0)
	for _, r := range b.order(c.region) {
		for _, node := range b.parents(p, c, one, r) {
			if node == none || !b.fits(node, p.rate(c.carry), 1) {
				continue
			}
			if delay, ok := b.way(p, c, node); ok && (found == none || delay < least) {
				found, least = node, delay
			}
		}
	}
	return found
}

// cheapest returns the cheapest parent that costs less than price and whose way is about as short as the straight one, or is in the
// region already; the one with the shortest way, where several cost as much. It returns none where there is none.
func (b *board) cheapest(p *plan, c *cell, one bool, price float32) int32 {
	limit := cheaperDelay*b.away(b.region[p.origin], c.region) + cheaperDelayMS
	bps := p.rate(c.carry)
	found, least := int32(none), float32(0)
	for _, r := range b.prices(c.region) {
		costs := b.costs(r, c.region)
		if costs > price || costs == price && found == none {
			break
		}
		for _, node := range b.parents(p, c, one, r) {
			if node == none || !b.fits(node, bps, 1) {
				continue
			}
			if delay, ok := b.way(p, c, node); ok && (delay <= limit || r == c.region) && (found == none || delay < least) {
				found, price, least = node, costs, delay
			}
		}
	}
	return found
}

// parents returns those in region r that c's hubs may stand below: the origin, the standby, and the entry of the cell there, if c
// has but one hub. It is none where there is none.
func (b *board) parents(p *plan, c *cell, one bool, r int32) [3]int32 {
	nodes := [3]int32{none, none, none}
	if b.region[p.origin] == r {
		nodes[0] = p.origin
	}
	if p.standby != none && b.region[p.standby] == r {
		nodes[1] = p.standby
	}
	if i := p.at[r]; one && i != none && r != c.region {
		nodes[2] = p.cells[i].entry
	}
	return nodes
}

// good reports whether no parent is so much better for c than this one that it is worth a change.
func (b *board) good(p *plan, c *cell, parent int32, one bool) bool {
	delay, ok := b.way(p, c, parent)
	if !ok {
		return false
	}
	if delay <= keptDelay*b.away(b.region[p.origin], c.region)+keptDelayMS {
		return b.cheapest(p, c, one, b.costs(b.region[parent], c.region)/keptPrice) == none
	}
	other := b.parent(p, c, one)
	if other == none {
		return true
	}
	shorter, _ := b.way(p, c, other)
	return delay <= keptDelay*shorter+keptDelayMS
}

// compare keeps those cells no longer whose parents are not good, and reports whether there are none. Cells that others stand
// below, or with several entries, stay where they are.
func (b *board) compare(p *plan) (good bool) {
	good = true
	b.turn++
	for i := range p.cells {
		if c := &p.cells[i]; c.done && c.entry == none && c.hubs[0].parent != none {
			b.wants[c.hubs[0].parent] = b.turn
		}
	}
	for i := range p.cells {
		c := &p.cells[i]
		if !c.done || p.isRoot(c.hubs[0].node) || entries(c.hubs) || b.wants[c.hubs[0].node] == b.turn {
			continue
		}
		if !b.good(p, c, c.hubs[0].parent, len(c.hubs) == 1) {
			c.kept, good = false, false
		}
	}
	return good
}

// entries reports whether several of hubs feed others.
func entries(hubs []hub) bool { return len(hubs) > 1 && hubs[0].feeds && hubs[1].feeds }

// way returns how long the stream travels to c's region by way of parent; not ok where that is no hub that is done.
func (b *board) way(p *plan, c *cell, parent int32) (delay float32, ok bool) {
	to := c.region
	if !p.isRoot(parent) {
		above, root := b.above(p, parent)
		if above == nil || above == c {
			return 0, false
		}
		delay, to, parent = b.away(above.region, c.region)+hopMS, above.region, root
	}
	delay += b.away(b.region[parent], to)
	if parent == p.standby {
		delay += b.away(b.region[p.origin], b.region[parent]) + hopMS
	}
	return delay, true
}
