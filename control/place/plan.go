package place

import (
	"cmp"
	"slices"

	"freshet/cluster/tree"
)

// mostLayers is how many of a stream count: three by simulcast, a few more by SVC.
const mostLayers = 16

// A plan is one stream's tree in the making.
type plan struct {
	stream          *Stream
	key             tree.Key // by which nodes become its hubs
	rates           []int64  // of the layers up to each
	origin, standby int32
	standbyLayer    int8   // the highest that the standby passes on; it takes the lowest for itself
	leaves          []leaf // of all cells
	cells           []cell
	at              []int32 // of each region, its cell
	charges         []charge
	short           []Short
}

// A cell is what one region has of a stream. Either it has one hub, which serves its leaves; or hubs that feed, and others,
// which they feed and which serve.
type cell struct {
	region   int32
	from, to int32 // its part of the plan's leaves
	layer    int8  // the highest that is watched here
	carry    int8  // the highest that comes here, for regions below, too
	kept     bool  // it has what it had
	done     bool  // it is charged
	hubs     []hub
	former   []hub // what it had, of what may go on
}

// size returns how many leaves c has.
func (c *cell) size() int { return int(c.to - c.from) }

// A leaf is an edge that wants the stream. Hubs among them are no leaves.
type leaf struct {
	node  int32
	layer int8
}

type hub struct {
	node, parent int32 // no parent: the origin itself
	feeds        bool
}

// compare orders hubs that feed before others, then by name.
func (h hub) compare(other hub) int {
	switch {
	case h.feeds == other.feeds:
		return cmp.Compare(h.node, other.node)
	case h.feeds:
		return -1
	}
	return 1
}

// theStandby is raised in place of a cell.
const theStandby = -2

// A charge is what a node was given to do, so that it can be taken back.
type charge struct {
	node   int32
	links  int32
	bps    int64
	raised int32 // the cell to which more layers come by it, theStandby, or none
	was    int8  // the highest of before
}

// of returns the leaves of c.
func (p *plan) of(c *cell) []leaf { return p.leaves[c.from:c.to] }

// rate returns the bits a second of all layers up to layer.
func (p *plan) rate(layer int8) int64 { return p.rates[layer] }

// begin makes p the plan of s, which has nothing yet: what is wanted is sorted by region, the standby's first, which enters by it,
// then the nearest to the origin.
func (b *board) begin(p *plan, s *Stream) {
	*p = plan{
		stream: s, key: tree.KeyOf(s.ID), origin: b.find(s.Origin),
		rates: p.rates[:0], leaves: p.leaves, cells: p.cells, at: p.at, charges: p.charges,
	}
	p.standby = b.standby(p)
	sum := int64(0)
	for _, bps := range s.LayerBPS[:min(len(s.LayerBPS), mostLayers)] {
		sum += max(0, bps)
		p.rates = append(p.rates, sum)
	}
	if len(p.rates) == 0 {
		p.rates = append(p.rates, 0)
	}
	if p.origin != none {
		b.fill(p)
	}
}

// standby returns the node of p's standby, or none.
func (b *board) standby(p *plan) int32 {
	if node := b.find(p.stream.Standby); node != p.origin {
		return node
	}
	return none
}

// fill makes p's cells.
func (b *board) fill(p *plan) {
	wanted, sizes := b.wanted[:0], b.sizes
	clear(sizes)
	for i := range p.stream.Demand {
		d := &p.stream.Demand[i]
		node := b.find(d.Edge)
		if node == none || node == p.origin || node == p.standby {
			continue
		}
		layer := int8(min(max(d.Layer, 0), len(p.rates)-1))
		if at := int(b.slot[node]); at < len(wanted) && wanted[at].node == node {
			wanted[at].layer = max(wanted[at].layer, layer)
			continue
		}
		b.slot[node] = int32(len(wanted))
		wanted = append(wanted, leaf{node, layer})
		sizes[b.region[node]]++
	}
	b.wanted = wanted
	p.at = b.spare.regions.list(p.at, len(b.regions))
	used := 0
	for r, n := range sizes {
		p.at[r] = none
		used += min(int(n), 1)
	}
	p.leaves = b.spare.leaves.list(p.leaves, len(wanted))
	p.cells = b.spare.cells.list(p.cells, used)[:0]
	p.charges = b.spare.charges.list(p.charges, 3*used+2)[:0]
	from := int32(0)
	open := func(r int32) {
		if n := sizes[r]; n > 0 && p.at[r] == none {
			p.at[r] = int32(len(p.cells))
			p.cells = append(p.cells, cell{region: r, from: from, to: from})
			from += n
		}
	}
	if p.standby != none {
		open(b.region[p.standby])
	}
	for _, r := range b.order(b.region[p.origin]) {
		open(r)
	}
	for _, l := range wanted {
		c := &p.cells[p.at[b.region[l.node]]]
		p.leaves[c.to] = l
		c.to++
		c.layer = max(c.layer, l.layer)
		c.carry = c.layer
	}
}

// isRoot reports whether node is where hubs of the first level take the stream from.
func (p *plan) isRoot(node int32) bool {
	return node != none && (node == p.origin || node == p.standby)
}

// isEntry reports whether others may stand below h, which is the first of its cell.
func (p *plan) isEntry(h hub) bool { return p.isRoot(h.parent) && !p.isRoot(h.node) }

// cell returns that of node's region, or nil.
func (b *board) cell(p *plan, node int32) *cell {
	if i := p.at[b.region[node]]; i != none {
		return &p.cells[i]
	}
	return nil
}

// above returns the root that node takes the stream from, or none, where node is no hub of a cell that is done.
func (b *board) above(p *plan, node int32) (root int32) {
	if c := b.cell(p, node); c != nil && c.done {
		for _, h := range c.hubs {
			if h.node == node && p.isRoot(h.parent) {
				return h.parent
			}
		}
	}
	return none
}

// tree returns what became of p: hubs by region, those that feed first, then by name.
func (b *board) tree(p *plan) tree.Tree {
	t := tree.Tree{Origin: p.stream.Origin}
	if p.standby != none {
		t.Standby = p.stream.Standby
	}
	n := 0
	for i := range p.cells {
		n += len(p.cells[i].hubs)
	}
	t.Hubs = make([]tree.Hub, 0, n)
	for r, i := range p.at {
		if i == none {
			continue
		}
		hubs := p.cells[i].hubs
		slices.SortFunc(hubs, hub.compare)
		for _, h := range hubs {
			made := tree.Hub{Node: b.nodes[h.node].Name, Region: b.regions[r]}
			if h.parent != none {
				made.Parent = b.nodes[h.parent].Name
			}
			t.Hubs = append(t.Hubs, made)
		}
	}
	return t
}
