package place

import (
	"cmp"
	"slices"

	"freshet/cluster/tree"
)

// A Weight is what trees ask of a mesh, while every node takes each stream from its first upstream that is there.
type Weight struct {
	Links   []Link // by stream, then by who takes it
	Relay   map[string]int64
	Crossed int     // borders between regions, over all streams
	Price   float64 // of all links, a Gbit/s over 1,000 km costs 1
	Saved   float64 // what it would be more, were all layers carried everywhere
}

// A Link is one hop of one stream.
type Link struct {
	Stream   string
	From, To string
	Depth    int // hops from the origin
	Layer    int // the highest that somebody below watches
	BPS      int64
	Crosses  bool // from one region to another
}

// Weigh returns what trees ask of m. It reads trees as nodes do, and knows nothing of how they were made.
func Weigh(m Mesh, streams []Stream, trees map[string]tree.Tree) Weight {
	b := newBoard(m)
	w := Weight{Relay: map[string]int64{}}
	sorted := slices.Clone(streams)
	slices.SortFunc(sorted, func(x, y Stream) int { return cmp.Compare(x.ID, y.ID) })
	for i := range sorted {
		b.weigh(&w, &sorted[i], trees[sorted[i].ID])
	}
	return w
}

func (b *board) weigh(w *Weight, s *Stream, t tree.Tree) {
	upstream := b.upstreams(s, t)
	depth := map[string]int{s.Origin: 0}
	var depthOf func(node string) int
	depthOf = func(node string) int {
		d, ok := depth[node]
		if !ok {
			depth[node] = len(upstream) + 1 // more than any way, should there be a ring
			d = depthOf(upstream[node]) + 1
			depth[node] = d
		}
		return d
	}
	layers := b.layers(s, upstream)
	first := len(w.Links)
	for node, from := range upstream {
		w.Links = append(w.Links, Link{Stream: s.ID, From: from, To: node, Depth: depthOf(node), Layer: layers[node]})
	}
	made := w.Links[first:]
	slices.SortFunc(made, func(x, y Link) int { return cmp.Compare(x.To, y.To) })
	for i := range made {
		l := &made[i]
		all := int64(0)
		for j, bps := range s.LayerBPS {
			if all += bps; j <= l.Layer {
				l.BPS += bps
			}
		}
		from, to := b.region[b.index[l.From]], b.region[b.index[l.To]]
		w.Relay[l.From] += l.BPS
		if l.Crosses = from != to; l.Crosses {
			w.Crossed++
		}
		price := float64(b.costs(from, to)) / 1e9
		w.Price += price * float64(l.BPS)
		w.Saved += price * float64(all-l.BPS)
	}
}

// upstreams returns from whom each node takes s that needs it, for itself or for others.
func (b *board) upstreams(s *Stream, t tree.Tree) map[string]string {
	m := tree.NewMap(t)
	upstream := map[string]string{}
	var need func(name string)
	need = func(name string) {
		node := b.find(name)
		if _, done := upstream[name]; done || node == none || name == s.Origin {
			return
		}
		region := b.region[node]
		away := func(other string) float64 {
			if r, ok := slices.BinarySearch(b.regions, other); ok {
				return float64(b.away(region, int32(r)))
			}
			return unknownMS
		}
		for _, from := range m.Upstreams(tree.Site{Node: name, Region: b.regions[region]}, away) {
			if b.find(from) != none {
				upstream[name] = from
				need(from)
				return
			}
		}
	}
	need(t.Standby)
	for _, d := range s.Demand {
		need(d.Edge)
	}
	return upstream
}

// layers returns the highest layer that each node needs.
func (b *board) layers(s *Stream, upstream map[string]string) map[string]int {
	layers := make(map[string]int, len(upstream))
	for _, d := range s.Demand {
		layer := min(max(d.Layer, 0), max(0, len(s.LayerBPS)-1))
		for node, hops := d.Edge, 0; node != "" && hops <= len(upstream); node, hops = upstream[node], hops+1 {
			layers[node] = max(layers[node], layer)
		}
	}
	return layers
}
