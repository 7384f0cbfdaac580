package tree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"freshet/proto/rtpq"
)

// Of each rule below it is said how it was seen to fail, by code that was broken for it.

var story = Tree{
	Origin: "o1", Standby: "o2",
	Hubs: []Hub{
		{Node: "o1", Region: "yul"},
		{Node: "p1", Region: "par", Parent: "o1"},
		{Node: "p2", Region: "par", Parent: "p1"}, {Node: "p3", Region: "par", Parent: "p1"},
		{Node: "f1", Region: "fra", Parent: "p1"},
		{Node: "s1", Region: "syd", Parent: "o2"},
		{Node: "lost", Region: "par", Parent: "gone"},
	},
}

func TestUpstreams(t *testing.T) {
	far := func(region string) float64 {
		return map[string]float64{"yul": 30, "par": 10, "fra": 20, "syd": 90}[region]
	}
	for _, c := range []struct {
		name string
		at   Site
		want string
	}{
		{"origin", Site{"o1", "yul"}, ""},
		{"standby", Site{"o2", "par"}, "o1"},
		{"leaf in the origin's region", Site{"e1", "yul"}, "o1 o2 p?"},
		{"leaf of two hubs, which a third feeds", Site{"e2", "par"}, "p! p! f1 o1"},
		{"leaf of one hub", Site{"e3", "syd"}, "s1 p? o1 o2"},
		{"leaf of a region without a hub", Site{"e4", "lon"}, "p? o1 o2"},
		{"hub that feeds", Site{"p1", "par"}, "o1 o2"},
		{"hub below a hub", Site{"p2", "par"}, "p1 o1 o2"},
		{"hub below another region's", Site{"f1", "fra"}, "p1 o1 o2"},
		{"hub below the standby", Site{"s1", "syd"}, "o2 o1"},
		{"hub that nothing leads to", Site{"lost", "par"}, "o1 o2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(Upstreams(story, c.at, far), " ")
			if !alike(got, c.want) {
				t.Errorf("got %q, want %q (p? is any hub of par, p! one that serves)", got, c.want)
			}
		})
	}
	if got := Upstreams(Tree{}, Site{"e", "r"}, nil); len(got) != 0 {
		t.Errorf("an empty tree gave %v", got)
	}
}

// alike compares words, of which p! stands for p2 and p3, p? for p1 as well.
func alike(got, want string) bool {
	g, w := strings.Fields(got), strings.Fields(want)
	return slices.EqualFunc(g, w, func(g, w string) bool {
		switch w {
		case "p!":
			return g == "p2" || g == "p3"
		case "p?":
			return g == "p1" || g == "p2" || g == "p3"
		}
		return g == w
	})
}

// drawTree is any tree: of parents that fit, and of ones that do not.
func drawTree(t *rapid.T) Tree {
	name := rapid.SampledFrom([]string{"", "o1", "o2", "a", "b", "c", "d", "e", "f", "g", "h"})
	tr := Tree{Origin: "o1", Standby: rapid.SampledFrom([]string{"", "o2"}).Draw(t, "standby")}
	for range rapid.IntRange(0, 12).Draw(t, "hubs") {
		tr.Hubs = append(tr.Hubs, Hub{
			Node: name.Draw(t, "node"), Region: rapid.SampledFrom([]string{"r", "s", "t"}).Draw(t, "region"), Parent: name.Draw(t, "parent"),
		})
	}
	return tr
}

// TestNoRingNoLongWay: whichever of its upstreams each node takes, the way from any node ends at the origin after four hops at
// most. It failed with `h.level > level` in candidates, and with the standby's upstreams as a hub's.
func TestNoRingNoLongWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := drawTree(t)
		m := NewMap(tr)
		regions := map[string]string{}
		for i, h := range slices.Backward(tr.Hubs) {
			regions[h.Node] = tr.Hubs[i].Region
		}
		away := func(region string) float64 { return float64(rapid.IntRange(0, 3).Draw(t, "away "+region)) }
		at := Site{Node: rapid.SampledFrom([]string{"leaf", "a", "b", "c", "d", "o1", "o2"}).Draw(t, "at"), Region: "r"}
		way := []string{at.Node}
		for at.Node != tr.Origin {
			if r, ok := regions[at.Node]; ok {
				at.Region = r
			}
			ups := m.Upstreams(at, away)
			if len(ups) == 0 || len(ups) > MaxUpstreams {
				t.Fatalf("%s has upstreams %q, want 1 to %d", at.Node, ups, MaxUpstreams)
			}
			for i, u := range ups {
				if u == at.Node || u == "" || slices.Contains(ups[:i], u) {
					t.Fatalf("%s has upstreams %q", at.Node, ups)
				}
			}
			at.Node = rapid.SampledFrom(ups).Draw(t, "upstream")
			if slices.Contains(way, at.Node) {
				t.Fatalf("a ring: %q and %s again", way, at.Node)
			}
			if way = append(way, at.Node); len(way)-1 > rtpq.MaxHops {
				t.Fatalf("%q: %d hops, want %d at most", way, len(way)-1, rtpq.MaxHops)
			}
		}
	})
}

// TestShares: a hub that comes takes leaves from others and moves no leaf between those; one that goes is the same backwards.
// Each hub has about its share. It failed with the hubs' places in the list in place of their keys.
func TestShares(t *testing.T) {
	const leaves = 4000
	for k := 1; k < 12; k++ {
		hubs := make([]Hub, k+1)
		for i := range hubs {
			hubs[i] = Hub{Node: fmt.Sprintf("hub-%d", i), Region: "r", Parent: "o"}
		}
		added := hubs[k].Node
		before, after := NewMap(Tree{Origin: "o", Hubs: hubs[:k]}), NewMap(Tree{Origin: "o", Hubs: append(slices.Clone(hubs[k:]), hubs[:k]...)})
		moved := 0
		for i := range leaves {
			at := Site{fmt.Sprintf("leaf-%d", i), "r"}
			was, is := before.Upstreams(at, nil)[0], after.Upstreams(at, nil)[0]
			if was != is && is != added {
				t.Fatalf("%d hubs and one more: %s went from %s to %s", k, at.Node, was, is)
			}
			if is == added {
				moved++
			}
		}
		want := leaves / (k + 1)
		if moved < want*8/10 || moved > want*12/10 {
			t.Errorf("%d hubs and one more: it took %d of %d leaves, want about %d", k, moved, leaves, want)
		}
	}
}

func BenchmarkUpstreams(b *testing.B) {
	tr := Tree{Origin: "o", Standby: "p"}
	for i := range 60 {
		tr.Hubs = append(tr.Hubs, Hub{Node: fmt.Sprintf("hub-%d", i), Region: fmt.Sprintf("region-%d", i%20), Parent: "o"})
	}
	m := NewMap(tr)
	at := Site{"leaf", "region-7"}
	away := func(region string) float64 { return float64(len(region)) }
	b.ReportAllocs()
	for b.Loop() {
		m.Upstreams(at, away)
	}
}
