package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"freshet/cluster/stream"
)

// However many want a key frame, each hop asks once, and the publisher is asked once.
func TestKeyframeRequestsMerge(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, videoFormat)
	write(p.Flows[0], 1, 10, 0) // no key frame
	var flows []*stream.Flow
	var edges []*node
	for i := range 3 {
		e := m.node(fmt.Sprintf("edge-%d", i), nodeConfig{}, hub.up())
		l := pullNow(t, e, "a")
		defer l.Release()
		flows = append(flows, l.Stream().Flows[0])
		edges = append(edges, e)
	}
	if n := p.asked.Load(); n != 0 {
		t.Fatalf("joins asked for %d key frames", n)
	}
	now := time.Now()
	for _, f := range flows {
		for range 100 {
			f.RequestKeyframe(now)
		}
	}
	eventually(t, "asked", func() bool { return p.asked.Load() > 0 })
	eventually(t, "received from all", func() bool { return hub.metric("keyframe_requests_received_total") == 3 })
	for _, e := range edges {
		if n := e.metric("keyframe_requests_sent_total"); n != 1 {
			t.Errorf("%s sent %v requests", e.cfg.Node, n)
		}
	}
	if n := hub.metric("keyframe_requests_sent_total"); n != 1 {
		t.Errorf("hub sent %v requests", n)
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("the publisher was asked %d times", n)
	}
}

// freePorts returns addresses that nothing is bound to.
func freePorts(t *testing.T, n int) []string {
	var addrs []string
	for range n {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		addrs = append(addrs, c.LocalAddr().String())
	}
	return addrs
}

// Nodes that name each other as upstream find out, and say so, instead of waiting for one another.
func TestLoop(t *testing.T) {
	m := newMesh(t)
	at := freePorts(t, 3)
	up := func(i int) Upstream { return Upstream{fmt.Sprintf("n%d", i), at[i]} }
	var nodes []*node
	for i := range 3 {
		nodes = append(nodes, m.node(fmt.Sprintf("n%d", i), nodeConfig{listen: at[i]}, up((i+1)%3)))
	}
	eventually(t, "connected", func() bool {
		return nodes[0].metric("links") == 2 && nodes[1].metric("links") == 2 && nodes[2].metric("links") == 2
	})
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if _, err := nodes[0].Pull(ctx, "a"); !errors.Is(err, ErrLoop) {
		t.Errorf("got %v, want %v", err, ErrLoop)
	}
}

// Two nodes that lose the origin at once, and have each other as second upstream, do not feed on each other.
func TestNoLoopAfterLoss(t *testing.T) {
	m := newMesh(t)
	at := freePorts(t, 2)
	origin := m.node("origin", nodeConfig{})
	a := m.node("a", nodeConfig{listen: at[0]}, origin.up(), Upstream{"b", at[1]})
	b := m.node("b", nodeConfig{listen: at[1]}, origin.up(), Upstream{"a", at[0]})
	publish(origin, "s", 1, audioFormat)
	la, lb := pullNow(t, a, "s"), pullNow(t, b, "s")
	defer la.Release()
	defer lb.Release()
	origin.stop()
	eventually(t, "lost and refused both ways", func() bool {
		return a.metric("upstream_losses_total") >= 1 && b.metric("upstream_losses_total") >= 1 &&
			a.metric("refused_total")+b.metric("refused_total") >= 2
	})
	eventually(t, "free of subscriptions", func() bool { return a.metric("subscriptions")+b.metric("subscriptions") == 0 })
	for _, l := range []*Lease{la, lb} {
		if err := l.Stream().Err(); err != nil {
			t.Errorf("a stream that may come back ended: %v", err)
		}
	}
}

func TestTooManyHops(t *testing.T) {
	m := newMesh(t)
	n := m.node("n0", nodeConfig{})
	publish(n, "a", 1, audioFormat)
	for i := 1; i <= 5; i++ {
		n = m.node(fmt.Sprintf("n%d", i), nodeConfig{}, n.up())
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		l, err := n.Pull(ctx, "a")
		switch {
		case i <= 4 && err != nil:
			t.Fatalf("%d hops: %v", i, err)
		case i <= 4:
			defer l.Release()
		case !errors.Is(err, ErrTooManyHops):
			t.Errorf("%d hops: got %v, want %v", i, err, ErrTooManyHops)
		}
	}
}

// The first upstream dies. The second goes on in the same epoch and the same rings, and fills the hole.
func TestNextUpstream(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	one := m.node("one", nodeConfig{}, origin.up())
	two := m.node("two", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, one.up(), two.up())
	eventually(t, "connected to both", func() bool { return edge.metric("links") == 2 })
	p := publish(origin, "a", 1, audioFormat, videoFormat)
	other := pullNow(t, two, "a") // the second upstream has it already
	defer other.Release()
	l := pullNow(t, edge, "a")
	defer l.Release()
	s := l.Stream()
	audio, video := record(s.Flows[0]), record(s.Flows[1])
	write(p.Flows[0], 0, 10, 0)
	write(p.Flows[1], 0, 100, 50)
	eventually(t, "live", func() bool { return video.len() == 100 && audio.len() == 10 })
	one.stop()
	write(p.Flows[0], 10, 20, 0)
	write(p.Flows[1], 100, 200, 50)
	eventually(t, "on the second", func() bool { return two.metric("subscriptions") == 1 })
	write(p.Flows[0], 20, 30, 0)
	write(p.Flows[1], 200, 300, 50)
	eventually(t, "complete", func() bool { return video.len() == 300 && audio.len() == 30 })
	if l.Stream() != s {
		t.Error("the same epoch became another stream")
	}
}

// The only upstream restarts, with a new epoch of the stream. Who waited gets it.
func TestUpstreamRestarts(t *testing.T) {
	m := newMesh(t)
	at := freePorts(t, 1)[0]
	origin := m.node("origin", nodeConfig{listen: at})
	edge := m.node("edge", nodeConfig{}, origin.up())
	publish(origin, "a", 1, videoFormat)
	l := pullNow(t, edge, "a")
	defer l.Release()
	s, changed := l.Stream(), l.Changed()
	origin.stop()
	eventually(t, "lost", func() bool { return edge.metric("upstream_losses_total") == 1 })
	if s.Err() != nil {
		t.Fatalf("the stream ended with %v while it may come back", s.Err())
	}
	origin = m.node("origin", nodeConfig{listen: at})
	p := publish(origin, "a", 2, videoFormat)
	write(p.Flows[0], 0, 10, 5)
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("the new epoch did not come")
	}
	if l.Stream().Epoch != 2 || !errors.Is(s.Err(), stream.ErrNewEpoch) {
		t.Errorf("got epoch %d, the old one ended with %v", l.Stream().Epoch, s.Err())
	}
	eventually(t, "the group", func() bool { return has(l.Stream().Flows[0], 5, 10) })
}

// A new epoch is taken from the node that told of it, also where a better ranked one still has the old.
func TestNewEpochFromTheSameUpstream(t *testing.T) {
	m := newMesh(t)
	at := freePorts(t, 1)[0]
	two := m.node("two", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, Upstream{"one", at}, two.up())
	publish(two, "a", 1, videoFormat)
	l := pullNow(t, edge, "a")
	defer l.Release()
	one := m.node("one", nodeConfig{listen: at})
	publish(one, "a", 1, videoFormat)
	eventually(t, "connected to both", func() bool { return edge.metric("links") == 2 })
	publish(two, "a", 2, videoFormat)
	eventually(t, "in the new epoch", func() bool { return l.Stream().Epoch == 2 })
}
