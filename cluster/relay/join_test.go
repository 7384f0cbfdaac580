package relay

import (
	"testing"
	"time"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

// A join in the middle of a long group, over a hub that has nothing yet: the whole group comes, live
// packets do not wait for it, and hardly anything is asked for again.
func TestColdJoin(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	p := publish(origin, "a", 1, videoFormat)
	const group = 2000 // 2 MB
	write(p.Flows[0], 0, group, group)
	l := pullNow(t, edge, "a")
	defer l.Release()
	came := record(l.Stream().Flows[0])
	sent := record(p.Flows[0])
	n := group
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	turn, stalled := began, time.Duration(0) // what the machine lets this test wait for, it lets packets wait for, too
	for ; came.below(group) < group; n++ {
		<-tick.C
		now := time.Now()
		stalled, turn = max(stalled, now.Sub(turn)-10*time.Millisecond), now
		write(p.Flows[0], n, n+1, 0)
		if time.Since(began) > patience {
			t.Fatalf("got %d of %d packets of the group", came.below(group), group)
		}
	}
	t.Logf("group of 2 MB after %v over two hops; asked again: hub %v, edge %v", time.Since(began),
		hub.metric("nacked_packets_total"), edge.metric("nacked_packets_total"))
	eventually(t, "all", func() bool { return came.len() == n })
	if g, ok := l.Stream().Flows[0].Ring.Newest(); !ok || uint16(g.First) != 0 {
		t.Errorf("newest group %+v %v", g, ok)
	}
	if asked := hub.metric("nacked_packets_total") + edge.metric("nacked_packets_total"); asked > group/10 {
		t.Errorf("%v packets were asked for again", asked)
	}
	late := 0
	for i := group; i < n; i++ {
		if came.at[i].Sub(sent.at[i]) > 100*time.Millisecond+2*stalled {
			late++
		}
	}
	if late > (n-group)/4 {
		t.Errorf("%d of %d live packets came late behind the group", late, n-group)
	}
}

// A group comes over all connections of a link, in parts that end in any order, and whole.
func TestGroupOverAllConnections(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, videoFormat)
	const group = 2000 // 2 MB
	write(p.Flows[0], 0, group, group)
	below := origin.linkTo(t, "edge", rtpq.MaxConns)
	edge.linkTo(t, "origin", rtpq.MaxConns)
	before := map[int]uint64{}
	for _, c := range below.all() {
		before[c.index()] = c.quic.ConnectionStats().BytesSent
	}
	l := pullNow(t, edge, "a")
	defer l.Release()
	eventually(t, "the whole group", func() bool { return has(l.Stream().Flows[0], 0, group) })
	for _, c := range below.all() {
		if n := c.quic.ConnectionStats().BytesSent - before[c.index()]; n < 2*partPackets*payloadSize {
			t.Errorf("%d bytes on connection %d", n, c.index())
		}
	}
	if n := edge.metric("nacked_packets_total"); n != 0 {
		t.Errorf("%v packets were asked for again", n)
	}
}

// A second edge joins from the hub's ring: the origin serves the group once.
func TestWarmJoin(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, videoFormat)
	write(p.Flows[0], 0, 300, 300)
	first := pullNow(t, hub, "a")
	defer first.Release()
	eventually(t, "at the hub", func() bool { return has(first.Stream().Flows[0], 0, 300) })
	served := origin.metric("group_bytes_total")
	for _, name := range []string{"edge-1", "edge-2"} {
		l := pullNow(t, m.node(name, nodeConfig{}, hub.up()), "a")
		defer l.Release()
		eventually(t, "at "+name, func() bool { return has(l.Stream().Flows[0], 0, 300) })
	}
	if got := origin.metric("group_bytes_total"); got != served {
		t.Errorf("the origin served %v more bytes of groups", got-served)
	}
	if n := p.asked.Load(); n != 0 {
		t.Errorf("the publisher was asked for %d key frames", n)
	}
}

// Who joins at a node that has got the second part of its first group, and not yet the first, gets what is there with what
// comes. Where it is old, or behind a key frame, it is a group's or nobody's.
func TestJoinAmidTheFirstGroup(t *testing.T) {
	for name, row := range map[string]struct {
		age  time.Duration
		keys bool
		want int64 // Index that is sent first
	}{
		"just now": {0, false, 0},
		"old":      {justNow, false, 16},
		"keyed":    {0, true, 16},
	} {
		f := stream.New("a", 1, nil, []stream.Format{videoFormat}, nil).Flows[0]
		key := 0
		if row.keys {
			key = 16
		}
		for i := 16; i < 32; i++ {
			if _, err := f.Write(packet(f, i, key > 0 && i == key, 100), time.Now().Add(-row.age)); err != nil {
				t.Fatal(err)
			}
		}
		if s := newServed(1, f, &pull{}); s.cursor != row.want {
			t.Errorf("%s: from %d on, want %d", name, s.cursor, row.want)
		}
	}
	f := stream.New("a", 1, nil, []stream.Format{videoFormat}, nil).Flows[0]
	write(f, 16, 32, 0)
	if s := newServed(1, f, nil); s.cursor != 16 {
		t.Errorf("at the origin: from %d on", s.cursor)
	}
}

// Packets that fit no datagram cross on a stream each.
func TestOversize(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, videoFormat)
	l := pullNow(t, edge, "a")
	defer l.Release()
	came := record(l.Stream().Flows[0])
	const large = 20
	for i := range 3 * large {
		size := 500
		if i%3 == 1 {
			size = 9000
		}
		if _, err := p.Flows[0].Write(packet(p.Flows[0], i, false, size), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all", func() bool { return came.len() == 3*large })
	if n := origin.metric("oversize_packets_total"); n < large {
		t.Errorf("%v packets on streams, want %d", n, large)
	}
}

// The clock of a flow crosses two hops, also when it is set late, and follows.
func TestClock(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	p := publish(origin, "a", 1, audioFormat, videoFormat)
	p.Flows[0].SetClock(stream.Clock{RTP: 7, At: start})
	l := pullNow(t, edge, "a")
	defer l.Release()
	at := func(flow int, want stream.Clock) func() bool {
		return func() bool {
			c, ok := l.Stream().Flows[flow].Clock()
			return ok && c.RTP == want.RTP && c.At.Sub(want.At).Abs() < time.Microsecond
		}
	}
	eventually(t, "the first clock", at(0, stream.Clock{RTP: 7, At: start}))
	later := stream.Clock{RTP: 90007, At: start.Add(time.Second)}
	p.Flows[1].SetClock(later)
	eventually(t, "the late clock", at(1, later))
}

func TestLinks(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, audioFormat)
	l := pullNow(t, edge, "a")
	defer l.Release()
	write(p.Flows[0], 0, 10, 0)
	eventually(t, "counted", func() bool {
		return edge.Links()[0].BytesIn >= 10*payloadSize && origin.Links()[0].BytesOut >= 10*payloadSize
	})
	up, down := edge.Links()[0], origin.Links()[0]
	if up.Peer != "origin" || !up.Upstream || up.Remote != origin.Addr().String() || up.RTT <= 0 {
		t.Errorf("the edge has the link %+v", up)
	}
	if down.Peer != "edge" || down.Upstream || down.Role != "edge" || down.Region != "yul" {
		t.Errorf("the origin has the link %+v", down)
	}
}
