package relay

import (
	"slices"
	"testing"
	"time"

	pb "freshet/proto"
)

// A pair is an edge with two upstreams that both have the stream, and a leaf below it.
type pair struct {
	t                            testing.TB
	origin, one, two, edge, leaf *node
	first                        *gate // before one
	p                            *publisher
	lease                        *Lease
	came                         []*recorder // at the leaf, by flow
	sent                         int
}

func newPair(t *testing.T) *pair { return newPairOf(t, false, false) }

// newPairOf returns one whose upstreams speak version 1, or not.
func newPairOf(t *testing.T, oldOne, oldTwo bool) *pair {
	m := newMesh(t)
	x := &pair{t: t, origin: m.node("origin", nodeConfig{})}
	x.one = m.node("one", nodeConfig{old: oldOne}, x.origin.up())
	x.two = m.node("two", nodeConfig{old: oldTwo}, x.origin.up())
	var up Upstream
	x.first, up = before(t, x.one.up())
	x.edge = m.node("edge", nodeConfig{}, up, x.two.up())
	x.leaf = m.node("leaf", nodeConfig{}, x.edge.up())
	eventually(t, "connected to both", func() bool { return connected(x.edge, "one") && connected(x.edge, "two") })
	x.p = publish(x.origin, "a", 1, audioFormat, videoFormat)
	x.write(10)
	other := pullNow(t, x.two, "a") // the second upstream has it already
	t.Cleanup(other.Release)
	x.lease = pullNow(t, x.leaf, "a")
	t.Cleanup(x.lease.Release)
	for _, f := range x.lease.Stream().Flows {
		x.came = append(x.came, record(f))
	}
	x.play(200 * time.Millisecond)
	if via := x.way(); !slices.Contains(via, "one") {
		t.Fatalf("the stream comes by %v", via)
	}
	return x
}

func connected(n *node, upstream string) bool {
	return slices.ContainsFunc(n.Links(), func(l LinkState) bool { return l.Peer == upstream && l.Upstream })
}

// way returns the nodes the stream comes by, as the leaf was told.
func (x *pair) way() []string {
	path, _ := x.lease.p.where()
	return path
}

// write publishes n packets of each flow.
func (x *pair) write(n int) {
	for _, f := range x.p.Flows {
		write(f, x.sent, x.sent+n, 100)
	}
	x.sent += n
}

// play publishes for a time, a packet of each flow each 4 ms.
func (x *pair) play(d time.Duration) {
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		x.write(1)
	}
}

// playUntil publishes until ok.
func (x *pair) playUntil(what string, ok func() bool) (took time.Duration) {
	x.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > patience {
			x.t.Fatalf("within %v: not %s", patience, what)
		}
		x.play(4 * time.Millisecond)
	}
	return time.Since(began)
}

// whole waits until the leaf has every packet that was sent, and holds each to have come once.
func (x *pair) whole() {
	x.t.Helper()
	for i, f := range x.lease.Stream().Flows {
		r := x.came[i]
		first := x.sent
		eventually(x.t, "whole", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			first = x.sent
			for n := range r.at {
				first = min(first, n)
			}
			return len(r.at) == x.sent-first
		})
		if once := int(f.Ring.Head()); once != x.sent-first {
			x.t.Errorf("%s: %d packets in the ring, %d different ones", f.Format.Kind, once, x.sent-first)
		}
	}
	if n := x.p.asked.Load(); n != 0 {
		x.t.Errorf("the publisher was asked for %d key frames", n)
	}
	for _, n := range []*node{x.one, x.two, x.edge, x.leaf} {
		if sent := n.metric("keyframe_requests_sent_total"); sent != 0 {
			x.t.Errorf("%s asked for %v key frames", n.cfg.Node, sent)
		}
	}
}

// The first upstream is killed, freezes, or its path is cut in one direction: the second has brought the
// stream before the first is given up, nothing is missing, and those below learn of the way.
func TestSwitch(t *testing.T) {
	for _, row := range []struct {
		name    string
		do      func(*pair)
		suspect bool // before it is dead, so that the second is there then
	}{
		{"kill", func(x *pair) { x.one.stop() }, false},
		{"freeze", func(x *pair) { x.first.mute(true, true) }, true},
		{"cut down", func(x *pair) { x.first.mute(false, true) }, true},
		{"cut up", func(x *pair) { x.first.mute(true, false) }, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := newPair(t)
			row.do(x)
			asked := x.playUntil("a second subscription", func() bool { return x.two.metric("subscriptions") == 1 })
			x.playUntil("by the second", func() bool { return slices.Equal(x.way(), []string{"origin", "two", "edge", "leaf"}) })
			x.play(200 * time.Millisecond)
			x.whole()
			if hops := x.lease.Stream().Hops(); !slices.Equal(hops, []string{"origin", "two", "edge"}) {
				t.Errorf("it is told to come by %v", hops)
			}
			longest := x.came[1].longest()
			t.Logf("second subscription after %v, longest gap %v; asked again %v at the edge, %v at the leaf, duplicates %v",
				asked, longest, x.edge.metric("nacked_packets_total"), x.leaf.metric("nacked_packets_total"), x.edge.metric("duplicate_packets_total"))
			if n, changes := x.edge.metric("suspect_upstreams_total"), x.edge.metric("upstream_changes_total"); row.suspect && (n == 0 || changes == 0) {
				t.Errorf("suspect %v times, %v times a second upstream was there in time", n, changes)
			}
		})
	}
}

// A way that loses a fifth is left for another one, which is there first, and is not taken back soon.
func TestPoor(t *testing.T) {
	x := newPair(t)
	x.first.loses.Store(5)
	took := x.playUntil("by the second", func() bool { return slices.Equal(x.way(), []string{"origin", "two", "edge", "leaf"}) })
	x.first.loses.Store(0)
	x.play(time.Second)
	x.whole()
	longest := x.came[1].longest()
	t.Logf("another after %v, longest gap %v", took, longest)
	if x.edge.metric("poor_upstreams_total") != 1 || !slices.Contains(x.way(), "two") {
		t.Errorf("poor %v times, and it comes by %v", x.edge.metric("poor_upstreams_total"), x.way())
	}
	if most := 2 * time.Second; took > most || longest > 500*time.Millisecond {
		t.Errorf("another after %v, longest gap %v, want %v and 500 ms at most", took, longest, most)
	}
}

// A way that loses a twentieth is kept: what is lost is mended.
func TestPoorIsNot(t *testing.T) {
	x := newPair(t)
	x.first.loses.Store(20)
	x.play(3 * time.Second)
	if n := x.edge.metric("poor_upstreams_total"); n != 0 || !slices.Contains(x.way(), "one") {
		t.Errorf("left %v times, and it comes by %v", n, x.way())
	}
	x.first.loses.Store(0)
	x.play(500 * time.Millisecond)
	x.whole()
}

// longest returns the longest time in which no packet came.
func (r *recorder) longest() (gap time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var at []time.Time
	for _, t := range r.at {
		at = append(at, t)
	}
	slices.SortFunc(at, time.Time.Compare)
	for i := 1; i < len(at); i++ {
		gap = max(gap, at[i].Sub(at[i-1]))
	}
	return gap
}

// The first upstream is mute for moments: whichever is kept, one is let go each time, and nothing is missing.
func TestMuteForAMoment(t *testing.T) {
	x := newPair(t)
	for range 3 {
		x.first.mute(true, true)
		x.playUntil("two subscriptions", func() bool { return x.one.metric("subscriptions")+x.two.metric("subscriptions") == 2 })
		x.first.mute(false, false)
		x.playUntil("one subscription", func() bool { return x.one.metric("subscriptions")+x.two.metric("subscriptions") == 1 })
		if slices.Contains(x.way(), "two") { // the machine was slow
			break
		}
	}
	x.whole()
}

// A publisher that falls silent moves nobody: the beats go on.
func TestSilentPublisher(t *testing.T) {
	x := newPair(t)
	<-time.After(2 * quietDead)
	x.play(100 * time.Millisecond)
	x.whole()
	for _, n := range []*node{x.one, x.two, x.edge, x.leaf} {
		if got := n.metric("upstream_changes_total") + n.metric("upstream_losses_total"); got != 0 {
			t.Errorf("%s left an upstream %v times", n.cfg.Node, got)
		}
	}
}

// An upstream that drains delivers until the next one does.
func TestDrain(t *testing.T) {
	x := newPair(t)
	for _, l := range x.one.linksNow() {
		if !l.dialled {
			l.say(&pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_DRAIN}}})
		}
	}
	x.playUntil("by the second", func() bool { return slices.Contains(x.way(), "two") })
	x.playUntil("rid of the first", func() bool { return x.one.metric("subscriptions") == 0 })
	x.whole()
	if n, lost := x.edge.metric("upstream_changes_total"), x.edge.metric("upstream_losses_total"); n != 1 || lost != 0 {
		t.Errorf("%v changes of upstream, %v losses, want 1 and none", n, lost)
	}
	t.Logf("longest gap %v", x.came[1].longest())
}

// From a node of version 1 to one of version 2, and back: its beats are signs of life as well.
func TestSwitchOfVersions(t *testing.T) {
	for _, row := range []struct {
		name     string
		one, two bool // are of version 1
	}{{"from old to new", true, false}, {"from new to old", false, true}} {
		t.Run(row.name, func(t *testing.T) {
			x := newPairOf(t, row.one, row.two)
			x.first.mute(true, true)
			x.playUntil("by the second", func() bool { return slices.Contains(x.way(), "two") })
			x.play(200 * time.Millisecond)
			x.whole()
		})
	}
}

// Two nodes that have each other as second upstream, and whose path to the origin freezes at once, do not
// become each other's, and go on when it is back.
func TestNoLoopAfterFreeze(t *testing.T) {
	m := newMesh(t)
	at := freePorts(t, 2)
	origin := m.node("origin", nodeConfig{})
	gateA, upA := before(t, origin.up())
	gateB, upB := before(t, origin.up())
	a := m.node("a", nodeConfig{listen: at[0]}, upA, Upstream{"b", at[1]})
	b := m.node("b", nodeConfig{listen: at[1]}, upB, Upstream{"a", at[0]})
	p := publish(origin, "s", 1, audioFormat)
	eventually(t, "all connected", func() bool {
		return connected(a, "origin") && connected(a, "b") && connected(b, "origin") && connected(b, "a")
	})
	la, lb := pullNow(t, a, "s"), pullNow(t, b, "s")
	defer la.Release()
	defer lb.Release()
	gateA.mute(true, true)
	gateB.mute(true, true)
	eventually(t, "lost", func() bool {
		return a.metric("upstream_losses_total") >= 1 && b.metric("upstream_losses_total") >= 1
	})
	eventually(t, "free of subscriptions", func() bool { return a.metric("subscriptions")+b.metric("subscriptions") == 0 })
	gateA.mute(false, false)
	gateB.mute(false, false)
	n := 0
	for _, l := range []*Lease{la, lb} {
		eventually(t, "back", func() bool {
			write(p.Flows[0], n, n+1, 0)
			n++
			return l.Stream().Flows[0].Ring.Head() > 10
		})
		if err := l.Stream().Err(); err != nil {
			t.Errorf("ended with %v", err)
		}
	}
}
