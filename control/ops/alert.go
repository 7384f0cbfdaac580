package ops

import (
	"cmp"
	"slices"

	"freshet/cluster/identity"
)

// A Kind is what an alert is about. Pages have the words for it: what is wrong, what viewers notice, what to do next.
type Kind string

// The kinds of alerts.
const (
	NodeFailed   Kind = "node-failed"
	NodeSuspect  Kind = "node-suspect"
	NodeSilent   Kind = "node-silent"  // no word came for some time, and nobody holds it for dead yet
	NodeUnheard  Kind = "node-unheard" // it is in the cluster, and nobody has heard of it
	NodeLeft     Kind = "node-left"    // it said that it goes, and is in the cluster still
	NodeFull     Kind = "node-full"
	NodeDraining Kind = "node-draining"
	NodeCordoned Kind = "node-cordoned"
	NoLeader     Kind = "no-leader"
	OutOfPart    Kind = "control-trouble" // the control node that says so cannot do its part
	PeerSilent   Kind = "control-silent"  // to the control node that says so
	PeerTrouble  Kind = "control-peer-trouble"
	NoOrigin     Kind = "stream-without-origin"
	StaleEpoch   Kind = "stream-stale" // a publisher goes on at an origin of an earlier placement, and none is at the origin of this one
	NoDatabase   Kind = "database-away"
	LinkLossy    Kind = "link-lossy" // to Node, from Upstream
)

// Kinds are all of them.
var Kinds = []Kind{
	NodeFailed, NodeSuspect, NodeSilent, NodeUnheard, NodeLeft, NodeFull, NodeDraining, NodeCordoned, NoLeader, OutOfPart, PeerSilent, PeerTrouble,
	NoOrigin, StaleEpoch, NoDatabase, LinkLossy,
}

// A Severity says how soon somebody is to look.
type Severity string

// Severities. Red is what viewers or publishers may notice; amber is what they do not.
const (
	Red   Severity = "red"
	Amber Severity = "amber"
)

// An Alert is one thing that is not as it should be.
type Alert struct {
	Kind     Kind     `json:"kind" enum:"node-failed,node-suspect,node-silent,node-unheard,node-left,node-full,node-draining,node-cordoned,no-leader,control-trouble,control-silent,control-peer-trouble,stream-without-origin,stream-stale,database-away,link-lossy"`
	Severity Severity `json:"severity" enum:"red,amber"`
	Node     string   `json:"node,omitempty"`
	Stream   string   `json:"stream,omitempty"`
	Upstream string   `json:"upstream,omitempty" doc:"Node at the other end of a link"`
	Percent  float64  `json:"percent,omitempty" doc:"Of packets that a link loses"`
	Since    int64    `json:"since" doc:"Seconds that it has lasted; -1: not known"`
	Viewers  int      `json:"viewers" doc:"At what it is about"`
	Detail   string   `json:"detail,omitempty" doc:"What the control node says of it, in English"`
}

// Alerts returns what is not as it should be in v, worst first: red before amber, then more viewers, then by kind and name.
func Alerts(v View) []Alert {
	out := append(quorumAlerts(v), nodeAlerts(v.Nodes)...)
	out = append(out, streamAlerts(v.Streams)...)
	out = append(out, linkAlerts(v)...)
	if v.DatabaseAway {
		out = append(out, Alert{Kind: NoDatabase, Severity: Amber, Node: v.Node, Since: -1})
	}
	order := func(s Severity) int { return map[Severity]int{Red: 0, Amber: 1}[s] }
	slices.SortFunc(out, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(order(a.Severity), order(b.Severity)), cmp.Compare(b.Viewers, a.Viewers),
			cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Upstream, b.Upstream))
	})
	return out
}

func quorumAlerts(v View) []Alert {
	out := []Alert{}
	if v.Quorum.Leader == "" {
		out = append(out, Alert{Kind: NoLeader, Severity: Amber, Since: -1})
	}
	if v.Quorum.Trouble != "" {
		out = append(out, Alert{Kind: OutOfPart, Severity: Amber, Node: v.Node, Since: -1, Detail: v.Quorum.Trouble})
	}
	for _, p := range v.Quorum.Peers {
		switch {
		case !p.Answers:
			out = append(out, Alert{Kind: PeerSilent, Severity: Amber, Node: p.Node, Since: -1})
		case p.Trouble != "":
			out = append(out, Alert{Kind: PeerTrouble, Severity: Amber, Node: p.Node, Since: -1, Detail: p.Trouble})
		}
	}
	return out
}

// silence is from how many seconds on a node that speaks each second is missed. Gossip needs some six to be sure of a death.
const silence = 3

func nodeAlerts(nodes []Node) []Alert {
	var out []Alert
	full := Amber
	if !slices.ContainsFunc(nodes, room) {
		full = Red
	}
	for _, n := range nodes {
		add := func(k Kind, s Severity, since int64) {
			out = append(out, Alert{Kind: k, Severity: s, Node: n.Node, Since: since, Viewers: n.Viewers})
		}
		switch n.Status {
		case "failed":
			add(NodeFailed, failing(n.Role), n.Since)
		case "suspect":
			add(NodeSuspect, Amber, n.Since)
		case "unheard":
			add(NodeUnheard, Amber, -1)
		case "left":
			add(NodeLeft, Amber, n.Since)
		default:
			if n.Heard >= silence {
				add(NodeSilent, Amber, int64(n.Heard))
			}
			if n.Load >= 1 {
				add(NodeFull, full, -1)
			}
		}
		switch n.Admin {
		case "draining":
			add(NodeDraining, Amber, -1)
		case "cordoned":
			add(NodeCordoned, Amber, -1)
		}
	}
	return out
}

// lossy is from how many percent on a link's loss is told of. What it takes the repair layer mends; from 12 on nodes look for
// another way (cluster/relay).
const lossy = 3

func linkAlerts(v View) []Alert {
	var out []Alert
	viewers := map[string]int{}
	for _, n := range v.Nodes {
		viewers[n.Node] = n.Viewers
	}
	for _, l := range v.Links {
		if l.Loss >= lossy {
			out = append(out, Alert{Kind: LinkLossy, Severity: Amber, Node: l.B, Upstream: l.A, Since: -1, Viewers: viewers[l.B], Percent: l.Loss})
		}
	}
	return out
}

// failing is how bad the end of a node is: without one control node of several, viewers notice nothing.
func failing(role string) Severity {
	if role == identity.RoleControl {
		return Amber
	}
	return Red
}

// room says whether n is an edge that viewers can be sent to.
func room(n Node) bool {
	return n.Role == identity.RoleEdge && n.Status == "alive" && n.Admin == "in" && n.Load < 1
}

func streamAlerts(streams []Stream) []Alert {
	var out []Alert
	for _, s := range streams {
		a := Alert{Severity: Red, Stream: s.ID, Since: -1, Viewers: s.Viewers, Node: s.Origin}
		begun := func(h Hop) bool { return h.Hops == 0 && h.Live }
		switch {
		case s.Origin == "":
			a.Kind = NoOrigin
		case slices.ContainsFunc(s.Hops, func(h Hop) bool { return begun(h) && h.Node == s.Origin }):
			continue
		case slices.ContainsFunc(s.Hops, func(h Hop) bool { return begun(h) && h.Number < s.Epoch }):
			a.Kind = StaleEpoch
		default:
			continue // nobody publishes
		}
		out = append(out, a)
	}
	return out
}
