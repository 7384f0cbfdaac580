package sim

import (
	"math/rand/v2"

	"freshet/control/place"
)

// nearby is how many edges a router chooses from.
const nearby = 8

// A Router chooses an edge for a viewer. Near are the nearest with room, the nearest first, one at least.
type Router interface {
	Choose(viewer int, near []Candidate) int
}

// A Candidate is an edge that a viewer may get.
type Candidate struct {
	Node  string
	Delay float64 // ms, one way
	Load  float64 // share of what it gives to viewers
}

// nearest takes the edge with the least delay; a full one is as good as an idle one fullMS further away.
type nearest struct{}

const fullMS = 5.0

// Choose implements Router.
func (nearest) Choose(_ int, near []Candidate) int {
	best, least := 0, 0.0
	for i, c := range near {
		if score := c.Delay + fullMS*c.Load*c.Load; i == 0 || score < least {
			best, least = i, score
		}
	}
	return best
}

// nowhere is the edge of a viewer without a seat.
const nowhere = -1

// A viewer watches one layer of one stream.
type viewer struct {
	city, stream, edge int32
	layer              int8
}

// An audience is who watches, and where. Its owner may copy it.
type audience struct {
	w       *world
	router  Router
	viewers []viewer
	load    []int64    // of each edge, to viewers
	shut    []bool     // edges that take none
	watched [][3]int32 // of each stream and edge, viewers by layer
	scratch []Candidate
	which   []int32
}

func newAudience(w *world, r Router) *audience {
	if r == nil {
		r = nearest{}
	}
	return &audience{
		w: w, router: r, load: make([]int64, w.edges), shut: make([]bool, w.edges), watched: make([][3]int32, len(w.streams)*w.edges),
	}
}

// copied returns an audience of its own that is as a is now.
func (a *audience) copied() *audience {
	b := *a
	b.viewers, b.load = append([]viewer(nil), a.viewers...), append([]int64(nil), a.load...)
	b.shut, b.watched = append([]bool(nil), a.shut...), append([][3]int32(nil), a.watched...)
	b.scratch, b.which = nil, nil
	return &b
}

// arrive adds n viewers, in cities drawn by population, of streams drawn by their rank.
func (a *audience) arrive(n int, rng *rand.Rand, people, streams, layers urn) {
	for range n {
		a.viewers = append(a.viewers, viewer{
			city: int32(people.draw(rng)), stream: int32(streams.draw(rng)), layer: int8(layers.draw(rng)), edge: nowhere,
		})
		a.seat(len(a.viewers) - 1)
	}
}

// seat has the router choose an edge for viewer i, who has none. One for whom no edge has room stays without.
func (a *audience) seat(i int) {
	v := &a.viewers[i]
	bps := watchedBPS[v.layer]
	const most = viewersShare * capacityBPS
	a.scratch, a.which = a.scratch[:0], a.which[:0]
	for _, e := range a.w.near[v.city] {
		if a.shut[e] || float64(a.load[e]+bps) > most {
			continue
		}
		a.which = append(a.which, e)
		a.scratch = append(a.scratch, Candidate{a.w.nodes[e].Name, float64(a.w.reach[v.city][e]), float64(a.load[e]) / most})
		if len(a.which) == nearby {
			break
		}
	}
	if len(a.which) == 0 {
		return
	}
	v.edge = a.which[a.router.Choose(i, a.scratch)]
	a.load[v.edge] += bps
	a.watched[int(v.stream)*a.w.edges+int(v.edge)][v.layer]++
}

// leave empties the edges that are shut, and seats those who were there elsewhere.
func (a *audience) leave() {
	for i := range a.viewers {
		v := &a.viewers[i]
		if v.edge == nowhere || !a.shut[v.edge] {
			continue
		}
		a.load[v.edge] -= watchedBPS[v.layer]
		a.watched[int(v.stream)*a.w.edges+int(v.edge)][v.layer]--
		v.edge = nowhere
		a.seat(i)
	}
}

// streams returns what is wanted of each stream, as control would hear of it.
func (a *audience) streams() []place.Stream {
	list := append([]place.Stream(nil), a.w.streams...)
	for s := range list {
		list[s].Demand = nil
		for e := range a.w.edges {
			n, highest := 0, 0
			for layer, viewers := range a.watched[s*a.w.edges+e] {
				if n += int(viewers); viewers > 0 {
					highest = layer
				}
			}
			if n > 0 {
				list[s].Demand = append(list[s].Demand, place.Demand{Edge: a.w.nodes[e].Name, Viewers: n, Layer: highest})
			}
		}
	}
	return list
}

// mesh returns the nodes as control would know them: those that are gone are left out.
func (a *audience) mesh(gone func(node int) bool) place.Mesh {
	var m place.Mesh
	for i, n := range a.w.nodes {
		if gone != nil && gone(i) {
			continue
		}
		if i < a.w.edges {
			n.LoadBPS = a.load[i]
		}
		m.Nodes = append(m.Nodes, n)
	}
	return m
}
