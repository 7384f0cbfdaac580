package member

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A cut drops what the nodes under it send, while it is set.
type cut struct{ on atomic.Bool }

func (c *cut) set(on bool) { c.on.Store(on) }

func (c *cut) over(n *node) {
	send, dial := n.socket.send, n.socket.dial
	n.socket.send = func(b []byte, to *net.UDPAddr) error {
		if c.on.Load() {
			return nil
		}
		return send(b, to)
	}
	n.socket.dial = func(addr string, timeout time.Duration) (net.Conn, error) {
		if c.on.Load() {
			return nil, errors.New("cut")
		}
		return dial(addr, timeout)
	}
}

// far makes all packets of n to and from others take half of rtt, and loses some. TCP is not to be had once joined is set:
// a member must hold by UDP alone.
type far struct {
	rtt    time.Duration
	loss   float64
	joined atomic.Bool

	mu   sync.Mutex
	rand *rand.Rand
	lost int
}

func (f *far) between(n *node, others ...*node) {
	for _, one := range append([]*node{n}, others...) {
		send, dial := one.socket.send, one.socket.dial
		here := one == n
		one.socket.send = func(b []byte, to *net.UDPAddr) error {
			if !here && to.String() != n.Addr() {
				return send(b, to)
			}
			f.mu.Lock()
			lose := f.rand.Float64() < f.loss
			if lose {
				f.lost++
			}
			f.mu.Unlock()
			if lose {
				return nil
			}
			held := append([]byte(nil), b...)
			time.AfterFunc(f.rtt/2, func() { _ = send(held, to) }) // an error once the socket is shut
			return nil
		}
		one.socket.dial = func(addr string, timeout time.Duration) (net.Conn, error) {
			if f.joined.Load() && (here || addr == n.Addr()) {
				return nil, errors.New("too far for TCP")
			}
			return dial(addr, timeout)
		}
	}
}

// A node 250 ms away over a path that loses 5 % each way is never suspected, and everybody learns how far it is.
func TestFarAndLossy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	t.Parallel()
	ms := newMesh(t)
	a := ms.make("a", nil)
	names := []string{"a", "b", "c", "d", "far"}
	near := []*node{a}
	for _, name := range names[1:4] {
		near = append(near, ms.make(name, []string{a.Addr()}))
	}
	out := ms.make("far", []string{a.Addr()})
	path := &far{rtt: 250 * time.Millisecond, loss: 0.05, rand: rand.New(rand.NewPCG(1, 2))}
	path.between(out, near...)
	for _, n := range append(near, out) {
		n.start()
	}
	for _, n := range append(near, out) {
		n.sees(5*time.Second, all(Alive, names...))
	}
	path.joined.Store(true)
	end := time.NewTimer(15 * time.Second)
	defer end.Stop()
	for over := false; !over; {
		changed := a.Changed()
		for _, n := range append(near, out) {
			for name, s := range n.statuses() {
				if s != Alive {
					t.Fatalf("%s sees %s %s\n%s", n.cfg.Node, name, s, n.lines)
				}
			}
		}
		select {
		case <-changed:
		case <-end.C:
			over = true
		}
	}
	path.mu.Lock()
	lost := path.lost
	path.mu.Unlock()
	if lost == 0 {
		t.Error("nothing was lost")
	}
	d, ok := a.Distance("b", "far")
	if !ok || d < 125*time.Millisecond || d > 400*time.Millisecond {
		t.Errorf("b and far are %v apart (%v), want about 250 ms", d, ok)
	}
	if d, ok := a.Distance("b", "c"); !ok || d > 100*time.Millisecond {
		t.Errorf("b and c are %v apart (%v), want next to nothing", d, ok)
	}
	t.Logf("%d packets lost, b and far are %v apart", lost, d)
}
