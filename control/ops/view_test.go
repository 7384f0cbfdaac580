package ops

import (
	"testing"
	"time"

	"freshet/cluster/member"
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
	return 30 * time.Millisecond, a == "origin-1"
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
	carried := &pb.StreamFacts{Id: "talk", Epoch: 3<<placementShift | 5, Live: true}
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
		}},
		records: []*pb.StreamRecord{{Id: "talk", Event: "launch", Origin: "origin-1", Standby: "origin-2", Epoch: 3, Hubs: []*pb.Hub{{Node: "edge-1", Region: "yul"}}}},
	}, now)
	if len(v.Nodes) != 3 || v.Viewers != 14 || v.Quorum.Leader != "control-1" {
		t.Fatalf("%+v", v)
	}
	edge, dead, other := v.Nodes[0], v.Nodes[1], v.Nodes[2]
	if edge.Status != "alive" || edge.Admin != "draining" || edge.Viewers != 7 || edge.Load != .25 || edge.Since != 60 || edge.Software != "v2" || edge.Heard != 0 {
		t.Errorf("edge-1: %+v", edge)
	}
	if dead.Status != "failed" || dead.Since != 3 || dead.Heard != 9 || dead.Viewers != 0 {
		t.Errorf("origin-1: %+v", dead)
	}
	if other.Status != "unheard" || other.Admin != "cordoned" || other.Streams != 1 {
		t.Errorf("origin-2, of whom gossip says nothing: %+v", other)
	}
	s := v.Streams[0]
	if !s.Live || s.Viewers != 7 || len(s.Hops) != 2 || s.Hops[0].Node != "origin-2" || s.Hops[0].Number != 3 || s.Hops[1].Upstream != "origin-1" || len(s.Hubs) != 1 {
		t.Errorf("talk: %+v", s)
	}
	if len(v.Links) != 1 || v.Links[0].A != "origin-1" || v.Links[0].RTT == nil || *v.Links[0].RTT != 30 || v.Links[0].Places != 1 {
		t.Errorf("links: %+v", v.Links)
	}
}
