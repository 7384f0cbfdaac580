package sim

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"freshet/control/place"
)

// The picture's size: two units a degree.
const (
	pictureWidth  = 720
	pictureHeight = 360
)

// pictureTrees is how many streams' trees a picture has, the most watched ones.
const pictureTrees = 3

var treeColours = [pictureTrees]string{"#0b6bcb", "#c2410c", "#15803d"}

// A Picture is a map of a mesh: where people are, nodes by their load, and the trees of the most watched streams.
type Picture struct {
	Title   string
	cities  []City
	nodes   []place.Node
	load    []float64 // of each edge, share of what it gives to viewers
	trees   [][]place.Link
	streams []string
}

func (a *audience) picture(s *state) *Picture {
	p := &Picture{
		Title:  fmt.Sprintf("%d viewers on %d edges", len(a.viewers), a.w.edges),
		cities: a.w.cities, nodes: a.w.nodes,
	}
	for _, bps := range a.load {
		p.load = append(p.load, float64(bps)/(viewersShare*capacityBPS))
	}
	for i := range min(pictureTrees, len(s.streams)) { // the n-th has the n-th most viewers
		id := s.streams[i].ID
		p.streams = append(p.streams, id)
		p.trees = append(p.trees, slices.DeleteFunc(slices.Clone(s.weight.Links), func(l place.Link) bool { return l.Stream != id }))
	}
	return p
}

// WriteSVG writes p as one SVG that needs nothing else.
func (p *Picture) WriteSVG(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="9">`+"\n", pictureWidth, pictureHeight+24)
	fmt.Fprintf(&b, "<title>%s: nodes, and the trees of the most watched streams</title>\n", p.Title)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#f8fafc"/>`+"\n", pictureWidth, pictureHeight+24)
	b.WriteString(`<g fill="#cbd5e1">` + "\n")
	for _, c := range p.cities {
		x, y := spot(c.At)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="0.7"/>`+"\n", x, y)
	}
	b.WriteString("</g>\n")
	at := map[string]place.Point{}
	for _, n := range p.nodes {
		at[n.Name] = n.At
	}
	for i, links := range p.trees {
		fmt.Fprintf(&b, `<g fill="none" stroke="%s" stroke-opacity="0.5">`+"\n", treeColours[i])
		for _, arc := range arcs(links, at) {
			b.WriteString(arc)
		}
		b.WriteString("</g>\n")
	}
	for i, n := range p.nodes {
		x, y := spot(n.At)
		if n.Role == place.RoleOrigin {
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="4" height="4" fill="#111827"><title>%s</title></rect>`+"\n", x-2, y-2, n.Name)
			continue
		}
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="1.6" fill="%s"><title>%s: %.0f %%</title></circle>`+"\n", x, y, heat(p.load[i]), n.Name, p.load[i]*100)
	}
	fmt.Fprintf(&b, `<text x="8" y="%d">%s. Squares are origins, circles edges (green idle, red full); lines:`, pictureHeight+14, p.Title)
	for i, id := range p.streams {
		fmt.Fprintf(&b, ` <tspan fill="%s">%s</tspan>`, treeColours[i], id)
	}
	b.WriteString("</text>\n</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// spot is where a point is on the map (equirectangular).
func spot(p place.Point) (x, y float64) { return (p.Lon + 180) * 2, (90 - p.Lat) * 2 }

// arcs draws links, each line once, thinner the deeper.
func arcs(links []place.Link, at map[string]place.Point) []string {
	drawn := map[string]int{}
	for _, l := range links {
		x1, y1 := spot(at[l.From])
		x2, y2 := spot(at[l.To])
		if x1 == x2 && y1 == y2 {
			continue
		}
		// Bent to one side, so that lines there and back lie apart.
		mx, my := (x1+x2)/2+(y2-y1)*0.12, (y1+y2)/2-(x2-x1)*0.12
		path := fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", x1, y1, mx, my, x2, y2)
		if d, ok := drawn[path]; !ok || l.Depth < d {
			drawn[path] = l.Depth
		}
	}
	paths := slices.SortedFunc(maps.Keys(drawn), func(a, b string) int { return cmp.Or(cmp.Compare(drawn[a], drawn[b]), cmp.Compare(a, b)) })
	list := make([]string, 0, len(paths))
	for _, path := range paths {
		list = append(list, fmt.Sprintf(`<path d="%s" stroke-width="%.1f"/>`+"\n", path, 1.6/float64(drawn[path])))
	}
	return list
}

// heat is green for an idle edge and red for a full one.
func heat(load float64) string {
	return fmt.Sprintf("hsl(%.0f 70%% 40%%)", 130*(1-min(1, load)))
}
