package place

import (
	"cmp"
	"math"
	"slices"

	"freshet/cluster/tree"
)

// reserved is the part of a node's capacity, one in so many, that new hubs leave to viewers while other nodes have room.
const reserved = 5

// none is no node.
const none = -1

// A board is the mesh as numbers, and what of it is taken. Nodes are numbered by name, regions too.
type board struct {
	nodes   []Node
	index   map[string]int32
	keys    []tree.Key
	region  []int32   // of each node
	hubs    [][]int32 // of each region, the edges that may become hubs
	regions []string
	room    []int64 // of each node, what it can still send; below 0 it is too much already
	reserve []int64 // of each node, what new hubs leave to viewers while other nodes have room
	degree  int32

	delay, price []float32 // from region to region
	near         [][]int32 // of a region, all regions, the nearest first; nil until it is asked for

	// For the stream at hand, or a cell of it.
	offers []offer
	wanted []leaf
	sizes  []int32 // of each region
	links  []int32 // of each node, in the tree
	slot   []int32 // of each node, its place among leaves or hubs
	isHub  []int32 // of each node, the turn in which it was one
	wants  []int32 // of each node, the turn in which it wanted the stream
	turn   int32
	shares []share
	spare  spare
	forced bool // room is not asked for: what is there already is counted
}

func newBoard(m Mesh) *board {
	b := &board{nodes: slices.Clone(m.Nodes), degree: int32(m.Degree)}
	if b.degree <= 0 {
		b.degree = defaultDegree
	}
	slices.SortFunc(b.nodes, func(x, y Node) int { return cmp.Compare(x.Name, y.Name) })
	n := len(b.nodes)
	for i := range b.nodes {
		b.regions = append(b.regions, b.nodes[i].Region)
	}
	slices.Sort(b.regions)
	b.regions = slices.Compact(b.regions)
	b.index = make(map[string]int32, n)
	b.keys, b.region = make([]tree.Key, n), make([]int32, n)
	b.room, b.reserve = make([]int64, n), make([]int64, n)
	b.links, b.slot, b.isHub, b.wants = make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	b.hubs = make([][]int32, len(b.regions))
	for i := range b.nodes {
		node, at := &b.nodes[i], int32(i)
		r, _ := slices.BinarySearch(b.regions, node.Region)
		b.index[node.Name], b.keys[i], b.region[i] = at, tree.KeyOf(node.Name), int32(r)
		b.room[i] = node.CapacityBPS - max(0, node.LoadBPS-node.RelayBPS)
		b.reserve[i] = node.CapacityBPS / reserved
		if node.Role == RoleEdge && node.State == In {
			b.hubs[r] = append(b.hubs[r], at)
		}
	}
	b.sizes, b.near = make([]int32, len(b.regions)), make([][]int32, len(b.regions))
	b.survey(m.Prices, m.Losses)
	return b
}

// survey fills in what lies between regions.
func (b *board) survey(prices []Price, losses []Loss) {
	n := len(b.regions)
	members := make([][]Node, n)
	for i, r := range b.region {
		members[r] = append(members[r], b.nodes[i])
	}
	areas := make([]area, n)
	for r := range areas {
		areas[r] = areaOf(members[r])
	}
	b.delay, b.price = make([]float32, n*n), make([]float32, n*n)
	for r := range n {
		b.delay[r*n+r] = withinMS
		for q := range r {
			delay, price := between(&areas[r], &areas[q])
			b.delay[r*n+q], b.delay[q*n+r] = float32(delay), float32(delay)
			b.price[r*n+q], b.price[q*n+r] = float32(price), float32(price)
		}
	}
	for _, p := range prices {
		from, ok := slices.BinarySearch(b.regions, p.From)
		to, found := slices.BinarySearch(b.regions, p.To)
		if ok && found && from != to && p.Price >= 0 {
			b.price[from*n+to], b.price[to*n+from] = float32(p.Price), float32(p.Price)
		}
	}
	for _, l := range losses {
		from, ok := slices.BinarySearch(b.regions, l.From)
		to, found := slices.BinarySearch(b.regions, l.To)
		if ok && found && from != to && l.Share >= LossySince {
			for _, at := range [...]int{from*n + to, to*n + from} {
				b.delay[at] *= lossyTimes
				b.price[at] *= lossyTimes
			}
		}
	}
}

func (b *board) away(r, q int32) float32  { return b.delay[int(r)*len(b.regions)+int(q)] }
func (b *board) costs(r, q int32) float32 { return b.price[int(r)*len(b.regions)+int(q)] }

// row returns what of each region is from r, or to it, which is the same.
func (b *board) row(of []float32, r int32) []float32 {
	return of[int(r)*len(b.regions):][:len(b.regions)]
}

// order returns all regions, the nearest to r first.
func (b *board) order(r int32) []int32 {
	if b.near[r] == nil {
		sorted := make([]uint64, len(b.regions))
		for q, delay := range b.row(b.delay, r) { // numbers above 0 are in the order of their bits
			sorted[q] = uint64(math.Float32bits(delay))<<32 | uint64(q)
		}
		slices.Sort(sorted)
		b.near[r] = make([]int32, len(sorted))
		for i, x := range sorted {
			b.near[r][i] = int32(uint32(x))
		}
	}
	return b.near[r]
}

// find returns the number of the node called name, or none.
func (b *board) find(name string) int32 {
	if i, ok := b.index[name]; ok {
		return i
	}
	return none
}

// fits reports whether node can send that much more in the tree at hand.
func (b *board) fits(node int32, bps int64, links int32) bool {
	return (b.forced || b.room[node] >= bps) && b.links[node]+links <= b.degree
}
