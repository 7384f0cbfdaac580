package relay

import (
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// Datagrams lost on a hop are asked for again there, and reach the edge two hops on.
func TestRepair(t *testing.T) {
	m := newMesh(t)
	rng := rand.New(rand.NewPCG(1, 2)) // read by one goroutine, QUIC's reader
	losing := make(chan struct{})
	lose := func(b []byte) bool {
		select {
		case <-losing:
			return len(b) > 500 && rng.IntN(20) == 0 // media, and not the handshake
		default:
			return false
		}
	}
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{wrap: func(c net.PacketConn) net.PacketConn { return &lossy{c, lose} }}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	p := publish(origin, "a", 1, videoFormat)
	write(p.Flows[0], 0, 10, 5)
	l := pullNow(t, edge, "a")
	defer l.Release()
	f := l.Stream().Flows[0]
	eventually(t, "the group", func() bool { return has(f, 5, 10) })
	came := record(f)
	close(losing)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := 10; i < 1010; i += 4 {
		<-tick.C
		write(p.Flows[0], i, i+4, 100)
	}
	eventually(t, "every packet", func() bool { return came.len() == 1005 })
	eventually(t, "counted repairs", func() bool { return hub.metric("repaired_packets_total") > 10 })
	if n := hub.metric("gone_packets_total") + edge.metric("gone_packets_total"); n != 0 {
		t.Errorf("%v packets were given up", n)
	}
	t.Logf("hub: missing %v, repaired %v, asked %v; origin resent %v; edge missing %v", hub.metric("missing_packets_total"),
		hub.metric("repaired_packets_total"), hub.metric("nacked_packets_total"), origin.metric("resent_packets_total"), edge.metric("missing_packets_total"))
}

// The last packet before a silence is lost: nothing behind it shows the gap, but the beat does.
func TestRepairOfTheLastPacket(t *testing.T) {
	m := newMesh(t)
	var drop drops
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{wrap: func(c net.PacketConn) net.PacketConn { return &lossy{c, drop.one} }}, origin.up())
	p := publish(origin, "a", 1, videoFormat)
	write(p.Flows[0], 0, 10, 5)
	l := pullNow(t, edge, "a")
	defer l.Release()
	f := l.Stream().Flows[0]
	write(p.Flows[0], 10, 11, 5)
	eventually(t, "live", func() bool { return has(f, 5, 11) })
	drop.next.Store(true)
	write(p.Flows[0], 11, 12, 5)
	eventually(t, "the last packet", func() bool { return has(f, 5, 12) })
	if drop.next.Load() {
		t.Error("nothing was lost")
	}
}

// What upstream never had is not asked for until the end of days.
func TestGone(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	p := publish(origin, "a", 1, videoFormat)
	write(p.Flows[0], 0, 10, 5)
	l := pullNow(t, edge, "a")
	defer l.Release()
	f := l.Stream().Flows[0]
	eventually(t, "the group", func() bool { return has(f, 5, 10) })
	write(p.Flows[0], 12, 20, 5) // 10 and 11 were lost between publisher and origin
	eventually(t, "the rest", func() bool { return has(f, 12, 20) })
	eventually(t, "given up", func() bool {
		return hub.metric("gone_packets_total") == 2 && edge.metric("gone_packets_total") == 2
	})
}
