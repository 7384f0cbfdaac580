package relay

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A gate stands on the path from one downstream node to an upstream one, below QUIC and the repair layer, and
// may lose everything that goes up or down, or one packet in so many of both.
type gate struct {
	muteUp, muteDown atomic.Bool
	loses            atomic.Int64 // one in so many; 0: none
	front, back      net.PacketConn
	node             atomic.Pointer[net.Addr] // the downstream one, once it was heard of
}

// before returns up as seen through a gate.
func before(t testing.TB, up Upstream) (*gate, Upstream) {
	t.Helper()
	var lc net.ListenConfig
	listen := func() net.PacketConn {
		c, err := lc.ListenPacket(context.Background(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	to, err := net.ResolveUDPAddr("udp", up.Addr)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{front: listen(), back: listen()}
	var wg sync.WaitGroup
	pass := func(from, into net.PacketConn, mute *atomic.Bool, dest func(net.Addr) net.Addr) {
		buf := make([]byte, 1<<16)
		for {
			n, who, err := from.ReadFrom(buf)
			if err != nil {
				return
			}
			if k := g.loses.Load(); k > 0 && rand.Int64N(k) == 0 {
				continue
			}
			if a := dest(who); a != nil && !mute.Load() {
				_, _ = into.WriteTo(buf[:n], a) // lost where it fails, as on any path
			}
		}
	}
	wg.Go(func() {
		pass(g.front, g.back, &g.muteUp, func(who net.Addr) net.Addr { g.node.Store(&who); return to })
	})
	wg.Go(func() {
		pass(g.back, g.front, &g.muteDown, func(net.Addr) net.Addr {
			if a := g.node.Load(); a != nil {
				return *a
			}
			return nil
		})
	})
	t.Cleanup(func() { _ = g.front.Close(); _ = g.back.Close(); wg.Wait() })
	return g, Upstream{up.Node, g.front.LocalAddr().String()}
}

func (g *gate) mute(up, down bool) { g.muteUp.Store(up); g.muteDown.Store(down) }
