package relay

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/cluster/stream"
)

// A strait is a path from an upstream node down to one downstream node, below QUIC and the repair layer: it
// has a rate, a buffer and a delay on the way down, and the same delay up.
type strait struct {
	rate   atomic.Int64  // bits a second
	buffer time.Duration // that is queued at most
	delay  time.Duration // each way
	lose   func() int    // packets lost on the way down from this one on; nil loses none

	front, back net.PacketConn
	node        atomic.Pointer[net.Addr] // the downstream one, once it was heard of
}

// passing is a packet on its way.
type passing struct {
	at time.Time
	b  []byte
}

// narrow returns up as seen through a strait.
func narrow(t testing.TB, up Upstream, s *strait) Upstream {
	t.Helper()
	to, err := net.ResolveUDPAddr("udp", up.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*net.PacketConn{&s.front, &s.back} {
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		_ = udp.SetReadBuffer(4 << 20)
		*c = udp
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		s.pass(s.front, func(b []byte) { _, _ = s.back.WriteTo(b, to) }, func(who net.Addr, _ int, now time.Time) (time.Time, bool) {
			s.node.Store(&who)
			return now, true
		})
	})
	busy := time.Time{} // until when what was taken keeps the path
	losing := 0
	wg.Go(func() {
		s.pass(s.back, func(b []byte) { _, _ = s.front.WriteTo(b, *s.node.Load()) }, func(_ net.Addr, n int, now time.Time) (time.Time, bool) {
			if busy.Before(now) {
				busy = now
			}
			if losing == 0 && s.lose != nil {
				losing = s.lose()
			}
			if losing > 0 {
				losing--
				return now, false
			}
			if busy.Sub(now) > s.buffer {
				return now, false
			}
			busy = busy.Add(time.Duration(int64(n) * 8 * int64(time.Second) / s.rate.Load()))
			return busy, true
		})
	})
	t.Cleanup(func() { _ = s.front.Close(); _ = s.back.Close(); wg.Wait() })
	return Upstream{up.Node, s.front.LocalAddr().String()}
}

// pass hands what comes from c to out, the delay after the moment that when says; it drops what when refuses.
func (s *strait) pass(c net.PacketConn, out func([]byte), when func(from net.Addr, n int, now time.Time) (time.Time, bool)) {
	under := make(chan passing, 1<<14)
	var wg sync.WaitGroup
	wg.Go(func() {
		for p := range under {
			time.Sleep(time.Until(p.at)) // the delay itself
			out(p.b)
		}
	})
	defer wg.Wait()
	defer close(under)
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if at, ok := when(from, n, time.Now()); ok {
			under <- passing{at.Add(s.delay), append([]byte(nil), buf[:n]...)}
		}
	}
}

// A modelSource writes the stream of standard to its flows, whose order is audio, then layers from the lowest.
type modelSource struct {
	flows []*modelFlow
	into  []*stream.Flow
	wrote []int         // packets of each flow
	asked []atomic.Bool // a key frame
}

func (s *modelSource) run(began time.Time, until time.Time) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for now := range tick.C {
		if now.After(until) {
			return
		}
		ms := int(now.Sub(began).Milliseconds())
		for i, f := range s.flows {
			for f.frame*1000/f.fps <= ms {
				s.frame(i, f)
				f.frame++
			}
		}
	}
}

func (s *modelSource) frame(i int, f *modelFlow) {
	key := f.key > 0 && (f.frame%(2*f.fps) == 0 || s.asked[i].Swap(false))
	bytes := int((f.rate - float64(f.key)*4) / 8 / float64(f.fps))
	if f.key == 0 {
		bytes = 120
	}
	if key {
		bytes += f.key
	}
	for first := true; bytes > 0; first = false {
		n := s.wrote[i]
		s.wrote[i]++
		if _, err := s.into[i].Write(packet(s.into[i], n, key && first, max(min(bytes, 1100), 32)), time.Now()); err != nil {
			panic(err)
		}
		bytes -= 1100
	}
}
