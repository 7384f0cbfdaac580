package guide

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/identity"
	"freshet/cluster/member"
	"freshet/cluster/tree"
	pb "freshet/proto"
)

// told is what control and gossip say.
type told struct {
	mu      sync.Mutex
	streams []*pb.StreamRecord
	nodes   []member.Node
	changed chan struct{}
}

func (t *told) say(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *told) Stream(id string) (*pb.StreamRecord, bool) {
	for _, r := range t.Streams() {
		if r.Id == id {
			return r, true
		}
	}
	return nil, false
}

func (t *told) Streams() []*pb.StreamRecord {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.streams
}

func (t *told) Nodes() []member.Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodes
}

func (t *told) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

func (*told) Distance(string, string) (time.Duration, bool) { return 0, false }

func at(name, region string) member.Node {
	return member.Node{Name: name, Status: member.Alive, State: &pb.NodeState{
		Region: region, Addresses: &pb.Addresses{Relay: name + ":1"},
	}}
}

func edgeAt(name, region string) member.Node {
	n := at(name, region)
	n.State.Role = identity.RoleEdge
	return n
}

func names(g *Guide, stream string) string {
	s := ""
	for _, u := range g.Upstreams(stream) {
		if u.Addr != u.Node+":1" {
			return "wrong address " + u.Addr
		}
		s += u.Node + " "
	}
	return s
}

// A leaf takes the stream from the hub of its region, then from the origin; a hub from its parent. What changes is told.
func TestGuide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		control, gossip := &told{changed: make(chan struct{})}, &told{changed: make(chan struct{})}
		g := New(tree.Site{Node: "leaf", Region: "par"}, control, gossip)
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		synctest.Wait()
		settled := func(f func()) (heard bool) {
			t.Helper()
			changed := g.Changed()
			f()
			time.Sleep(2 * settle)
			synctest.Wait()
			select {
			case <-changed:
				return true
			default:
				return false
			}
		}
		if got := names(g, "a"); got != "" {
			t.Errorf("nothing is known, and it is taken from %s", got)
		}
		record := &pb.StreamRecord{Id: "a", Origin: "origin", Standby: "standby", Epoch: 1, Hubs: []*pb.Hub{{Node: "hub", Region: "par", Parent: "origin"}}}
		if !settled(func() { control.say(func() { control.streams = []*pb.StreamRecord{record} }) }) {
			t.Error("a tree came, and nobody heard of it")
		}
		if got := names(g, "a"); got != "" {
			t.Errorf("no address is known, and it is taken from %s", got)
		}
		all := []member.Node{at("leaf", "par"), at("hub", "par"), at("origin", "yul"), at("standby", "yul")}
		if !settled(func() { gossip.say(func() { gossip.nodes = all }) }) {
			t.Error("addresses came, and nobody heard of it")
		}
		if got := names(g, "a"); got != "hub origin standby " {
			t.Errorf("taken from %s", got)
		}
		if kept := g.Kept(); len(kept) != 1 || kept[0].Node != "hub" {
			t.Errorf("kept: %v", kept)
		}
		if settled(func() { gossip.say(func() {}) }) {
			t.Error("nothing has changed for the relay, and it is told")
		}
		// Who gossip has lost may still be there: the relay finds out.
		settled(func() { gossip.say(func() { gossip.nodes = all[:1] }) })
		if got := names(g, "a"); got != "hub origin standby " {
			t.Errorf("gossip is cut off, and it is taken from %s", got)
		}
		hub := New(tree.Site{Node: "hub", Region: "par"}, control, gossip)
		gossip.say(func() { gossip.nodes = all })
		hub.look()
		if got := names(hub, "a"); got != "origin standby " {
			t.Errorf("the hub takes it from %s", got)
		}
		// An edge elsewhere brings it to a hub whose links to all others are gone; one that gossip does not hear counts less.
		spare, quiet := edgeAt("spare", "sin"), edgeAt("quiet", "yul")
		quiet.Status = member.Failed
		gossip.say(func() { gossip.nodes = append(all, edgeAt("beside", "par"), quiet, spare) })
		hub.look()
		if got := names(hub, "a"); got != "origin standby spare " {
			t.Errorf("the hub takes it from %s", got)
		}
		// It stays when it becomes a hub by that, unless it is to take the stream from here, or is not heard any more.
		another := edgeAt("third", "yul")
		for _, c := range []struct {
			status       member.Status
			parent, want string
		}{
			{member.Alive, "origin", "origin standby spare "},
			{member.Failed, "origin", "origin standby third "},
			{member.Alive, "", "origin standby spare "}, // no hub, and the one of the higher rank again
			{member.Alive, "hub", "origin standby third "},
		} {
			withSpare := proto.CloneOf(record)
			if c.parent != "" {
				withSpare.Hubs = append(withSpare.Hubs, &pb.Hub{Node: "spare", Region: "sin", Parent: c.parent})
			}
			control.say(func() { control.streams = []*pb.StreamRecord{withSpare} })
			spare.Status = c.status
			gossip.say(func() { gossip.nodes = append(all, spare, another) })
			hub.look()
			if got := names(hub, "a"); got != c.want {
				t.Errorf("the spare, status %v, is a hub below %q, and the hub takes it from %s, want %s", c.status, c.parent, got, c.want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
