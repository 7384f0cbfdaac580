package relay

import (
	"testing"
	"time"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

// A ledBy guide knows upstreams and the standby among them.
type ledBy struct {
	fixed
	standby string
}

func (g ledBy) Standby(string) string { return g.standby }

// newStandbyBench returns a bench whose second upstream is the stream's standby, and what that was asked.
func newStandbyBench(t *testing.T) (*bench, *pb.Subscribe) {
	t.Helper()
	x := newBench(t, "one", "two", "three")
	x.u.r.ways.guide = ledBy{x.u.r.ways.guide.(fixed), "1"}
	x.u.review(x.now)
	ask, _ := x.subscribed(1)
	if ask == nil || !ask.GetWait() {
		t.Fatalf("the standby was told %v, want a subscription that waits", ask)
	}
	x.wants("at first", "one")
	return x, ask
}

// The standby answers before it is found out here that the origin is gone: what it has said, and sent, is taken then at once.
func TestStandbyAnswersFirst(t *testing.T) {
	x, _ := newStandbyBench(t)
	ids := x.accept(1, 2, "two")
	for n := range 5 {
		x.packet(1, ids[0], 0, n, false)
	}
	x.wait(100 * time.Millisecond)
	x.wants("while the origin is heard of", "one")
	if e := x.u.stream.Epoch; e != 1 {
		t.Fatalf("epoch %d while the origin is heard of", e)
	}
	x.stand(0, suspect)
	x.wants("suspect", "two")
	if e := x.u.stream.Epoch; e != 2 {
		t.Errorf("epoch %d, want 2", e)
	}
	if !has(x.u.stream.Flows[0], 0, 5) {
		t.Error("what came before is not there")
	}
	if ask, left := x.subscribed(1); ask != nil || left {
		t.Errorf("the standby was told more: %v, %v", ask, left)
	}
	if _, left := x.subscribed(0); !left {
		t.Error("the old epoch goes on")
	}
}

// Where it is found out here first, the standby is asked for an answer, on the subscription that waits.
func TestStandbyIsAsked(t *testing.T) {
	x, waits := newStandbyBench(t)
	x.stand(0, suspect)
	ask, left := x.subscribed(1)
	if ask == nil || left || ask.GetId() != waits.GetId() || ask.GetWait() {
		t.Fatalf("the standby was told %v, %v; want the same subscription once more", ask, left)
	}
	x.accept(1, 2, "two")
	x.wants("answered", "two")
}

// An origin that is gone for good, with its link, leaves what the standby has said.
func TestStandbyTakesTheFirstPlace(t *testing.T) {
	x, _ := newStandbyBench(t)
	x.accept(1, 2, "two")
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: x.subs[0], Reason: pb.EndReason_END_REASON_LOST}}})
	x.wants("lost", "two")
}

// A standby that alone does not hear the origin is let go, and asked again later, as is one that refuses.
func TestStandbyAlone(t *testing.T) {
	x, _ := newStandbyBench(t)
	x.accept(1, 2, "two")
	x.wait(offerKept + 20*time.Millisecond)
	if _, left := x.subscribed(1); !left {
		t.Fatal("what nobody wants goes on")
	}
	x.wait(standbyAgain - 100*time.Millisecond)
	if ask, _ := x.subscribed(1); ask != nil {
		t.Fatal("asked again too soon")
	}
	x.wait(200 * time.Millisecond)
	ask, left := x.subscribed(1)
	if ask == nil || left || !ask.GetWait() {
		t.Fatalf("the standby was told %v, %v; want another subscription that waits", ask, left)
	}
	x.tell(1, &pb.RelayMessage{Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Id: x.subs[1], Reason: pb.RefuseReason_REFUSE_REASON_FULL}}})
	x.wants("refused", "one")
	x.wait(standbyAgain + 20*time.Millisecond)
	if ask, _ := x.subscribed(1); ask == nil {
		t.Error("not asked again")
	}
	for range 2 * maxOffered {
		x.tell(1, &pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: 99, First: 1, Count: 2}}})
	}
	x.accept(1, 2, "two")
	for i := range 2 * maxOffered {
		x.tell(1, &pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: []uint64{x.flow}, Paused: i%2 == 0}}})
	}
	if n := len(x.u.standby.said); n > maxOffered {
		t.Errorf("%d messages are kept", n)
	}
	x.wants("flooded", "one")
	x.u.finish(errNoFlow, "the test ends")
	if n := len(x.srcs[1].feeds); n != 0 {
		t.Errorf("%d subscriptions left", n)
	}
}

// Neither a node of before, nor one that does not take the stream from its origin, asks for it.
func TestStandbyIsNotForAll(t *testing.T) {
	x := newBench(t, "one", "two")
	x.u.r.ways.guide = ledBy{x.u.r.ways.guide.(fixed), "1"}
	x.srcs[1].link.version = waitVersion - 1
	x.u.review(x.now)
	if ask, _ := x.subscribed(1); ask != nil {
		t.Errorf("a node of version %d was told %v", waitVersion-1, ask)
	}
	x.srcs[1].link.version = waitVersion
	x.u.first.path = []string{"origin", "one", "edge"}
	x.u.review(x.now)
	if ask, _ := x.subscribed(1); ask != nil {
		t.Errorf("two hops from the origin: told %v", ask)
	}
}

// A standby answers once it does not hear the origin any more. Who hears it still, goes on with it; who does not, has the
// stream from the standby.
func TestStandby(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	toStandby, up := before(t, origin.up())
	g := newScripted()
	g.origin = up
	standby := m.node("standby", nodeConfig{role: identity.RoleOrigin, guide: g})
	old, next := publish(origin, "a", 1, audioFormat), publish(standby, "a", 2, audioFormat)
	n := 0
	feed := func() { // both publish
		write(old.Stream.Flows[0], n, n+1, -1)
		write(next.Stream.Flows[0], n, n+1, -1)
		n++
		time.Sleep(time.Millisecond) // the pace of a publisher
	}
	feed()
	toHub, up := before(t, origin.up())
	h := newScripted()
	h.standby = "standby"
	h.tell("a", up)
	hub := m.node("hub", nodeConfig{role: identity.RoleEdge, guide: h})
	lease := pullNow(t, hub, "a")
	defer lease.Release()
	h.tell("a", up, standby.up())
	eventually(t, "the standby hears the origin", func() bool { feed(); return connected(standby, "origin") })
	if s := standby.metric("subscriptions"); s != 0 {
		t.Fatalf("the standby sends already, %v", s)
	}
	toStandby.mute(true, true)
	eventually(t, "the standby answers", func() bool { feed(); return standby.metric("subscriptions") == 1 })
	eventually(t, "and is let go", func() bool { feed(); return standby.metric("subscriptions") == 0 })
	if e := lease.Stream().Epoch; e != 1 {
		t.Fatalf("epoch %d, though the origin is heard of", e)
	}
	toHub.mute(true, true)
	eventually(t, "the stream of the standby is here", func() bool {
		feed()
		return lease.Stream().Epoch == 2 && lease.Stream().Flows[0].Ring.High() > 0
	})
}
