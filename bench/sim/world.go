package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"freshet/control/place"
)

// What nodes can send, and what of it an edge gives to viewers: the rest is for other nodes.
const (
	capacityBPS  = 5e9
	viewersShare = 0.8
)

// layerBPS are the layers of a stream: what each adds for who passes all on. watchedBPS is what a viewer gets who watches one.
var (
	layerBPS   = []int64{350e3, 800e3, 2200e3}
	watchedBPS = [...]int64{350e3, 850e3, 2250e3}
	watchers   = [...]float64{.3, .3, .4}
)

// A Config is one world.
type Config struct {
	Edges, Viewers, Streams int
	Seed                    uint64
	Router                  Router // nil is the nearest edge with room
}

// The bounds of a world.
const (
	MostEdges   = 2000
	MostViewers = 2_000_000
	MostStreams = 2000
)

// Validate returns what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.Edges < 1 || c.Edges > MostEdges:
		return fmt.Errorf("edges: want 1 to %d, not %d", MostEdges, c.Edges)
	case c.Viewers < 1 || c.Viewers > MostViewers:
		return fmt.Errorf("viewers: want 1 to %d, not %d", MostViewers, c.Viewers)
	case c.Streams < 1 || c.Streams > MostStreams:
		return fmt.Errorf("streams: want 1 to %d, not %d", MostStreams, c.Streams)
	}
	return nil
}

// regions returns into how many regions edges are put.
func regions(edges int) int {
	switch {
	case edges >= 1000:
		return 80
	case edges >= 100:
		return 30
	}
	return min(edges, 10)
}

// A world is a mesh on the map, and who publishes. Its nodes are the edges, then the origins.
type world struct {
	cities     []City
	edges      int
	nodes      []place.Node
	node       map[string]int32
	publishers []int32 // the city of each stream's
	streams    []place.Stream
	near       [][]int32   // of each city, the edges, the nearest first
	reach      [][]float32 // of each city, the delay to each edge
}

func newWorld(cfg Config, rng *rand.Rand) (*world, error) {
	cities, err := Cities()
	if err != nil {
		return nil, err
	}
	w := &world{cities: cities, edges: cfg.Edges, node: map[string]int32{}}
	centers, catchment := sites(cities, regions(cfg.Edges))
	for i, c := range share(catchment, cfg.Edges) {
		w.add(place.RoleEdge, fmt.Sprintf("edge-%d", i+1), centers[c])
	}
	for i, c := range centers {
		w.add(place.RoleOrigin, fmt.Sprintf("origin-%d", i+1), c)
	}
	people := newUrn(len(cities), func(i int) float64 { return float64(cities[i].Population) })
	for i := range cfg.Streams {
		c := int32(people.draw(rng))
		s := place.Stream{ID: fmt.Sprintf("stream-%d", i+1), Publisher: cities[c].At, LayerBPS: layerBPS}
		p := place.Origin(place.Mesh{Nodes: w.nodes}, s, place.Placement{})
		s.Origin, s.Standby = p.Origin, p.Standby
		w.publishers = append(w.publishers, c)
		w.streams = append(w.streams, s)
	}
	w.survey()
	return w, nil
}

// add puts a node into a city, which is its region.
func (w *world) add(role place.Role, name string, city int32) {
	c := w.cities[city]
	w.node[name] = int32(len(w.nodes))
	w.nodes = append(w.nodes, place.Node{
		Name: name, Role: role, Region: c.Name + "-" + c.Country, At: c.At, CapacityBPS: capacityBPS,
	})
}

// candidates is how many of the largest cities may become regions.
const candidates = 500

// sites returns n cities that people have near, one after the other the one that brings them nearest, and how many live nearer to
// each than to the others.
func sites(cities []City, n int) (centers []int32, catchment []int) {
	away := make([][]float32, min(candidates, len(cities)))
	for c := range away {
		away[c] = make([]float32, len(cities))
		for i := range cities {
			away[c][i] = float32(place.Distance(cities[c].At, cities[i].At))
		}
	}
	nearest := make([]float32, len(cities))
	of := make([]int, len(cities))
	for i := range nearest {
		nearest[i] = 40e3 // further than anything
	}
	for len(centers) < n {
		best, least := 0, -1.0
		for c := range away {
			sum := 0.0
			for i := range cities {
				sum += float64(min(nearest[i], away[c][i])) * float64(cities[i].Population)
			}
			if least < 0 || sum < least {
				best, least = c, sum
			}
		}
		for i := range cities {
			if away[best][i] < nearest[i] {
				nearest[i], of[i] = away[best][i], len(centers)
			}
		}
		centers = append(centers, int32(best))
	}
	catchment = make([]int, n)
	for i := range cities {
		catchment[of[i]] += cities[i].Population
	}
	return centers, catchment
}

// share returns the regions of n edges: one in each, the others where most people share one (D'Hondt).
func share(catchment []int, n int) []int {
	edges := make([]int, 0, n)
	has := make([]int, len(catchment))
	for len(edges) < n {
		r := len(edges)
		if r >= len(catchment) {
			r = most(len(catchment), func(i int) int64 { return int64(catchment[i] / (has[i] + 1)) })
		}
		edges = append(edges, r)
		has[r]++
	}
	return edges
}

// survey measures the way from each city to each edge.
func (w *world) survey() {
	for i := range w.cities {
		delay, near := make([]float32, w.edges), make([]int32, w.edges)
		for e := range near {
			near[e] = int32(e)
			delay[e] = float32(place.Delay(place.Distance(w.cities[i].At, w.nodes[e].At)))
		}
		slices.SortFunc(near, func(a, b int32) int { return cmp.Or(cmp.Compare(delay[a], delay[b]), cmp.Compare(a, b)) })
		w.near, w.reach = append(w.near, near), append(w.reach, delay)
	}
}
