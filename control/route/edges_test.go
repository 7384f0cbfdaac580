package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/control/geo"
	"freshet/control/geo/geotest"
)

func names(all []Candidate) string {
	var s []string
	for _, c := range all {
		s = append(s, c.Node)
	}
	return strings.Join(s, " ")
}

// at are edges in regions, named like them.
func at(regions ...string) (all []Edge) {
	for _, r := range regions {
		e := Edge{Node: r, Region: r, RTT: "http://" + r + "/rtt"}
		if p, ok := geo.Region(r); ok {
			e.At = &p
		}
		all = append(all, e)
	}
	return all
}

// TestCities holds where viewers of sixty cities of six continents are sent, and where when that edge has its load.
func TestCities(t *testing.T) {
	edges := at("yul", "nyc", "mia", "sjc", "bog", "gru", "par", "fra", "waw", "cas", "los", "jnb", "nbo", "dxb", "bom", "sin", "hkg", "tyo", "syd", "akl")
	want := strings.Fields(`
		yul yul yul sjc nyc nyc mia sjc sjc mia
		bog bog bog gru gru gru gru gru gru gru
		par par par cas par fra waw waw fra waw
		cas cas dxb cas los los nbo jnb jnb jnb
		dxb dxb bom bom sin sin sin hkg tyo tyo
		syd syd syd syd syd akl akl akl akl akl`)
	if len(want) != len(geotest.Cities) {
		t.Fatalf("%d cities, %d edges", len(geotest.Cities), len(want))
	}
	for i, c := range geotest.Cities {
		v := Viewer{Session: c.Name, At: &c.At}
		ranked := Rank(v, edges)
		if ranked[0].Node != want[i] {
			t.Errorf("%s: sent to %s, %.0f km, want %s", c.Name, ranked[0].Node, ranked[0].Km, want[i])
		}
		loaded := slices.Clone(edges)
		for n := range loaded {
			if loaded[n].Node == ranked[0].Node {
				loaded[n].Load = 0.95
			}
		}
		again := Rank(v, loaded)
		if again[0].Node != ranked[1].Node || again[len(again)-1].Verdict != Over {
			t.Errorf("%s, with %s over its load: sent to %s, want %s", c.Name, ranked[0].Node, again[0].Node, ranked[1].Node)
		}
	}
}

func TestRank(t *testing.T) {
	paris, nowhere := &geo.Point{Lat: 48.86, Lon: 2.35}, (*geo.Point)(nil)
	with := func(edges []Edge, node string, change func(*Edge)) []Edge {
		i := slices.IndexFunc(edges, func(e Edge) bool { return e.Node == node })
		change(&edges[i])
		return edges
	}
	ms := func(all ...any) map[string]time.Duration {
		m := map[string]time.Duration{}
		for i := 0; i < len(all); i += 2 {
			m[all[i].(string)] = time.Duration(all[i+1].(int) * int(time.Millisecond))
		}
		return m
	}
	for _, c := range []struct {
		name  string
		v     Viewer
		edges []Edge
		want  string
	}{
		{"none", Viewer{Region: "par"}, nil, ""},
		{"the nearest first", Viewer{At: paris}, at("sin", "yul", "fra", "par"), "par fra yul sin"},
		{"own region first", Viewer{Region: "par"}, []Edge{{Node: "y", Region: "yul"}, {Node: "p", Region: "par", Viewers: 900}}, "p y"},
		{"of no place, of its region", Viewer{At: paris, Region: "hq"}, []Edge{{Node: "a"}, {Node: "h", Region: "hq"}}, "h a"},
		{"less load first", Viewer{}, []Edge{{Node: "a", Viewers: 500}, {Node: "b", Viewers: 100}, {Node: "c", Viewers: 300}}, "b c a"},
		{"a load it tells counts, and not its viewers", Viewer{}, []Edge{{Node: "a", Viewers: 900, Load: 0.1}, {Node: "b", Viewers: 100, Load: 0.3}}, "a b"},
		{"unknown region", Viewer{Region: "mars"}, []Edge{{Node: "a", Region: "yul", Viewers: 200}, {Node: "b", Region: "par"}}, "b a"},
		{"load against distance: a little farther", Viewer{At: paris}, with(at("par", "fra"), "par", func(e *Edge) { e.Load = 0.85 }), "fra par"},
		{"load against distance: an ocean", Viewer{At: paris}, with(at("par", "yul"), "par", func(e *Edge) { e.Load = 0.85 }), "par yul"},
		{"over its load", Viewer{At: paris}, with(at("par", "sin"), "par", func(e *Edge) { e.Load = 0.9 }), "sin par"},
		{"all are over", Viewer{At: paris}, with(with(at("par", "sin"), "par", func(e *Edge) { e.Load = 2 }), "sin", func(e *Edge) { e.Load = 0.9 }), "par sin"},
		{"drained", Viewer{At: paris}, with(at("par", "sin"), "par", func(e *Edge) { e.Away = true }), "sin"},
		{"silent", Viewer{At: paris}, with(at("par", "fra"), "par", func(e *Edge) { e.Quiet = 3 * time.Second }), "fra par"},
		{"silent, and still nearer than an ocean", Viewer{At: paris}, with(at("par", "sin"), "par", func(e *Edge) { e.Quiet = 3 * time.Second }), "par sin"},
		{"failed, and over its load", Viewer{At: paris, Failed: []string{"par"}}, with(at("par", "fra"), "fra", func(e *Edge) { e.Load = 1 }), "fra par"},
		{"measured counts more than the place", Viewer{At: paris, RTT: ms("par", 80, "fra", 12)}, at("par", "fra"), "fra par"},
		{"measured counts more than the region", Viewer{Region: "par", RTT: ms("par", 80, "yul", 12)}, at("par", "yul"), "yul par"},
		{"what did not answer is far", Viewer{RTT: ms("yul", 90)}, at("hq", "yul"), "yul hq"},
		{"beside the nearest that was measured", Viewer{RTT: ms("nyc", 15, "sin", 220)}, at("sin", "par", "yul", "nyc"), "nyc yul par sin"},
		{"beside it in its region", Viewer{RTT: ms("a", 15, "b", 100)}, []Edge{{Node: "b", Region: "2"}, {Node: "c", Region: "1", Viewers: 300}, {Node: "a", Region: "1"}}, "a c b"},
		{"unknown nodes do not count", Viewer{At: paris, RTT: ms("gone", 1)}, at("sin", "par"), "par sin"},
		{"unknown nodes do not count without a place", Viewer{At: nowhere, Region: "par", RTT: ms("gone", 1)}, at("sin", "par"), "par sin"},
		{"noise of a few ms does not", Viewer{RTT: ms("par", 2, "sin", 1)}, with(at("par", "sin"), "sin", func(e *Edge) { e.Viewers = 100 }), "par sin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.v.Session = "s"
			if got := names(Rank(c.v, c.edges)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBest(t *testing.T) {
	edges := at("par", "fra", "yul", "sin")
	for failed, want := range map[string]string{
		"": "par fra yul", "par": "fra yul sin", "par fra": "yul sin", "par fra yul": "sin", "par fra yul sin": "par fra yul", "gone": "par fra yul",
	} {
		v := Viewer{Session: "s", At: edges[0].At, Failed: strings.Fields(failed)}
		if got := names(Best(Rank(v, edges), Edges)); got != want {
			t.Errorf("%q failed: %q, want %q", failed, got, want)
		}
	}
	if got := Best(nil, Edges); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

// TestRankSpreads holds that equal edges take turns, and that one session keeps its order.
func TestRankSpreads(t *testing.T) {
	edges := []Edge{{Node: "edge-1"}, {Node: "edge-2", Viewers: 5}, {Node: "edge-3", Viewers: 50}}
	first := map[string]int{}
	const sessions = 3000
	for i := range sessions {
		v := Viewer{Session: fmt.Sprintf("session-%d", i)}
		r := Rank(v, edges)
		first[r[0].Node]++
		// Without its best edge, the rest of the order stays.
		var rest []Edge
		for _, e := range edges {
			if e.Node != r[0].Node {
				rest = append(rest, e)
			}
		}
		if got, want := names(Rank(v, rest)), names(r[1:]); got != want {
			t.Fatalf("%s: got %q, want %q", v.Session, got, want)
		}
	}
	for _, e := range edges {
		if n := first[e.Node]; n < sessions/3-sessions/10 || n > sessions/3+sessions/10 {
			t.Errorf("%s came first %d times of %d", e.Node, n, sessions)
		}
	}
}

func TestProbes(t *testing.T) {
	paris, lille := &geo.Point{Lat: 48.86, Lon: 2.35}, &geo.Point{Lat: 50.63, Lon: 3.06}
	many := at("yul", "nyc", "mia", "sjc", "gru", "par", "fra", "jnb", "bom", "sin", "tyo", "syd")
	for _, c := range []struct {
		name  string
		v     Viewer
		edges []Edge
		want  string
	}{
		{"of no place: all", Viewer{}, at("yul", "par", "sin"), "par sin yul"},
		{"measured already", Viewer{RTT: map[string]time.Duration{"par": 1}}, at("yul", "par", "sin"), ""},
		{"of a place", Viewer{At: paris}, at("yul", "par", "sin"), ""},
		{"between two", Viewer{At: lille}, at("yul", "par", "bru", "sin"), "bru par"},
		{"of a place that is hardly known", Viewer{At: paris, Radius: 1000}, at("yul", "par", "mad", "sin"), "mad par"},
		{"one place", Viewer{}, []Edge{{Node: "a", Region: "x", RTT: "u"}, {Node: "b", Region: "x", RTT: "u"}}, ""},
		{"older edges cannot be measured", Viewer{}, []Edge{{Node: "a", Region: "x", RTT: "u"}, {Node: "b", Region: "y"}}, ""},
		{"nor those that would not be picked", Viewer{Failed: []string{"par"}}, at("par", "sin"), ""},
	} {
		c.v.Session = "s"
		got := Probes(c.v, Rank(c.v, c.edges))
		slices.SortFunc(got, func(a, b Candidate) int { return strings.Compare(a.Node, b.Node) })
		if names(got) != c.want {
			t.Errorf("%s: %q, want %q", c.name, names(got), c.want)
		}
	}
	// Of many, those that lie far apart: whoever asks finds one on its continent.
	for i := range 20 {
		v := Viewer{Session: fmt.Sprint(i)}
		got := Probes(v, Rank(v, many))
		if len(got) != maxProbes {
			t.Fatalf("%d probes: %s", len(got), names(got))
		}
		for _, c := range many {
			near := func(p Candidate) bool { return p.At.Km(*c.At) < 4000 }
			if !slices.ContainsFunc(got, near) {
				t.Errorf("of %s none within 4,000 km of %s", names(got), c.Node)
			}
		}
	}
}

func TestFailing(t *testing.T) {
	now := time.Unix(1000, 0)
	d := Decision{Failed: Decision{}.Failing([]string{"a"}, now)}
	d.Failed = d.Failing([]string{"b"}, now.Add(20*time.Second))
	if len(d.Failed) != 2 {
		t.Errorf("after 20 s: %v", d.Failed)
	}
	d.Failed = d.Failing(nil, now.Add(Rest))
	if _, ok := d.Failed["b"]; !ok || len(d.Failed) != 1 {
		t.Errorf("after 30 s: %v", d.Failed)
	}
	if all := d.Failing(strings.Fields("c d e f g h i j k l"), now.Add(Rest)); len(all) != MaxFailed {
		t.Errorf("%d edges have failed", len(all))
	}
}

func BenchmarkRank(b *testing.B) {
	var edges []Edge
	for i, c := range geotest.Cities {
		edges = append(edges, Edge{Node: fmt.Sprint("edge-", i), Region: c.Name, At: &c.At, Load: float64(i%10) / 10})
	}
	v := Viewer{Session: "s", At: &geo.Point{Lat: 48.86, Lon: 2.35}}
	b.ReportAllocs()
	for b.Loop() {
		Probes(v, Rank(v, edges))
	}
}
