package place

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// world is a mesh of so many edges and regions, an origin in every second region, and streams watched on edges of all regions:
// few on most, many on some.
func world(edges, regions, streams, demands int) (Mesh, []Stream) {
	rng := rand.New(rand.NewPCG(1, 2))
	var m Mesh
	for r := range regions {
		at := Point{rng.Float64()*120 - 60, rng.Float64()*360 - 180}
		name := fmt.Sprintf("region-%02d", r)
		if r%2 == 0 {
			m.Nodes = append(m.Nodes, Node{Name: fmt.Sprintf("origin-%02d", r), Region: name, Role: RoleOrigin, At: at, CapacityBPS: 10e9})
		}
		for e := r; e < edges; e += regions {
			near := Point{at.Lat + rng.Float64(), at.Lon + rng.Float64()}
			m.Nodes = append(m.Nodes, Node{Name: fmt.Sprintf("edge-%04d", e), Region: name, Role: RoleEdge, At: near, CapacityBPS: 10e9, LoadBPS: 2e9})
		}
	}
	total := 0.0
	for i := range streams {
		total += 1 / float64(i+1)
	}
	list := make([]Stream, streams)
	for i := range list {
		s := Stream{ID: fmt.Sprintf("stream-%04d", i), LayerBPS: []int64{300e3, 600e3, 1600e3}, Publisher: m.Nodes[rng.IntN(len(m.Nodes))].At}
		p := Origin(m, s, Placement{})
		s.Origin, s.Standby = p.Origin, p.Standby
		n := min(edges, int(float64(demands)/total/float64(i+1))+demands/streams/2)
		for _, e := range rng.Perm(edges)[:n] {
			s.Demand = append(s.Demand, Demand{Edge: fmt.Sprintf("edge-%04d", e), Viewers: 5, Layer: rng.IntN(3)})
		}
		list[i] = s
	}
	return m, list
}

func BenchmarkTrees(b *testing.B) {
	for _, size := range []struct{ edges, regions, streams, demands int }{
		{100, 20, 100, 5_000}, {1000, 80, 1000, 100_000}, {1000, 80, 1000, 250_000}, {1000, 8, 1000, 250_000},
	} {
		m, streams := world(size.edges, size.regions, size.streams, size.demands)
		n := 0
		for _, s := range streams {
			n += len(s.Demand)
		}
		name := fmt.Sprintf("edges=%d/regions=%d/streams=%d/demands=%d", size.edges, size.regions, size.streams, n)
		b.Run(name+"/first", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Trees(m, streams, nil)
			}
		})
		trees := Trees(m, streams, nil).Trees
		b.Run(name+"/again", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Trees(m, streams, trees)
			}
		})
	}
}
