package api

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"freshet/control/route"
)

// Decisions keep why sessions were sent where they were.
type Decisions interface {
	Keep(session uuid.UUID, d route.Decision)
	Of(session uuid.UUID, now time.Time) (route.Decision, bool)
}

// A joinHint is what a page tells of its way to edges: none of it is believed further than the ranking.
type joinHint struct {
	Region string             `json:"region,omitempty" maxLength:"64" doc:"Region the viewer is nearest to, where it knows"`
	RTT    map[string]float64 `json:"rtt,omitempty" maxProperties:"16" doc:"Round trips in ms to nodes of probes, or of edges, as the page measured them: from 0 to 2000. Others do not count"`
	Failed []string           `json:"failed,omitempty" maxItems:"8" nullable:"false" doc:"Nodes of edges that failed the viewer in the last 30 s: they are not named again for as long"`
}

// JoinProbe is an edge to be measured.
type JoinProbe struct {
	Node string `json:"node"`
	URL  string `json:"url" format:"uri" doc:"GET is answered 204 at once, also to pages of other sites, whose timing they may see"`
}

// mostRTT bounds what a page says of a round trip.
const mostRTT = 2 * time.Second

// measured are the round trips that h tells to nodes which are there.
func (h joinHint) measured(edges []route.Edge) map[string]time.Duration {
	known := map[string]time.Duration{}
	for _, e := range edges {
		if ms, ok := h.RTT[e.Node]; ok {
			known[e.Node] = time.Duration(min(max(ms, 0), mostRTT.Seconds()*1000) * float64(time.Millisecond))
		}
	}
	return known
}

// edges are those that are there.
func (a *API) edges(now time.Time) []route.Edge {
	nodes := a.d.Fleet.Nodes("edge", now)
	all := make([]route.Edge, 0, len(nodes))
	for _, e := range nodes {
		all = append(all, route.Edge{
			Node: e.Name, Region: e.Region, WHEP: e.Facts.Whep, RTT: e.Facts.Rtt, At: e.At, Away: e.Away,
			Viewers: int(e.Facts.Viewers), Load: float64(e.Facts.LoadPermille) / 1000, Quiet: now.Sub(e.Heard),
		})
	}
	return all
}

// nearest returns the edges for a session from an address, best first, and those it should measure. It keeps why.
func (a *API) nearest(slug string, session uuid.UUID, from netip.Addr, h joinHint) (best []JoinEdge, probes []JoinProbe) {
	now := time.Now() // by which nodes are heard
	edges := a.edges(now)
	before, _ := a.d.Why.Of(session, now)
	place, _ := a.d.Places.Lookup(from)
	there := func(node string) bool {
		return slices.ContainsFunc(edges, func(e route.Edge) bool { return e.Node == node })
	}
	d := route.Decision{
		At: now, Event: slug, Country: place.Country, City: place.City, Region: h.Region,
		Failed: before.Failing(slices.DeleteFunc(h.Failed, func(node string) bool { return !there(node) }), now),
	}
	v := route.Viewer{
		Session: session.String(), Region: h.Region, At: place.Point, Radius: place.Radius, RTT: h.measured(edges),
		Failed: slices.Sorted(maps.Keys(d.Failed)),
	}
	ranked := route.Rank(v, edges)
	for _, e := range route.Best(ranked, route.Edges) {
		best = append(best, JoinEdge{e.Node, e.Region, e.WHEP})
	}
	for _, e := range route.Probes(v, ranked) {
		probes = append(probes, JoinProbe{e.Node, e.Edge.RTT})
	}
	if len(best) > 0 {
		d.Measured, d.Choice = len(v.RTT) > 0, best[0].Node
		d.Candidates = slices.Clone(ranked[:min(len(ranked), route.Kept)])
		a.d.Why.Keep(session, d)
	}
	return best, probes
}
