package place

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"freshet/cluster/tree"
	"freshet/proto/rtpq"
)

// Of each property below it is said how it was seen to fail, by code that was broken for it.

// A scene is a mesh with streams on it, drawn. In a roomy one no node lacks capacity and none is cordoned or draining.
type scene struct {
	mesh    Mesh
	streams []Stream
	roomy   bool
}

func drawScene(t *rapid.T, roomy bool) scene {
	s := scene{roomy: roomy, mesh: Mesh{Degree: rapid.IntRange(2, 9).Draw(t, "degree")}}
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	state := func() State {
		if roomy || rng.IntN(4) > 0 {
			return In
		}
		return State(rng.IntN(3))
	}
	regions := rapid.IntRange(1, 6).Draw(t, "regions")
	for r := range regions {
		name, at := fmt.Sprintf("r%d", r), Point{rng.Float64()*120 - 60, rng.Float64()*360 - 180}
		capacity := func() int64 {
			if roomy {
				return 1e12
			}
			return int64(rng.IntN(100e6))
		}
		for o := range rng.IntN(2) + 1 {
			s.mesh.Nodes = append(s.mesh.Nodes, Node{Name: fmt.Sprintf("o%d-%d", r, o), Region: name, Role: RoleOrigin, At: at, CapacityBPS: capacity(), State: state()})
		}
		for e := range rng.IntN(40) {
			n := Node{Name: fmt.Sprintf("e%d-%d", r, e), Region: name, Role: RoleEdge, At: at, CapacityBPS: capacity(), State: state()}
			n.RelayBPS = n.CapacityBPS / 10
			n.LoadBPS = n.RelayBPS + rng.Int64N(n.CapacityBPS/2+1)
			s.mesh.Nodes = append(s.mesh.Nodes, n)
		}
	}
	for range rng.IntN(3) {
		s.mesh.Prices = append(s.mesh.Prices, Price{fmt.Sprintf("r%d", rng.IntN(regions)), fmt.Sprintf("r%d", rng.IntN(regions)), rng.Float64() * 20})
	}
	for range rng.IntN(3) {
		s.mesh.Losses = append(s.mesh.Losses, Loss{fmt.Sprintf("r%d", rng.IntN(regions)), fmt.Sprintf("r%d", rng.IntN(regions)), rng.Float64() / 10})
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "streams") {
		st := Stream{ID: fmt.Sprintf("s%d", i), LayerBPS: []int64{300e3, 700e3, 2e6}}
		p := Origin(s.mesh, st, Placement{})
		st.Origin, st.Standby = p.Origin, p.Standby
		share := rng.Float64()
		for _, n := range s.mesh.Nodes {
			if n.Role == RoleEdge && rng.Float64() < share {
				st.Demand = append(st.Demand, Demand{Edge: n.Name, Viewers: rng.IntN(9), Layer: rng.IntN(3)})
			}
		}
		s.streams = append(s.streams, st)
	}
	return s
}

func (s scene) node(name string) Node {
	i := slices.IndexFunc(s.mesh.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}
	}
	return s.mesh.Nodes[i]
}

// links returns what of trees is promised: the links of all that is wanted but in regions that came off badly.
func (s scene) links(d Decision) []Link {
	short := func(stream, region string) bool {
		return slices.ContainsFunc(d.Short, func(short Short) bool { return short.Stream == stream && short.Region == region })
	}
	served := slices.Clone(s.streams)
	for i := range served {
		st := &served[i]
		st.Demand = slices.DeleteFunc(slices.Clone(st.Demand), func(w Demand) bool { return short(st.ID, s.node(w.Edge).Region) })
	}
	return Weigh(s.mesh, served, d.Trees).Links
}

type streamNode struct{ stream, node string }

// check holds what is true of every decision.
func (s scene) check(t *rapid.T, d Decision) {
	degree, sent := map[streamNode]int{}, map[string]int64{}
	linked := map[streamNode]bool{}
	for _, l := range s.links(d) {
		if !slices.ContainsFunc(s.streams, func(st Stream) bool { return st.ID == l.Stream && st.Origin != "" }) {
			continue // nothing flows, and its tree stays as it was
		}
		degree[streamNode{l.Stream, l.From}]++
		sent[l.From] += l.BPS
		linked[streamNode{l.Stream, l.To}] = true
		if l.Depth > rtpq.MaxHops {
			t.Fatalf("%+v: want %d hops at most", l, rtpq.MaxHops)
		}
	}
	for at, n := range degree {
		if n > s.mesh.Degree {
			t.Fatalf("%s sends %s to %d nodes, want %d at most", at.node, at.stream, n, s.mesh.Degree)
		}
	}
	for name, bps := range sent {
		n := s.node(name)
		if others := n.LoadBPS - n.RelayBPS; bps+others > n.CapacityBPS {
			t.Fatalf("%s sends %d beside %d, and can send %d", name, bps, others, n.CapacityBPS)
		}
	}
	for _, st := range s.streams {
		if st.Origin == "" {
			continue
		}
		for _, w := range st.Demand {
			short := slices.ContainsFunc(d.Short, func(short Short) bool { return short.Stream == st.ID && short.Region == s.node(w.Edge).Region })
			if !short && s.node(w.Edge).Name != "" && !linked[streamNode{st.ID, w.Edge}] {
				t.Fatalf("%s has nobody to take %s from", w.Edge, st.ID)
			}
		}
		for _, h := range d.Trees[st.ID].Hubs {
			n := s.node(h.Node)
			if n.Name == "" || n.Region != h.Region || n.Role == RoleEdge && n.State == Draining {
				t.Fatalf("%s: hub %+v is %+v", st.ID, h, n)
			}
		}
	}
	if s.roomy && s.mesh.Degree > 7 && slices.ContainsFunc(d.Short, func(short Short) bool { return short.Why == NoRoom }) {
		t.Fatalf("short though there is room: %+v", d.Short)
	}
}

// TestBounds: way, degree and load of whatever is decided first, and of what is decided after any node has changed, stay in
// their bounds. It failed where hubs that feed could stand below another region's; without
// `b.links[node]+links <= b.degree`; without `b.room[node] >= bps`; and without raise in enter.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, rapid.Bool().Draw(t, "roomy"))
		d := Trees(s.mesh, s.streams, nil)
		s.check(t, d)
		for range 3 {
			s.disturb(t)
			d = Trees(s.mesh, s.streams, d.Trees)
			s.check(t, d)
		}
	})
}

// disturb changes any node's state, or load, or takes it away, and has the origins follow.
func (s *scene) disturb(t *rapid.T) {
	if len(s.mesh.Nodes) == 0 {
		return
	}
	i := rapid.IntRange(0, len(s.mesh.Nodes)-1).Draw(t, "changed")
	s.roomy, s.mesh.Nodes = false, slices.Clone(s.mesh.Nodes)
	switch n := &s.mesh.Nodes[i]; rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		s.mesh.Nodes = slices.Delete(s.mesh.Nodes, i, i+1)
	case 1:
		n.State = Draining
	case 2:
		n.State = Cordoned
	case 3:
		n.LoadBPS = n.CapacityBPS * 3 / 4
		n.RelayBPS = 0
	}
	s.streams = slices.Clone(s.streams)
	for i := range s.streams {
		st := &s.streams[i]
		p := Origin(s.mesh, *st, Placement{st.Origin, st.Standby})
		st.Origin, st.Standby = p.Origin, p.Standby
	}
}

// TestBorders: where one hub can serve a region, it is one, and the region is entered once; with more hubs, once for as many as
// one can feed. It failed with `b.degree` in place of `b.degree+1` in byOne, and where the hub of the standby's region could
// stand below the origin.
func TestBorders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, true)
		d := Trees(s.mesh, s.streams, nil)
		for _, st := range s.streams {
			leaves, hubs, entries := map[string]int{}, map[string]int{}, map[string]int{}
			for _, w := range st.Demand {
				leaves[s.node(w.Edge).Region]++
			}
			for _, h := range d.Trees[st.ID].Hubs {
				hubs[h.Region]++
			}
			for _, l := range s.links(d) {
				if l.Stream == st.ID && l.Crosses {
					entries[s.node(l.To).Region]++
				}
			}
			for region, n := range entries {
				if most := max(1, (hubs[region]-1+s.mesh.Degree-1)/s.mesh.Degree); n > most {
					t.Fatalf("%s enters %s %d times for %d hubs and %d edges, want %d", st.ID, region, n, hubs[region], leaves[region], most)
				}
			}
			for region, n := range hubs {
				if leaves[region] <= s.mesh.Degree+1 && n != 1 {
					t.Fatalf("%s has %d hubs for %d edges of %s, want 1", st.ID, n, leaves[region], region)
				}
				if most := 3 + leaves[region]*4/s.mesh.Degree; n > most {
					t.Fatalf("%s has %d hubs for %d edges of %s, want %d at most", st.ID, n, leaves[region], region, most)
				}
			}
		}
	})
}

// TestSameWhateverOrder: the order of nodes, streams, wishes, prices and former hubs does not matter. It failed without the sort of
// streams, and of former hubs.
func TestSameWhateverOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, rapid.Bool().Draw(t, "roomy"))
		former := Trees(s.mesh, s.streams, nil)
		s.disturb(t)
		want := Trees(s.mesh, s.streams, former.Trees)
		rng := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "order")))
		m := Mesh{Nodes: shuffled(rng, s.mesh.Nodes), Prices: s.mesh.Prices, Losses: shuffled(rng, s.mesh.Losses), Degree: s.mesh.Degree}
		streams := shuffled(rng, s.streams)
		for i := range streams {
			streams[i].Demand = shuffled(rng, streams[i].Demand)
		}
		was := maps.Clone(former.Trees)
		for _, st := range s.streams {
			if tr := was[st.ID]; st.Origin != "" { // else the tree stays as it is given
				tr.Hubs = shuffled(rng, tr.Hubs)
				was[st.ID] = tr
			}
		}
		if got := Trees(m, streams, was); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		for _, st := range s.streams {
			if got, want := Origin(m, st, Placement{}), Origin(s.mesh, st, Placement{}); got != want {
				t.Fatalf("%s: got %+v, want %+v", st.ID, got, want)
			}
		}
	})
}

func shuffled[T any](rng *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// TestLittleMoves: where nothing has changed nothing moves. Where a node has, only those move who took the stream from it, or, in its
// region, from a hub that is none any more, who get a share of a hub that is new, who become one or are none any more;
// and hubs
// that take the place it had below its parent, or get a parent cheaper by half that there is now. It failed without keep, and with hubs that were taken by rank before former ones.
func TestLittleMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, true)
		before := Trees(s.mesh, s.streams, nil)
		if again := Trees(s.mesh, s.streams, before.Trees); !reflect.DeepEqual(again, before) {
			t.Fatalf("nothing has changed: got %+v, want %+v", again, before)
		}
		was := upstreams(s, before)
		edges := slices.DeleteFunc(slices.Clone(s.mesh.Nodes), func(n Node) bool { return n.Role != RoleEdge })
		if len(edges) == 0 {
			return
		}
		gone := rapid.SampledFrom(edges).Draw(t, "gone")
		drained := rapid.Bool().Draw(t, "drained")
		s.mesh.Nodes = slices.Clone(s.mesh.Nodes)
		at := slices.IndexFunc(s.mesh.Nodes, func(n Node) bool { return n.Name == gone.Name })
		if s.mesh.Nodes[at].State = Draining; !drained {
			s.mesh.Nodes = slices.Delete(s.mesh.Nodes, at, at+1)
		}
		after := Trees(s.mesh, s.streams, before.Trees)
		for at, is := range upstreams(s, after) {
			then := was[at]
			if at.node == gone.Name || is == then || then == gone.Name || then == "" {
				continue
			}
			hub := func(d Decision, node string) bool {
				return isHub(d, at.stream, node) && s.node(node).Region == gone.Region
			}
			ended := func(node string) bool { return hub(before, node) && !hub(after, node) }
			fresh := func(node string) bool { return hub(after, node) && !hub(before, node) }
			switch {
			case ended(then), ended(at.node), fresh(is), fresh(at.node):
				continue
			case isHub(after, at.stream, at.node) && (was[streamNode{at.stream, gone.Name}] == is || cheaper(s, at.node, then, is)):
				continue
			}
			t.Fatalf("without %s of %s, %s of %s takes %s from %s, not from %s", gone.Name, gone.Region, at.node, s.node(at.node).Region, at.stream, is, then)
		}
	})
}

// cheaper reports whether the way from is is so much cheaper than that from then that it is worth a change.
func cheaper(s scene, to, then, is string) bool {
	b := newBoard(s.mesh)
	region := func(name string) int32 { return b.region[b.find(name)] }
	return b.costs(region(is), region(to))*keptPrice < b.costs(region(then), region(to))
}

func upstreams(s scene, d Decision) map[streamNode]string {
	list := map[streamNode]string{}
	for _, l := range s.links(d) {
		list[streamNode{l.Stream, l.To}] = l.From
	}
	return list
}

func isHub(d Decision, stream, node string) bool {
	return slices.ContainsFunc(d.Trees[stream].Hubs, func(h tree.Hub) bool { return h.Node == node }) || d.Trees[stream].Origin == node
}

// TestCordoned: a hub that is cordoned stays one; it becomes none elsewhere. It failed with In alone in keeps.
func TestCordoned(t *testing.T) {
	s := scene{mesh: line("yul", "par"), streams: []Stream{{ID: "s", Origin: "yul-o", LayerBPS: []int64{1e6}, Demand: []Demand{{Edge: "par-1"}, {Edge: "par-2"}}}}}
	first := Trees(s.mesh, s.streams, nil).Trees
	hub := first["s"].Hubs[0].Node
	for i := range s.mesh.Nodes {
		if s.mesh.Nodes[i].Name == hub {
			s.mesh.Nodes[i].State = Cordoned
		}
	}
	if got := Trees(s.mesh, s.streams, first).Trees; !reflect.DeepEqual(got, first) {
		t.Errorf("cordoned: got %+v, want %+v", got, first)
	}
	if got := Trees(s.mesh, s.streams, nil).Trees["s"].Hubs[0].Node; got == hub {
		t.Errorf("%s became a hub, though it is cordoned", got)
	}
}

// TestGone: a stream whose origin is not in the mesh keeps its tree.
func TestGone(t *testing.T) {
	was := map[string]tree.Tree{"s": {Origin: "gone", Hubs: []tree.Hub{{Node: "par-1", Region: "par", Parent: "gone"}}}}
	got := Trees(line("par"), []Stream{{ID: "s", Origin: "gone", Demand: []Demand{{Edge: "par-1"}}}}, was)
	want := Decision{Trees: was, Short: []Short{{Stream: "s", Edges: 1, Why: NoOrigin}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// line is a mesh of an origin and four edges in each region; regions are 20 degrees apart on the equator.
func line(regions ...string) Mesh {
	var m Mesh
	for i, r := range regions {
		at := Point{1, float64(20 * i)}
		m.Nodes = append(m.Nodes, Node{Name: r + "-o", Region: r, Role: RoleOrigin, At: at, CapacityBPS: 1e9})
		for e := range 4 {
			m.Nodes = append(m.Nodes, Node{Name: fmt.Sprintf("%s-%d", r, e+1), Region: r, Role: RoleEdge, At: at, CapacityBPS: 1e9})
		}
	}
	return m
}

// TestPrices: of ways that are about as short the cheapest is taken; a dearer one stays until it is half as dear again.
// It failed with cheaperDelay 0 and with keptPrice 1000.
func TestPrices(t *testing.T) {
	m := line("yul", "par", "sin")
	s := []Stream{{ID: "s", Origin: "yul-o", LayerBPS: []int64{1e6}, Demand: []Demand{{Edge: "par-1"}, {Edge: "sin-1"}}}}
	parent := func(d Decision) string {
		for _, h := range d.Trees["s"].Hubs {
			if h.Region == "sin" {
				return h.Parent
			}
		}
		return ""
	}
	near := Trees(m, s, nil)
	if got := parent(near); got != "par-1" {
		t.Errorf("by distance: sin stands below %s, want par-1", got)
	}
	for _, c := range []struct {
		price float64
		want  string
	}{{3, "par-1"}, {5.9, "par-1"}, {7, "yul-o"}} { // yul to sin is 4.4
		m.Prices = []Price{{"sin", "par", c.price}}
		if got := parent(Trees(m, s, near.Trees)); got != c.want {
			t.Errorf("par to sin costs %v: sin stands below %s, want %s", c.price, got, c.want)
		}
	}
}

// TestLayersThatAreWatched: a link is counted with the layers that somebody below it watches, and no more: an origin that can send
// four layers serves par with all three and sin with one. It failed with rate(2) in enter.
func TestLayersThatAreWatched(t *testing.T) {
	m := line("yul", "par", "sin")
	m.Prices = []Price{{"par", "sin", 100}}
	for i := range m.Nodes { // nobody in par passes anything on
		switch n := &m.Nodes[i]; {
		case n.Name == "yul-o":
			n.CapacityBPS = 4e6
		case n.Region == "par":
			n.CapacityBPS = 0
		}
	}
	for layer, want := range []int{0, 1} {
		s := []Stream{{ID: "s", Origin: "yul-o", LayerBPS: []int64{1e6, 1e6, 1e6}, Demand: []Demand{{Edge: "par-1", Layer: 2}, {Edge: "sin-1", Layer: layer}}}}
		d := Trees(m, s, nil)
		if len(d.Short) != want {
			t.Errorf("layer %d: %+v short, want %d", layer, d.Short, want)
		}
		w := Weigh(m, s, d.Trees)
		if layer == 0 {
			if got := w.Relay["yul-o"]; got != 4e6 {
				t.Errorf("the origin sends %d, want 4e6", got)
			}
			if w.Saved <= 0 {
				t.Errorf("%+v saves nothing", w)
			}
		}
	}
}
