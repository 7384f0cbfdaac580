// Package guide tells a relay from which nodes it takes a stream: those of the stream's relay tree, which control has made,
// at the addresses that gossip knows. It tells an origin whom it stands by for.
package guide

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/member"
	"freshet/cluster/relay"
	"freshet/cluster/tree"
	pb "freshet/proto"
)

const (
	// settle is how long gossip's changes are gathered: in a large mesh there are many, and few are of addresses.
	settle = 100 * time.Millisecond

	maxKept  = 8   // links before anybody needs them
	maxLooks = 512 // streams that are looked at for these
)

// Records are what control has told of streams.
type Records interface {
	Stream(id string) (*pb.StreamRecord, bool)
	Streams() []*pb.StreamRecord
	Changed() <-chan struct{}
}

// Members are the nodes of the mesh as gossip knows them.
type Members interface {
	Nodes() []member.Node
	Changed() <-chan struct{}
	Distance(a, b string) (time.Duration, bool)
}

// A Guide is one node's. It implements relay.Guide.
type Guide struct {
	self    tree.Site
	records Records
	members Members

	mu      sync.Mutex
	at      map[string]string // relay addresses, by node
	edges   map[string]edge
	near    map[string]float64 // round trip to the nearest node of a region, in seconds
	spares  map[string]string  // of streams this node is a hub of, as spare last chose them
	changed chan struct{}
}

// An edge is where one stands, and whether gossip hears it.
type edge struct {
	region string
	alive  bool
}

// New returns the guide of the edge or origin at self.
func New(self tree.Site, r Records, m Members) *Guide {
	return &Guide{self: self, records: r, members: m, at: map[string]string{}, edges: map[string]edge{}, near: map[string]float64{}, spares: map[string]string{}, changed: make(chan struct{})}
}

// Run follows records and members until ctx ends.
func (g *Guide) Run(ctx context.Context) error {
	for told := g.records.Changed(); ; {
		gossip := g.members.Changed()
		if g.look() {
			g.tell()
		}
		var settled <-chan time.Time // gossip is looked at again then
		for again := false; !again; {
			select {
			case <-told:
				told = g.records.Changed()
				g.tell()
			case <-gossip:
				gossip, settled = nil, time.After(settle)
			case <-settled:
				again = true
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// look reads where nodes are. It says whether an address has changed.
func (g *Guide) look() bool {
	at, edges, near := map[string]string{}, map[string]edge{}, map[string]float64{}
	for _, n := range g.members.Nodes() {
		addr := n.State.GetAddresses().GetRelay()
		if n.Name == g.self.Node || addr == "" {
			continue
		}
		at[n.Name] = addr
		region := n.State.GetRegion()
		if n.State.GetRole() == identity.RoleEdge {
			edges[n.Name] = edge{region, n.Status == member.Alive}
		}
		if d, ok := g.members.Distance(g.self.Node, n.Name); ok {
			if least, known := near[region]; !known || d.Seconds() < least {
				near[region] = d.Seconds()
			}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	// Who is not in gossip any more may be cut off from it alone: the relay finds out by itself whom it reaches.
	for name, addr := range g.at {
		if at[name] == "" && len(at) < maxNodes {
			at[name] = addr
			if e, ok := g.edges[name]; ok {
				edges[name] = edge{region: e.region}
			}
		}
	}
	maps.DeleteFunc(g.spares, func(stream, _ string) bool {
		_, known := g.records.Stream(stream)
		return !known
	})
	same := maps.Equal(g.at, at) && maps.Equal(g.edges, edges)
	g.at, g.edges, g.near = at, edges, near
	return !same
}

// maxNodes bounds the addresses that are remembered.
const maxNodes = 4096

func (g *Guide) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.changed)
	g.changed = make(chan struct{})
}

// Changed implements relay.Guide.
func (g *Guide) Changed() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

// Upstreams implements relay.Guide.
func (g *Guide) Upstreams(stream string) []relay.Upstream {
	r, ok := g.records.Stream(stream)
	if !ok || !g.takes(r) {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := treeOf(r)
	ups := tree.Upstreams(t, g.self, g.away)
	return g.reached(append(ups, g.spare(stream, t, ups)))
}

// Standby implements relay.Guide.
func (g *Guide) Standby(stream string) string {
	r, ok := g.records.Stream(stream)
	if !ok || !g.takes(r) || r.Standby == g.self.Node {
		return ""
	}
	return r.Standby
}

// Origin implements relay.Guide.
func (g *Guide) Origin(stream string) (relay.Upstream, bool) {
	r, ok := g.records.Stream(stream)
	if !ok || !g.takes(r) {
		return relay.Upstream{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	addr := g.at[r.Origin]
	return relay.Upstream{Node: r.Origin, Addr: addr}, addr != ""
}

// AtOrigin returns g as the relay of an origin has it, which takes no stream from others.
func (g *Guide) AtOrigin() relay.Guide { return atOrigin{g} }

type atOrigin struct{ *Guide }

func (atOrigin) Upstreams(string) []relay.Upstream { return nil }
func (atOrigin) Kept() []relay.Upstream            { return nil }

// takes says whether a stream is one that this node may take from others.
func (g *Guide) takes(r *pb.StreamRecord) bool { return r.Origin != "" && r.Origin != g.self.Node }

// reached returns those of nodes whose addresses are known. g.mu is held.
func (g *Guide) reached(nodes []string) (ups []relay.Upstream) {
	for _, name := range nodes {
		if addr := g.at[name]; addr != "" {
			ups = append(ups, relay.Upstream{Node: name, Addr: addr})
		}
	}
	return ups
}

// spare returns, for a hub, an edge beside ups, its upstreams in the tree, that can bring the stream when the links to all of
// them are gone: one that takes it from another region's hub, or from the origin. It stays where it becomes a hub itself, for
// it does so by bringing the stream: another would only be one hop further. Empty: there is none, or this node is no hub.
func (g *Guide) spare(stream string, t tree.Tree, ups []string) string {
	hubs := make(map[string]string, len(t.Hubs)) // their parents
	for _, h := range t.Hubs {
		hubs[h.Node] = h.Parent
	}
	if _, hub := hubs[g.self.Node]; !hub {
		delete(g.spares, stream)
		return ""
	}
	was := g.spares[stream]
	if parent, hub := hubs[was]; hub && parent != g.self.Node && g.edges[was].alive && !slices.Contains(ups, was) {
		return was
	}
	best := g.beside(hubs)
	g.spares[stream] = best
	return best
}

// beside returns the edge of another region that is no hub, is heard, and is nearest.
func (g *Guide) beside(hubs map[string]string) (best string) {
	rank := func(node string) uint64 { return tree.Rank(tree.KeyOf(g.self.Node), tree.KeyOf(node)) }
	for node, e := range g.edges {
		if _, hub := hubs[node]; hub || e.region == g.self.Region {
			continue
		}
		than, some := g.edges[best]
		switch {
		case !some:
			best = node
		case e.alive != than.alive:
			if e.alive {
				best = node
			}
		case cmp.Or(cmp.Compare(g.away(e.region), g.away(than.region)), cmp.Compare(rank(best), rank(node))) < 0:
			best = node
		}
	}
	return best
}

const unknownAway = 1.0 // second: further than any region is

func (g *Guide) away(region string) float64 {
	if d, ok := g.near[region]; ok {
		return d
	}
	return unknownAway
}

func treeOf(r *pb.StreamRecord) tree.Tree {
	t := tree.Tree{Origin: r.Origin, Standby: r.Standby}
	for _, h := range r.Hubs {
		t.Hubs = append(t.Hubs, tree.Hub{Node: h.Node, Region: h.Region, Parent: h.Parent})
	}
	return t
}

// Kept implements relay.Guide: the first upstreams of streams that may be asked for.
func (g *Guide) Kept() []relay.Upstream {
	var kept []relay.Upstream
	streams := g.records.Streams()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range streams[:min(maxLooks, len(streams))] {
		if len(kept) == maxKept {
			break
		}
		if !g.takes(r) {
			continue
		}
		// Without the spare edge, which is not the first and takes a look at every edge to find.
		if ups := g.reached(tree.Upstreams(treeOf(r), g.self, g.away)); len(ups) > 0 && !slices.Contains(kept, ups[0]) {
			kept = append(kept, ups[0])
		}
	}
	return kept
}
