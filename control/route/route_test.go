package route

import (
	"fmt"
	"strings"
	"testing"
)

func names(edges []Edge) string {
	var s []string
	for _, e := range edges {
		s = append(s, e.Node)
	}
	return strings.Join(s, " ")
}

func TestRank(t *testing.T) {
	for _, c := range []struct {
		name   string
		region string
		edges  []Edge
		want   string
	}{
		{"none", "par", nil, ""},
		{"own region first", "par", []Edge{{Node: "y", Region: "yul"}, {Node: "p", Region: "par", Viewers: 900}}, "p y"},
		{"less load first", "", []Edge{{Node: "a", Viewers: 500}, {Node: "b", Viewers: 100}, {Node: "c", Viewers: 300}}, "b c a"},
		{"three at most", "", []Edge{{Node: "a", Viewers: 400}, {Node: "b", Viewers: 100}, {Node: "c", Viewers: 200}, {Node: "d", Viewers: 300}}, "b c d"},
		{"unknown region", "mars", []Edge{{Node: "a", Region: "yul", Viewers: 200}, {Node: "b", Region: "par"}}, "b a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(Rank(c.region, "s", c.edges, Edges)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestRankSpreads holds that equal edges take turns, and that one session keeps its order.
func TestRankSpreads(t *testing.T) {
	edges := []Edge{{Node: "edge-1"}, {Node: "edge-2", Viewers: 5}, {Node: "edge-3", Viewers: 50}}
	first := map[string]int{}
	const sessions = 3000
	for i := range sessions {
		s := fmt.Sprintf("session-%d", i)
		r := Rank("", s, edges, Edges)
		first[r[0].Node]++
		// Without its best edge, the rest of the order stays.
		var rest []Edge
		for _, e := range edges {
			if e.Node != r[0].Node {
				rest = append(rest, e)
			}
		}
		if got, want := names(Rank("", s, rest, Edges)), names(r[1:]); got != want {
			t.Fatalf("%s: got %q, want %q", s, got, want)
		}
	}
	for _, e := range edges {
		if n := first[e.Node]; n < sessions/3-sessions/10 || n > sessions/3+sessions/10 {
			t.Errorf("%s came first %d times of %d", e.Node, n, sessions)
		}
	}
}

func TestPick(t *testing.T) {
	if _, ok := Pick("s", "", nil); ok {
		t.Error("picked one of none")
	}
	origins := []Origin{{Node: "o1"}, {Node: "o2"}, {Node: "o3"}}
	first, _ := Pick("s", "", origins)
	again, _ := Pick("s", "", []Origin{origins[2], origins[0], origins[1]})
	if first != again {
		t.Errorf("picked %s, then %s", first.Node, again.Node)
	}
	for i := range origins {
		with := append([]Origin{}, origins...)
		with[i].Live = true
		if got, _ := Pick("s", "", with); got.Node != with[i].Node {
			t.Errorf("picked %s, not the live %s", got.Node, with[i].Node)
		}
		if got, _ := Pick("s", "o1", with); got.Node != "o1" {
			t.Errorf("picked %s, not the assigned o1", got.Node)
		}
		if got, _ := Pick("s", "gone", with); got.Node != with[i].Node {
			t.Errorf("picked %s where the assigned is gone, not the live %s", got.Node, with[i].Node)
		}
	}
}
