// Package ops is what network operations see of the mesh, and what they do to it: on the command line by way of a control
// node's port, and on the pages of the ops console.
package ops

import (
	"cmp"
	"math"
	"slices"
	"time"

	"freshet/cluster/member"
	"freshet/cluster/stream"
	"freshet/control/geo"
	"freshet/control/node"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// A View is the mesh as one control node sees it.
type View struct {
	Node    string    `json:"node" doc:"Control node that says so"`
	At      time.Time `json:"at"`
	Quorum  Quorum    `json:"quorum"`
	Nodes   []Node    `json:"nodes" nullable:"false" doc:"By name"`
	Streams []Stream  `json:"streams" nullable:"false" doc:"By id"`
	Links   []Link    `json:"links" nullable:"false" doc:"Between nodes that a stream passes between"`
	Lines   []Line    `json:"lines" nullable:"false" doc:"Between regions, each pair once"`
	Viewers int       `json:"viewers"`
	Keys    []Key     `json:"keys" nullable:"false" doc:"Oldest first of each kind"`

	DatabaseAway bool    `json:"databaseAway" doc:"Of the control node that says so: nothing can be changed, media goes on"`
	Alerts       []Alert `json:"alerts" nullable:"false" doc:"What is not as it should be, worst first"`
}

// Quorum is what control nodes agree on, and how they do.
type Quorum struct {
	Leader  string `json:"leader,omitempty" doc:"Empty: placement waits, media goes on"`
	State   string `json:"state" doc:"Of this node: leader, follower or candidate"`
	Term    uint64 `json:"term"`
	Commit  uint64 `json:"commit" doc:"Index of the newest entry that a majority keeps"`
	Applied uint64 `json:"applied"`
	Trouble string `json:"trouble,omitempty" doc:"Why this node cannot do its part"`
	Peers   []Peer `json:"peers" nullable:"false"`
}

// A Peer is another control node.
type Peer struct {
	Node    string `json:"node"`
	Addr    string `json:"addr"`
	Voter   bool   `json:"voter"`
	Answers bool   `json:"answers"`
	Applied uint64 `json:"applied"`
	Trouble string `json:"trouble,omitempty"`
}

// A Node is one node of the cluster.
type Node struct {
	Node     string   `json:"node"`
	Role     string   `json:"role"`
	Region   string   `json:"region,omitempty"`
	Software string   `json:"software,omitempty"`
	Status   string   `json:"status" enum:"alive,suspect,failed,left,unheard" doc:"As gossip says; unheard: it is in the cluster and nobody has heard of it"`
	Since    int64    `json:"since,omitempty" doc:"Seconds that the status has held"`
	Admin    string   `json:"admin" enum:"in,cordoned,draining" doc:"What was decided of it"`
	Heard    float64  `json:"heard" doc:"Seconds since its last word; -1: never"`
	Viewers  int      `json:"viewers"`
	Load     float64  `json:"load" doc:"Share of what it may do"`
	Mbps     int      `json:"mbps,omitempty" doc:"Mbit/s that it can send"`
	Streams  int      `json:"streams"`
	Lat      *float64 `json:"lat,omitempty"`
	Lon      *float64 `json:"lon,omitempty"`

	Ends *time.Time `json:"certificateEnds,omitempty" doc:"Of its certificate, which renews itself; missing: not known"`
}

// A Key is one that control nodes share, without what is secret of it.
type Key struct {
	Kind  string    `json:"kind" enum:"gossip,signing"`
	InUse bool      `json:"inUse" doc:"It encrypts or signs; another is known only"`
	At    time.Time `json:"at" doc:"When it was made"`
}

// A Stream is one that has an origin, with the way it takes.
type Stream struct {
	ID      string `json:"id"`
	Event   string `json:"event,omitempty"`
	Live    bool   `json:"live"`
	Origin  string `json:"origin,omitempty"`
	Standby string `json:"standby,omitempty"`
	Epoch   uint64 `json:"epoch" doc:"Number of its placement"`
	Viewers int    `json:"viewers"`
	Hubs    []Hub  `json:"hubs" nullable:"false" doc:"Its relay tree, as it was decided"`
	Hops    []Hop  `json:"hops" nullable:"false" doc:"Who carries it, and from whom"`
}

// A Hub passes a stream on to its region.
type Hub struct {
	Node   string `json:"node"`
	Region string `json:"region,omitempty"`
	Parent string `json:"parent,omitempty" doc:"Empty: the origin"`
}

// A Hop is a node that carries a stream.
type Hop struct {
	Node     string `json:"node"`
	Upstream string `json:"upstream,omitempty" doc:"Empty: it begins here"`
	Hops     int    `json:"hops" doc:"From the origin"`
	Viewers  int    `json:"viewers"`
	Live     bool   `json:"live"`
	Number   uint64 `json:"epoch" doc:"Of the placement in which what it carries began"`

	Loss float64 `json:"lossPercent,omitempty" doc:"Of the packets from its upstream in the last seconds, before repair"`

	Kbps      int `json:"kbps,omitempty" doc:"What it carries; missing: not known to this control node"`
	Unwatched int `json:"unwatched,omitempty" doc:"Layers that it is not sent, as nobody below it watches them"`
	SavedKbps int `json:"savedKbps,omitempty" doc:"What those would be"`
}

// Mesh is what a view is made of.
type Mesh interface {
	Members() []member.Node
	Distance(a, b string) (time.Duration, bool)
	Certificates() map[string]time.Time // until when that of each node counts
	Fleet(now time.Time) []node.Node
	Ledger() *ledger.State
	Records() []*pb.StreamRecord
	Quorum() Quorum
}

// NewView returns what node says of m at now, without alerts.
func NewView(name string, m Mesh, now time.Time) View {
	v := View{Node: name, At: now.UTC(), Quorum: m.Quorum(), Nodes: []Node{}, Streams: []Stream{}, Links: []Link{}, Lines: []Line{}, Alerts: []Alert{}}
	state := m.Ledger()
	facts := map[string]node.Node{}
	for _, n := range m.Fleet(now) {
		facts[n.Name] = n
	}
	v.Nodes = nodesOf(m.Members(), facts, state, now)
	for _, n := range v.Nodes {
		v.Viewers += n.Viewers
	}
	v.Streams = streamsOf(m.Records(), facts, state)
	v.Links = linksOf(v.Streams, m.Distance)
	v.Lines = linesOf(v.Nodes, v.Links, m.Distance)
	for name, end := range m.Certificates() {
		if i, ok := slices.BinarySearchFunc(v.Nodes, name, func(n Node, name string) int { return cmp.Compare(n.Node, name) }); ok {
			end := end.UTC()
			v.Nodes[i].Ends = &end
		}
	}
	v.Keys = keysOf(state)
	return v
}

func nodesOf(members []member.Node, facts map[string]node.Node, state *ledger.State, now time.Time) []Node {
	all := map[string]*Node{}
	for name, r := range state.Nodes {
		n := &Node{Node: name, Role: r.Role, Region: r.Region, Status: "unheard", Admin: adminOf(r.State), Heard: -1}
		if at := geo.Stands(0, 0, r.Region); at != nil {
			n.Lat, n.Lon = &at.Lat, &at.Lon
		}
		all[name] = n
	}
	for _, m := range members {
		n := all[m.Name]
		if n == nil {
			continue // not in the cluster, or no more
		}
		n.Software, n.Status, n.Since, n.Heard = m.State.GetSoftware(), string(m.Status), seconds(m.Since, now), round(now.Sub(m.Heard).Seconds())
		n.Viewers, n.Load, n.Mbps = int(m.State.GetViewers()), float64(m.State.GetLoadPermille())/1000, int(m.State.GetCapacityMbps())
		n.Streams = len(m.State.GetAnnouncements())
		if m.Status == member.Failed || m.Status == member.Left {
			n.Viewers, n.Load, n.Streams = 0, 0, 0
		}
		if at := geo.Stands(m.State.GetLat(), m.State.GetLon(), n.Region); at != nil {
			n.Lat, n.Lon = &at.Lat, &at.Lon
		}
	}
	for name, f := range facts {
		n := all[name]
		if n == nil {
			continue
		}
		n.Viewers, n.Load, n.Streams = int(f.Facts.GetViewers()), float64(f.Facts.GetLoadPermille())/1000, len(f.Facts.GetStreams())
		n.Heard = round(max(0, now.Sub(f.Heard).Seconds()))
		if f.At != nil {
			n.Lat, n.Lon = &f.At.Lat, &f.At.Lon
		}
	}
	out := []Node{}
	for _, n := range all {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Node) int { return cmp.Compare(a.Node, b.Node) })
	return out
}

func keysOf(state *ledger.State) []Key {
	out := []Key{}
	for name, k := range state.Keys {
		kind := "signing"
		if name.Kind == pb.KeyKind_KEY_KIND_GOSSIP {
			kind = "gossip"
		}
		out = append(out, Key{kind, k.InUse, time.UnixMilli(k.AtUnixMs).UTC()})
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.At.Compare(b.At)) })
	return out
}

func seconds(since, now time.Time) int64 {
	if since.IsZero() {
		return 0
	}
	return int64(now.Sub(since).Seconds())
}

func round(s float64) float64 { return math.Round(10*s) / 10 }

func adminOf(a pb.AdminState) string {
	switch a {
	case pb.AdminState_ADMIN_STATE_CORDONED:
		return "cordoned"
	case pb.AdminState_ADMIN_STATE_DRAINING:
		return "draining"
	}
	return "in"
}

func streamsOf(records []*pb.StreamRecord, facts map[string]node.Node, state *ledger.State) []Stream {
	hops, begun := map[string][]Hop{}, begunOf(facts)
	for name, n := range facts {
		for _, f := range n.Facts.GetStreams() {
			h := Hop{
				Node: name, Upstream: f.Upstream, Hops: int(f.Hops), Viewers: int(f.Viewers), Live: f.Live, Number: stream.Placement(f.Epoch),
				Loss: float64(f.LossPermille) / 10,
			}
			h.carries(f, begun[f.Id])
			hops[f.Id] = append(hops[f.Id], h)
		}
	}
	out := []Stream{}
	for _, r := range records {
		s := Stream{ID: r.Id, Event: r.Event, Origin: r.Origin, Standby: r.Standby, Epoch: r.Epoch, Hubs: []Hub{}, Hops: []Hop{}}
		for _, h := range r.Hubs {
			s.Hubs = append(s.Hubs, Hub{h.Node, h.Region, h.Parent})
		}
		for _, h := range hops[r.Id] {
			s.Viewers += h.Viewers
			s.Live = s.Live || h.Live && h.Hops == 0
			s.Hops = append(s.Hops, h)
		}
		slices.SortFunc(s.Hops, func(a, b Hop) int { return cmp.Or(cmp.Compare(a.Hops, b.Hops), cmp.Compare(a.Node, b.Node)) })
		out = append(out, s)
	}
	return out
}
