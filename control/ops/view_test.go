package ops

import (
	"testing"
	"time"

	"freshet/cluster/member"
	"freshet/cluster/stream"
	"freshet/control/node"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// A scene is a mesh that the test has made up.
type scene struct {
	members []member.Node
	fleet   []node.Node
	ledger  *ledger.State
	records []*pb.StreamRecord
}

func (s scene) Members() []member.Node { return s.members }
func (scene) Distance(a, b string) (time.Duration, bool) {
	return 30 * time.Millisecond, a == "origin-1" || b == "origin-1"
}
func (scene) Certificates() map[string]time.Time {
	return map[string]time.Time{"edge-1": time.Unix(5000, 0)}
}
func (s scene) Fleet(time.Time) []node.Node { return s.fleet }
func (s scene) Ledger() *ledger.State       { return s.ledger }
func (s scene) Records() []*pb.StreamRecord { return s.records }
func (scene) Quorum() Quorum                { return Quorum{State: "leader", Leader: "control-1", Peers: []Peer{}} }
func facts(streams ...*pb.StreamFacts) *pb.NodeFacts {
	return &pb.NodeFacts{Viewers: 7, LoadPermille: 250, Streams: streams}
}
func in(role, region string, a pb.AdminState) *pb.NodeRecord {
	return &pb.NodeRecord{Role: role, Region: region, State: a}
}

// A view has all nodes that are in the cluster, and no other: as gossip and agents say, and what was decided of them.
func TestView(t *testing.T) {
	now := time.Unix(1000, 0)
	carried := &pb.StreamFacts{Id: "talk", Epoch: stream.Epoch(3, 5), Live: true}
	v := NewView("control-1", scene{
		members: []member.Node{
			{Name: "edge-1", Status: member.Alive, Heard: now, Since: now.Add(-time.Minute), State: &pb.NodeState{Software: "v2"}},
			{Name: "origin-1", Status: member.Failed, Heard: now.Add(-9 * time.Second), Since: now.Add(-3 * time.Second), State: &pb.NodeState{Viewers: 9}},
			{Name: "stranger", Status: member.Alive, Heard: now, State: &pb.NodeState{}},
		},
		fleet: []node.Node{
			{Name: "edge-1", Role: "edge", Heard: now, Facts: facts(&pb.StreamFacts{Id: "talk", Hops: 1, Upstream: "origin-1", Viewers: 7, Live: true})},
			{Name: "origin-2", Role: "origin", Heard: now, Facts: facts(carried)},
		},
		ledger: &ledger.State{Nodes: map[string]*pb.NodeRecord{
			"edge-1":   in("edge", "yul", pb.AdminState_ADMIN_STATE_DRAINING),
			"origin-1": in("origin", "yul", pb.AdminState_ADMIN_STATE_IN), "origin-2": in("origin", "par", pb.AdminState_ADMIN_STATE_CORDONED),
		}, Keys: map[ledger.KeyName]*pb.KeyRecord{
			{Kind: pb.KeyKind_KEY_KIND_SIGNING, ID: "b"}: {Kind: pb.KeyKind_KEY_KIND_SIGNING, InUse: true, AtUnixMs: 7000},
			{Kind: pb.KeyKind_KEY_KIND_GOSSIP, ID: "a"}:  {Kind: pb.KeyKind_KEY_KIND_GOSSIP, AtUnixMs: 9000},
		}},
		records: []*pb.StreamRecord{{Id: "talk", Event: "launch", Origin: "origin-1", Standby: "origin-2", Epoch: 3, Hubs: []*pb.Hub{{Node: "edge-1", Region: "yul"}}}},
	}, now)
	if len(v.Nodes) != 3 || v.Viewers != 14 || v.Quorum.Leader != "control-1" {
		t.Fatalf("%+v", v)
	}
	edge, dead, other := v.Nodes[0], v.Nodes[1], v.Nodes[2]
	if edge.Status != "alive" || edge.Admin != "draining" || edge.Viewers != 7 || edge.Load != .25 || edge.Since != 60 || edge.Software != "v2" || edge.Heard != 0 || edge.Ends == nil || edge.Ends.Unix() != 5000 {
		t.Errorf("edge-1: %+v", edge)
	}
	if dead.Status != "failed" || dead.Since != 3 || dead.Heard != 9 || dead.Viewers != 0 || dead.Ends != nil {
		t.Errorf("origin-1: %+v", dead)
	}
	if other.Status != "unheard" || other.Admin != "cordoned" || other.Streams != 1 {
		t.Errorf("origin-2, of whom gossip says nothing: %+v", other)
	}
	if k := v.Keys; len(k) != 2 || k[0].Kind != "gossip" || k[0].InUse || k[0].At.Unix() != 9 || k[1].Kind != "signing" || !k[1].InUse {
		t.Errorf("keys: %+v", k)
	}
	s := v.Streams[0]
	if !s.Live || s.Viewers != 7 || len(s.Hops) != 2 || s.Hops[0].Node != "origin-2" || s.Hops[0].Number != 3 || s.Hops[1].Upstream != "origin-1" || len(s.Hubs) != 1 {
		t.Errorf("talk: %+v", s)
	}
	if len(v.Links) != 1 || v.Links[0].A != "origin-1" || v.Links[0].RTT == nil || *v.Links[0].RTT != 30 || v.Links[0].Places != 1 {
		t.Errorf("links: %+v", v.Links)
	}
}

// A hop says what it is not sent as nobody behind it watches that; a node of which gossip alone tells says nothing.
func TestSaved(t *testing.T) {
	now := time.Unix(1000, 0)
	flow := func(rid string, kbps uint64) *pb.FlowFacts {
		return &pb.FlowFacts{Track: map[bool]string{true: "a", false: "v"}[rid == ""], Rid: rid, BitrateBps: 1000 * kbps}
	}
	on := func(name, upstream string, hops uint32, flows ...*pb.FlowFacts) node.Node {
		return node.Node{Name: name, Heard: now, Facts: facts(&pb.StreamFacts{Id: "talk", Hops: hops, Upstream: upstream, Live: true, Flows: flows})}
	}
	sound := flow("", 64)
	v := NewView("control-1", scene{
		fleet: []node.Node{
			on("origin-1", "", 0, sound, flow("l", 300), flow("m", 900), flow("h", 2500)),
			on("edge-1", "origin-1", 1, sound, flow("l", 300), flow("m", 900), flow("h", 2400)),
			on("edge-2", "origin-1", 1, sound, flow("l", 300), flow("m", 0)),
			on("edge-3", "edge-2", 2),
		},
		ledger:  &ledger.State{},
		records: []*pb.StreamRecord{{Id: "talk", Origin: "origin-1"}},
	}, now)
	type said struct{ kbps, unwatched, saved int }
	want := map[string]said{"origin-1": {3764, 0, 0}, "edge-1": {3664, 0, 0}, "edge-2": {364, 2, 3400}, "edge-3": {}}
	for _, h := range v.Streams[0].Hops {
		if got := (said{h.Kbps, h.Unwatched, h.SavedKbps}); got != want[h.Node] {
			t.Errorf("%s: %+v, want %+v", h.Node, got, want[h.Node])
		}
	}
	if l := v.Links[2]; l.A != "origin-1" || l.B != "edge-2" || l.Kbps != 364 || l.Saved != 3400 {
		t.Errorf("%+v", v.Links)
	}
}

// A link loses what the worst of its streams says, and regions have what is between their nodes; a hop that carries nothing has
// nothing to say of loss.
func TestLinks(t *testing.T) {
	now := time.Unix(1000, 0)
	on := func(name, upstream string, live bool, loss uint32) node.Node {
		f := &pb.StreamFacts{Id: "talk", Hops: 1, Upstream: upstream, Live: live, LossPermille: loss, Flows: []*pb.FlowFacts{{Track: "v", BitrateBps: 1e6}}}
		other := &pb.StreamFacts{Id: "other", Hops: 1, Upstream: upstream, Live: live, LossPermille: loss / 2}
		return node.Node{Name: name, Heard: now, Facts: facts(f, other)}
	}
	alive := func(name string) member.Node {
		return member.Node{Name: name, Status: member.Alive, Heard: now, State: &pb.NodeState{}}
	}
	v := NewView("control-1", scene{
		members: []member.Node{alive("edge-1"), alive("origin-1")},
		fleet:   []node.Node{on("edge-1", "origin-1", true, 85), on("edge-2", "origin-1", false, 500), on("edge-3", "origin-1", true, 0)},
		ledger: &ledger.State{Nodes: map[string]*pb.NodeRecord{
			"origin-1": in("origin", "yul", pb.AdminState_ADMIN_STATE_IN), "edge-1": in("edge", "par", pb.AdminState_ADMIN_STATE_IN),
			"edge-2": in("edge", "par", pb.AdminState_ADMIN_STATE_IN), "edge-3": in("edge", "yul", pb.AdminState_ADMIN_STATE_IN),
		}},
		records: []*pb.StreamRecord{{Id: "other", Origin: "origin-1"}, {Id: "talk", Origin: "origin-1"}},
	}, now)
	if h := v.Streams[1].Hops[0]; h.Node != "edge-1" || h.Loss != 8.5 {
		t.Errorf("%+v", h)
	}
	if len(v.Links) != 3 || v.Links[0].Loss != 8.5 || v.Links[1].Loss != 0 || v.Links[2].Loss != 0 {
		t.Errorf("%+v", v.Links)
	}
	if len(v.Lines) != 1 {
		t.Fatalf("%+v", v.Lines)
	}
	l := v.Lines[0]
	if l.RTT == nil || *l.RTT != 30 || l.Price < 5.4 || l.Price > 5.6 { // 5,500 km from Montreal to Paris
		t.Errorf("%+v", l)
	}
	l.RTT, l.Price = nil, 0
	if want := (Line{A: "par", B: "yul", Links: 2, Loss: 8.5, Kbps: 2000}); l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
}

// A node that is dead, or was never heard, stands where its region is.
func TestPlaces(t *testing.T) {
	v := NewView("control-1", scene{
		members: []member.Node{{Name: "edge-1", Status: member.Failed, State: &pb.NodeState{Lat: 1, Lon: 2}}},
		ledger: &ledger.State{Nodes: map[string]*pb.NodeRecord{
			"edge-1": in("edge", "yul", pb.AdminState_ADMIN_STATE_IN), "edge-2": in("edge", "yul", pb.AdminState_ADMIN_STATE_IN),
			"edge-3": in("edge", "nowhere", pb.AdminState_ADMIN_STATE_IN),
		}},
	}, time.Unix(1000, 0))
	if n := v.Nodes[0]; n.Lat == nil || *n.Lat != 1 || *n.Lon != 2 {
		t.Errorf("as it said: %+v", n)
	}
	if n := v.Nodes[1]; n.Lat == nil || *n.Lat != 45.5 {
		t.Errorf("its region: %+v", n)
	}
	if n := v.Nodes[2]; n.Lat != nil {
		t.Errorf("nobody knows: %+v", n)
	}
}
