package ops

import (
	"cmp"
	"slices"
	"time"

	"freshet/control/place"
)

// A Link is between two nodes.
type Link struct {
	A      string   `json:"a"`
	B      string   `json:"b"`
	RTT    *float64 `json:"rttMs,omitempty" doc:"Estimated, ms"`
	Loss   float64  `json:"lossPercent,omitempty" doc:"Of its packets in the last seconds, before repair"`
	Places int      `json:"streams" doc:"Streams that pass it"`
	Kbps   int      `json:"kbps,omitempty" doc:"What they are; missing: not known to this control node"`
	Saved  int      `json:"savedKbps,omitempty" doc:"Layers of them that it does not carry, as nobody behind it watches them"`
}

// A Line is all links between two regions.
type Line struct {
	A     string   `json:"a" doc:"Region"`
	B     string   `json:"b" doc:"Region"`
	RTT   *float64 `json:"rttMs,omitempty" doc:"Estimated between a node of each, ms; missing: not measured"`
	Price float64  `json:"price" doc:"Of a bit, where a thousand kilometres cost 1"`
	Links int      `json:"links" doc:"Between nodes of the two"`
	Loss  float64  `json:"lossPercent,omitempty" doc:"Of the worst of them"`
	Kbps  int      `json:"kbps,omitempty" doc:"What passes them, both ways"`
}

func linksOf(streams []Stream, distance func(a, b string) (time.Duration, bool)) []Link {
	type pair struct{ a, b string }
	all := map[pair]*Link{}
	for _, s := range streams {
		for _, h := range s.Hops {
			if h.Upstream == "" {
				continue
			}
			p := pair{h.Upstream, h.Node}
			if all[p] == nil {
				all[p] = &Link{A: p.a, B: p.b}
			}
			l := all[p]
			l.Places, l.Kbps, l.Saved = l.Places+1, l.Kbps+h.Kbps, l.Saved+h.SavedKbps
			if h.Live {
				l.Loss = max(l.Loss, h.Loss)
			}
		}
	}
	out := []Link{}
	for p, l := range all {
		if d, ok := distance(p.a, p.b); ok {
			ms := round(float64(d) / float64(time.Millisecond))
			l.RTT = &ms
		}
		out = append(out, *l)
	}
	slices.SortFunc(out, func(x, y Link) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) })
	return out
}

// asked is of how many nodes of each of two regions the round trips are looked at.
const asked = 3

// linesOf returns what lies between the regions of nodes.
func linesOf(nodes []Node, links []Link, distance func(a, b string) (time.Duration, bool)) []Line {
	region, alive := map[string]string{}, map[string][]string{}
	var m place.Mesh
	for _, n := range nodes {
		if n.Region == "" {
			continue
		}
		region[n.Node] = n.Region
		if n.Status == "alive" {
			alive[n.Region] = append(alive[n.Region], n.Node)
		}
		p := place.Node{Name: n.Node, Region: n.Region}
		if n.Lat != nil && n.Lon != nil {
			p.At = place.Point{Lat: *n.Lat, Lon: *n.Lon}
		}
		m.Nodes = append(m.Nodes, p)
	}
	type pair struct{ a, b string }
	out, at := []Line{}, map[pair]int{}
	for i, l := range place.Lines(m) {
		at[pair{l.A, l.B}], at[pair{l.B, l.A}] = i, i
		line := Line{A: l.A, B: l.B, Price: round(l.Price)}
		if ms, ok := median(alive[l.A], alive[l.B], distance); ok {
			line.RTT = &ms
		}
		out = append(out, line)
	}
	for _, k := range links {
		if i, ok := at[pair{region[k.A], region[k.B]}]; ok {
			l := &out[i]
			l.Links, l.Loss, l.Kbps = l.Links+1, max(l.Loss, k.Loss), l.Kbps+k.Kbps
		}
	}
	return out
}

// median returns the median round trip between some of as and some of bs, in ms.
func median(as, bs []string, distance func(a, b string) (time.Duration, bool)) (ms float64, ok bool) {
	var all []time.Duration
	for _, a := range as[:min(len(as), asked)] {
		for _, b := range bs[:min(len(bs), asked)] {
			if d, ok := distance(a, b); ok {
				all = append(all, d)
			}
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return round(float64(all[len(all)/2]) / float64(time.Millisecond)), true
}
