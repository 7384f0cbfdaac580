package node

import (
	"slices"
	"testing"
	"time"

	pb "freshet/proto"
)

// What agents and gossip say of a node is one node: by the agent, who says more, while it says anything.
func TestToldAndHeard(t *testing.T) {
	t0 := time.Unix(1000, 0)
	facts := func(viewers uint32) *pb.NodeFacts { return &pb.NodeFacts{Viewers: viewers} }
	for _, c := range []struct {
		name        string
		heard, told *Node
		viewers     int // as the node counts; -1: not there
	}{
		{"an agent alone", &Node{Heard: t0, Facts: facts(1)}, nil, 1},
		{"gossip alone", nil, &Node{Heard: t0, Facts: facts(2)}, 2},
		{"both", &Node{Heard: t0.Add(-time.Second), Facts: facts(1)}, &Node{Heard: t0, Facts: facts(2)}, 1},
		{"the agent is silent", &Node{Heard: t0.Add(-Expiry - time.Second), Facts: facts(1)}, &Node{Heard: t0, Facts: facts(2)}, 2},
		{"both are", &Node{Heard: t0.Add(-2 * Expiry), Facts: facts(1)}, &Node{Heard: t0.Add(-2 * Expiry), Facts: facts(2)}, -1},
		{"it has failed", nil, &Node{Heard: t0, Failed: true, Facts: facts(2)}, -1},
		{"it has failed since", &Node{Heard: t0.Add(-2 * time.Second), Facts: facts(1)}, &Node{Heard: t0, Failed: true, Facts: facts(2)}, -1},
		{"it is back", &Node{Heard: t0, Facts: facts(1)}, &Node{Heard: t0.Add(-2 * time.Second), Failed: true, Facts: facts(2)}, 1},
	} {
		f := NewFleet()
		if c.heard != nil {
			c.heard.Name, c.heard.Role = "edge-1", "edge"
			f.Hear(*c.heard)
		}
		if c.told != nil {
			c.told.Name, c.told.Role = "edge-1", "edge"
			f.Tell([]Node{*c.told})
		}
		got := -1
		for _, n := range f.All(t0) {
			got = int(n.Facts.Viewers)
		}
		if got != c.viewers {
			t.Errorf("%s: %d, want %d", c.name, got, c.viewers)
		}
	}
}

// Nobody is sent to a node that is away; viewers of those that are drained, or go by themselves, are to move on.
func TestAway(t *testing.T) {
	t0 := time.Unix(1000, 0)
	f := NewFleet()
	var all []Node
	for _, name := range []string{"cordoned", "drained", "goes", "stays"} {
		all = append(all, Node{Name: name, Role: "edge", Heard: t0, Going: name == "goes", Facts: &pb.NodeFacts{}})
	}
	f.Tell(all)
	f.SetAway([]string{"cordoned", "drained"}, []string{"drained"})
	for _, n := range f.Nodes("edge", t0) {
		if n.Away != (n.Name != "stays") {
			t.Errorf("%s is away: %v", n.Name, n.Away)
		}
	}
	if got := f.Leaving(); !slices.Equal(got, []string{"drained", "goes"}) {
		t.Errorf("leaving: %v", got)
	}
}
