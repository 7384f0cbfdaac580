package place

import (
	"cmp"
	"math"
)

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

// An offer is a node that hubs of the stream at hand may stand below: the origin, the standby, or a cell's entry.
type offer struct {
	node, region int32
	entry        bool    // only the one hub of another region may stand below it
	delay        float32 // from the origin until the node has passed it on
}

// A choice is an offer, as a cell sees it.
type choice struct {
	node, region int32
	price, delay float32
}

// before reports whether c is cheaper than d; or as cheap, and its way shorter.
func (c choice) before(d choice) bool {
	return cmp.Or(cmp.Compare(c.price, d.price), cmp.Compare(c.delay, d.delay), cmp.Compare(c.region, d.region)) < 0
}

// parent returns from whom a hub of c takes the stream, or none: the cheapest whose way is about as short as the straight one,
// else the shortest way. Only the one hub of a region may stand below another region's.
func (b *board) parent(p *plan, c *cell, one bool) int32 {
	if node := b.cheapest(p, c, one, math.MaxFloat32); node != none {
		return node
	}
	best := choice{node: none, delay: math.MaxFloat32}
	for i := range b.offers {
		o := &b.offers[i]
		if o.entry && (!one || o.region == c.region) || !b.fits(o.node, p.rate(c.carry), 1) {
			continue
		}
		if it := (choice{o.node, o.region, 0, b.away(o.region, c.region) + o.delay}); it.before(best) {
			best = it
		}
	}
	return best.node
}

// cheapest returns the cheapest parent that costs less than price and whose way is about as short as the straight one, or is in the
// region already; the one with the shortest way, where several cost as much. It returns none where there is none.
func (b *board) cheapest(p *plan, c *cell, one bool, price float32) int32 {
	prices, delays := b.row(b.price, c.region), b.row(b.delay, c.region)
	limit := cheaperDelay*delays[b.region[p.origin]] + cheaperDelayMS
	best := choice{node: none, price: price} // no way is shorter than that of nobody
	for i := range b.offers {
		o := &b.offers[i]
		it := choice{o.node, o.region, prices[o.region], delays[o.region] + o.delay}
		if it.price > best.price || it.delay > limit && o.region != c.region || o.entry && (!one || o.region == c.region) {
			continue
		}
		if it.before(best) && b.fits(o.node, p.rate(c.carry), 1) {
			best = it
		}
	}
	return best.node
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
		if c := &p.cells[i]; c.done && !p.isEntry(c.hubs[0]) && c.hubs[0].parent != none {
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
		root, by := b.above(p, parent), b.region[parent]
		if root == none || by == to {
			return 0, false
		}
		delay, to, parent = b.away(by, to)+hopMS, by, root
	}
	delay += b.away(b.region[parent], to)
	if parent == p.standby {
		delay += b.away(b.region[p.origin], b.region[parent]) + hopMS
	}
	return delay, true
}
