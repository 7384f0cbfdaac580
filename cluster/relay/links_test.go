package relay

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// linkTo returns n's link with peer, once it has want connections.
func (n *node) linkTo(t *testing.T, peer string, want int) *link {
	t.Helper()
	var found *link
	eventually(t, "a link of all connections", func() bool {
		for _, l := range n.linksNow() {
			if l.node == peer && len(l.all()) == want {
				found = l
				return true
			}
		}
		return false
	})
	return found
}

// Media goes over all connections of a link.
func TestConnectionsOfALink(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, videoFormat)
	write(p.Flows[0], 0, 1, 1)
	lease := pullNow(t, edge, "a")
	defer lease.Release()
	below := origin.linkTo(t, "edge", rtpq.MaxConns)
	edge.linkTo(t, "origin", rtpq.MaxConns)
	before := map[int]uint64{}
	for _, c := range below.all() {
		before[c.index()] = c.quic.ConnectionStats().BytesSent
	}
	next := 1
	eventually(t, "media on every connection", func() bool {
		write(p.Flows[0], next, next+20, 1000)
		next += 20
		for _, c := range below.all() {
			if c.quic.ConnectionStats().BytesSent < before[c.index()]+10*payloadSize {
				return false
			}
		}
		return true
	})
	eventually(t, "all of it", func() bool { return has(lease.Stream().Flows[0], 0, next) })
}

// A connection that breaks, or that upstream wants renewed, is dialled anew, and the link lives on.
func TestConnectionsAreReplaced(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, videoFormat)
	write(p.Flows[0], 0, 1, 1)
	lease := pullNow(t, edge, "a")
	defer lease.Release()
	below := origin.linkTo(t, "edge", rtpq.MaxConns)
	at := func(i int) *conn {
		below.mu.Lock()
		defer below.mu.Unlock()
		return below.conns[i]
	}
	for name, end := range map[string]func(*conn){
		"broken":  func(c *conn) { _ = c.quic.CloseWithError(quic.ApplicationErrorCode(rtpq.CodeGeneral), "") },
		"renewed": func(c *conn) { below.say(&pb.RelayMessage{Body: &pb.RelayMessage_Renew{Renew: &pb.Renew{Index: 2}}}) },
	} {
		t.Run(name, func(t *testing.T) {
			old := at(2)
			end(old)
			eventually(t, "another in its place", func() bool { c := at(2); return c != nil && c != old })
			eventually(t, "the old one closed", func() bool { return old.quic.Context().Err() != nil })
		})
	}
	write(p.Flows[0], 1, 100, 1000)
	eventually(t, "all of it", func() bool { return has(lease.Stream().Flows[0], 0, 100) })
	if now := origin.linkTo(t, "edge", rtpq.MaxConns); now != below {
		t.Error("the link itself was dialled anew")
	}
}

// Nodes of neighbouring versions carry streams to each other, in both directions.
func TestNeighbouringVersions(t *testing.T) {
	for _, row := range []struct {
		name        string
		above, here bool // whether they are old
	}{{"old above", true, false}, {"old below", false, true}, {"both old", true, true}} {
		t.Run(row.name, func(t *testing.T) {
			m := newMesh(t)
			origin := m.node("origin", nodeConfig{old: row.above})
			edge := m.node("edge", nodeConfig{old: row.here}, origin.up())
			p := publish(origin, "a", 1, videoFormat, audioFormat)
			write(p.Flows[0], 0, 10, 5)
			lease := pullNow(t, edge, "a")
			defer lease.Release()
			write(p.Flows[0], 10, 50, 5)
			write(p.Flows[1], 0, 50, 0)
			f := lease.Stream().Flows
			eventually(t, "picture and sound", func() bool { return has(f[0], 5, 50) && has(f[1], 1, 50) })
			if l := edge.linkTo(t, "origin", 1); l.version != rtpq.VersionOne {
				t.Errorf("version %d is spoken, want 1", l.version)
			}
		})
	}
}

// An upstream that was away while the repair layer was tried is not left without it.
func TestRepairLayerIsTriedAgain(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, m.node("another", nodeConfig{}).up())
	u := &uplink{r: edge.Relay, to: origin.up(), plain: true}
	c, err := u.first(t.Context(), edge.hello(7, 0, 1))
	if errors.Is(err, errNotPlain) { // where the peer did not show its repair layer on the way
		c, err = u.first(t.Context(), edge.hello(8, 0, 1))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(c.quic, edge.m, nil, true)
	if u.plain {
		t.Error("the next link would be tried without the repair layer")
	}
	eventually(t, "the repair layer on the path", func() bool {
		p, ok := edge.shim.Path(c.remote())
		return ok && !p.Plain
	})
}

// visitor opens a connection to n and says hello as h.
func (m *mesh) visitor(t *testing.T, n *node, h *pb.Hello) *stranger {
	s := m.visit(t, n)
	h.Node, h.Role = "stranger", identity.RoleEdge
	s.write(0)
	s.say(helloOf(h))
	return s
}

func TestHostileConnections(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hello := func(version, index, count uint32) *pb.Hello {
		return &pb.Hello{Version: version, Link: 9, Index: index, Count: count}
	}
	for _, row := range []struct {
		name string
		h    *pb.Hello
		want rtpq.Code
	}{
		{"of a link that is not there", hello(2, 1, 4), rtpq.CodeReplaced},
		{"beyond its count", hello(2, 4, 4), rtpq.CodePacket},
		{"more than a link has", hello(2, 1, rtpq.MaxConns+1), rtpq.CodePacket},
		{"none", hello(2, 0, 0), rtpq.CodePacket},
		{"four of version 1", hello(1, 0, 4), rtpq.CodeVersion},
		{"of version 0", hello(0, 0, 1), rtpq.CodeVersion},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := m.visitor(t, origin, row.h).code(); got != row.want {
				t.Errorf("closed with %#x, want %#x", uint64(got), uint64(row.want))
			}
		})
	}
	t.Run("control on a further connection", func(t *testing.T) {
		first := m.visitor(t, origin, hello(2, 0, 1))
		eventually(t, "a link", func() bool { return len(origin.linksNow()) > 0 })
		second := m.visitor(t, origin, hello(2, 1, 4))
		second.say(subscribeOf(&pb.Subscribe{Id: 1, Stream: "a", Hops: []string{"stranger"}}))
		for _, s := range []*stranger{first, second} { // breaking the protocol on one costs all
			if got := s.code(); got != rtpq.CodePacket {
				t.Errorf("closed with %#x, want %#x", uint64(got), uint64(rtpq.CodePacket))
			}
		}
	})
	eventually(t, "rid of them", func() bool { return origin.metric("links") == 0 && len(origin.byName) == 0 })
}

func TestTurns(t *testing.T) {
	var q turns
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	waits := func(s *sender, busy bool) <-chan bool {
		done := make(chan bool, 1)
		go func() { done <- q.wait(ctx, s, busy, time.Hour) }()
		eventually(t, "waiting, or having the turn", func() bool {
			q.mu.Lock()
			defer q.mu.Unlock()
			return slices.Contains(q.idle, s) || slices.Contains(q.busy, s) || q.has.Load() == s
		})
		return done
	}
	takes := func(what string, done <-chan bool) {
		t.Helper()
		select {
		case got := <-done:
			if !got {
				t.Fatalf("%s: its context ended", what)
			}
		case <-time.After(patience):
			t.Fatal(what)
		}
	}
	full, one, two := newSender(), newSender(), newSender()
	fullDone, oneDone, twoDone := waits(full, true), waits(one, false), waits(two, false)
	q.signal()
	takes("the first to wait does not take", oneDone)
	q.signal()
	if q.mine(two) {
		t.Error("another takes though the first does, and is not stuck")
	}
	oneDone = waits(one, false)
	takes("the turn is not over, and another takes", oneDone)
	one.n = turnPackets
	q.signal()
	oneDone = waits(one, false)
	takes("after a turn the other does not take", twoDone)
	two.sending.Store(time.Now().UnixNano())
	q.signal()
	takes("who is stuck keeps the turn", oneDone)
	if !q.roomier() {
		one.sending.Store(time.Now().UnixNano())
		q.signal()
	}
	takes("one without room does not take though nobody else waits", fullDone)
	q.leave(full)
	takes("what one who left was to take is left to nobody", waits(one, false))
	last := waits(two, false)
	stop()
	select {
	case got := <-last:
		if got {
			t.Error("a wait goes on beyond its context")
		}
	case <-time.After(patience):
		t.Fatal("a wait does not end with its context")
	}
	q.leave(two)
	q.leave(one)
	if q.signal(); q.has.Load() != nil {
		t.Error("one who is gone is to take")
	}
}

// A sender without room tries again after a while, though nothing was signalled.
func TestTurnOfTheBusy(t *testing.T) {
	var q turns
	s := newSender()
	if !q.wait(t.Context(), s, true, time.Millisecond) || !q.mine(s) {
		t.Error("no turn for the only sender when its time has come")
	}
}

// Which connection is renewed, and when, by its window and what should be in flight.
func TestNarrowing(t *testing.T) {
	const kB = 1000
	row := func(w ...float64) (all [rtpq.MaxConns]float64) { copy(all[:], w); return all }
	for _, c := range []struct {
		name    string
		windows [rtpq.MaxConns]float64
		need    float64
		quiet   bool
		after   time.Duration // when the first is renewed; 0: never
		index   int
	}{
		{"wide enough", row(50*kB, 50*kB, 50*kB, 50*kB), 100 * kB, true, 0, 0},
		{"one narrow", row(50*kB, 50*kB, 8*kB, 50*kB), 100 * kB, true, narrowFor, 2},
		{"the first narrow", row(8*kB, 50*kB, 50*kB, 50*kB), 100 * kB, true, 0, 0},
		{"all together too narrow", row(8*kB, 9*kB, 7*kB, 9*kB), 60 * kB, true, narrowShort, 2},
		{"a full path", row(8*kB, 9*kB, 7*kB, 9*kB), 60 * kB, false, 0, 0},
		{"not narrower than a fresh one", row(45*kB, 45*kB, 45*kB, 45*kB), 400 * kB, true, 0, 0},
		{"nothing to send", row(8*kB, 8*kB, 8*kB, 8*kB), 0, true, 0, 0},
		{"one connection", row(8 * kB), 60 * kB, true, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n narrowing
			begun := time.Unix(1000, 0)
			for after := time.Duration(0); after <= 8*time.Second; after += sampleEvery {
				i := n.step(begun.Add(after), c.windows, c.need, c.quiet)
				if i == 0 {
					continue
				}
				if c.after == 0 || after < c.after || after > c.after+sampleEvery || i != c.index {
					t.Errorf("connection %d after %v, want %d after %v", i, after, c.index, c.after)
				}
				return
			}
			if c.after != 0 {
				t.Errorf("none was renewed, want %d after %v", c.index, c.after)
			}
		})
	}
}

func TestWindow(t *testing.T) {
	var w window
	now := time.Unix(1000, 0)
	w.set(10_000, 80*time.Millisecond, now)
	step := 10 * time.Millisecond // a slot
	w.took(4_000, now)
	w.took(5_000, now.Add(3*step))
	for _, row := range []struct {
		after time.Duration
		want  int
	}{{3 * step, 1_000}, {7 * step, 1_000}, {8 * step, 5_000}, {10 * step, 5_000}, {11 * step, 10_000}, {time.Hour, 10_000}} {
		if got := w.room(now.Add(row.after)); got != row.want {
			t.Errorf("room after %v: got %d, want %d", row.after, got, row.want)
		}
	}
	w.took(12_000, now.Add(time.Hour))
	if got := w.room(now.Add(time.Hour)); got != -2_000 {
		t.Errorf("room of an overdrawn window: got %d, want -2000", got)
	}
	w.set(10_000, 81*time.Millisecond, now.Add(time.Hour)) // as good as the same
	if got := w.room(now.Add(time.Hour)); got != -2_000 {
		t.Errorf("room after a like round trip: got %d, want -2000", got)
	}
	w.set(10_000, 200*time.Millisecond, now.Add(time.Hour))
	if got := w.room(now.Add(time.Hour)); got != 10_000 {
		t.Errorf("room after another round trip: got %d, want 10000", got)
	}
	if got := testing.AllocsPerRun(100, func() { w.took(1, now); w.room(now) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// Each link is told of by itself, and no more once it is gone.
func TestLinkMetrics(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	series := func(n *node) (windows, rtts int) {
		families, err := n.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			switch f.GetName() {
			case "freshet_relay_link_window_bytes":
				windows = len(f.GetMetric())
			case "freshet_relay_link_rtt_seconds":
				rtts = len(f.GetMetric())
			}
		}
		return windows, rtts
	}
	edges := []*node{m.node("edge-1", nodeConfig{}, origin.up()), m.node("edge-2", nodeConfig{}, origin.up())}
	for _, e := range edges {
		e.linkTo(t, "origin", rtpq.MaxConns)
		origin.linkTo(t, e.cfg.Node, rtpq.MaxConns)
	}
	if w, r := series(origin); w != 2*rtpq.MaxConns || r != 2 {
		t.Errorf("%d windows and %d round trips, want %d and 2", w, r, 2*rtpq.MaxConns)
	}
	edges[0].stop()
	eventually(t, "the series of the other alone", func() bool { w, r := series(origin); return w == rtpq.MaxConns && r == 1 })
}
