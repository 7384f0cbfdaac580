package sim

import (
	"math"
	"slices"

	"freshet/cluster/tree"
	"freshet/control/place"
	"freshet/proto/rtpq"
)

// hopMS is what a node on the way takes; directMS the least that a direct path does.
const (
	hopMS    = 1.0
	directMS = 1.0
)

// A state is what an audience gets of trees.
type state struct {
	mesh    place.Mesh
	streams []place.Stream
	trees   map[string]tree.Tree
	weight  place.Weight
	broken  int
	short   int // edges of regions that no hub could serve
}

// ways returns the delay from the publisher of each stream to each edge that takes it; 0 elsewhere.
func (a *audience) ways(s *state) []float32 {
	ways := make([]float32, len(a.w.streams)*a.w.edges)
	type link struct{ from, to int32 }
	links := map[string][]link{}
	for _, l := range s.weight.Links {
		links[l.Stream] = append(links[l.Stream], link{a.w.node[l.From], a.w.node[l.To]})
	}
	delay := make([]float64, len(a.w.nodes))
	from := make([]int32, len(a.w.nodes))
	for i, st := range s.streams {
		origin, ok := a.w.node[st.Origin]
		if !ok {
			continue
		}
		for n := range delay {
			delay[n], from[n] = math.NaN(), nowhere
		}
		for _, l := range links[st.ID] {
			from[l.to] = l.from
		}
		delay[origin] = place.Delay(place.Distance(a.w.cities[a.w.publishers[i]].At, a.w.nodes[origin].At))
		var to func(n int32) float64
		to = func(n int32) float64 {
			if math.IsNaN(delay[n]) {
				delay[n] = math.Inf(1) // should there be a ring
				if from[n] != nowhere {
					delay[n] = to(from[n]) + hopMS + place.Delay(place.Distance(a.w.nodes[from[n]].At, a.w.nodes[n].At))
				}
			}
			return delay[n]
		}
		for _, l := range links[st.ID] {
			if int(l.to) < a.w.edges {
				ways[i*a.w.edges+int(l.to)] = float32(to(l.to))
			}
		}
	}
	return ways
}

// stretches returns, of each viewer who has a seat and gets the stream, the way over the direct path, and the way in milliseconds; both sorted.
func (a *audience) stretches(s *state) (stretch, ms []float32) {
	ways := a.ways(s)
	direct := map[int32][]float32{} // of each publisher's city, to each city
	for _, v := range a.viewers {
		if v.edge == nowhere {
			continue
		}
		from := a.w.publishers[v.stream]
		if direct[from] == nil {
			row := make([]float32, len(a.w.cities))
			for c := range row {
				row[c] = float32(max(directMS, place.Delay(place.Distance(a.w.cities[from].At, a.w.cities[c].At))))
			}
			direct[from] = row
		}
		way := ways[int(v.stream)*a.w.edges+int(v.edge)]
		if way == 0 {
			continue
		}
		way += a.w.reach[v.city][v.edge]
		stretch, ms = append(stretch, way/direct[from][v.city]), append(ms, way)
	}
	slices.Sort(stretch)
	slices.Sort(ms)
	return stretch, ms
}

// quantile returns the smallest of sorted that a share q of all are not above; 0 of nothing.
func quantile(sorted []float32, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q*float64(len(sorted)) - 1e-9))
	return float64(sorted[min(max(rank, 1), len(sorted))-1])
}

// faults returns how often s breaks what placement promises, but where it says that there is no room.
func faults(s *state, d place.Decision) int {
	n := 0
	short := map[[2]string]bool{}
	for _, part := range d.Short {
		short[[2]string{part.Stream, part.Region}] = true
	}
	nodes := map[string]place.Node{}
	for _, node := range s.mesh.Nodes {
		nodes[node.Name] = node
	}
	type one struct{ stream, node string }
	degree, pulls := map[one]int{}, map[one]bool{}
	for _, l := range s.weight.Links {
		pulls[one{l.Stream, l.To}] = true
		if short[[2]string{l.Stream, nodes[l.To].Region}] {
			continue
		}
		if degree[one{l.Stream, l.From}]++; degree[one{l.Stream, l.From}] == 33 {
			n++
		}
		if l.Depth > rtpq.MaxHops {
			n++
		}
	}
	for name, bps := range s.weight.Relay {
		if node := nodes[name]; len(short) == 0 && node.LoadBPS+bps > node.CapacityBPS {
			n++
		}
	}
	for _, st := range s.streams {
		if nodes[st.Origin].Name == "" {
			continue // there is no origin that could have taken it over
		}
		for _, w := range st.Demand {
			if !pulls[one{st.ID, w.Edge}] {
				n++
			}
		}
	}
	return n
}
