package impair

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	dialWait = 10 * time.Second // for a target that does not answer
	// tcpBuffer is what the kernel may hold for a socket. It adds to the window, and is small so that a sender
	// soon feels a receiver that does not read.
	tcpBuffer = 128 << 10
)

// A TCPProxy passes connections on to its target. A Path means for TCP what it means for datagrams, as far as two
// TCPs would let a program see it, in pieces of at most 1,448 bytes:
//
//   - Loss costs no bytes but time: a lost piece comes 200 ms and two Delays later; if it is lost again, by twice
//     that later still, and so on, six times at most; those behind it wait. That is a retransmission timeout: the
//     sparse talk of a control plane has no other way. A bulk transfer over a true path recovers sooner, and slows
//     down, which it does not here.
//   - Reorder costs no order: each piece has its own jitter, and those that come early wait.
//   - Rate is shared by all connections. What would wait longer than Buffer is not dropped: its sender is not read.
//   - Cut lets nothing in, no end of a connection either, and connections stay open. The sender's kernel holds
//     what it can, and then the sender blocks. What is under way arrives. After the cut all goes on at once.
//
// Connecting to the proxy takes no time, cut or not. The target is then dialled one way later, and the first bytes
// are read once its answer has come back; if it refuses, the client's connection is reset. The proxy
// acknowledges by itself: kept alive by the kernels, a connection does not time out in a cut, and where one
// direction alone is cut, the other goes on, as long as no program waits for an answer.
//
// Bounds: 256 connections, others are reset (refused); 512 pieces under way in a direction of a connection.
type TCPProxy struct {
	front    *net.TCPListener
	target   *net.TCPAddr
	up, down *way

	mu      sync.Mutex
	conns   map[*net.TCPConn]context.CancelFunc
	refused uint64
}

// Headers of a segment, with timestamps, which count at a path's rate.
const (
	segmentOverhead4 = 20 + 32
	segmentOverhead6 = 40 + 32
)

// NewTCP binds cfg.Listen. Until Run, connections wait in the kernel.
func NewTCP(cfg Config) (*TCPProxy, error) {
	if err := cfg.validatePaths(); err != nil {
		return nil, err
	}
	target, err := net.ResolveTCPAddr("tcp", cfg.Target)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if target.Port == 0 || target.IP == nil {
		return nil, fmt.Errorf("target: want HOST:PORT, not %q", cfg.Target)
	}
	listen, err := net.ResolveTCPAddr("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	front, err := net.ListenTCP("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if front.Addr().String() == target.String() {
		_ = front.Close()
		return nil, fmt.Errorf("target: %s is where the proxy itself listens", target)
	}
	return &TCPProxy{
		front: front, target: target, conns: map[*net.TCPConn]context.CancelFunc{},
		up:   newWay(cfg.Seed, 1, segmentOverhead(target.IP), cfg.Up),
		down: newWay(cfg.Seed, 2, segmentOverhead(listen.IP), cfg.Down),
	}, nil
}

func segmentOverhead(ip net.IP) int {
	if ip != nil && ip.To4() == nil {
		return segmentOverhead6
	}
	return segmentOverhead4
}

// Run passes connections until ctx ends, which resets them, or the listening socket fails. It is called once, and
// closes what NewTCP opened.
func (p *TCPProxy) Run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(inner, p.discard)
	defer stop()
	var conns sync.WaitGroup
	err := p.accept(inner, &conns)
	cancel()
	conns.Wait()
	p.discard()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// discard closes what NewTCP opened, in place of Run.
func (p *TCPProxy) discard() { _ = p.front.Close() }

func (p *TCPProxy) accept(ctx context.Context, conns *sync.WaitGroup) error {
	for {
		c, err := p.front.AcceptTCP()
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		inner, cancel := context.WithCancel(ctx)
		if !p.keep(c, cancel) {
			cancel()
			reset(c)
			continue
		}
		conns.Go(func() {
			defer p.forget(c)
			defer cancel()
			p.serve(inner, c)
		})
	}
}

func (p *TCPProxy) keep(c *net.TCPConn, cancel context.CancelFunc) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) == maxClients {
		p.refused++
		return false
	}
	p.conns[c] = cancel
	return true
}

func (p *TCPProxy) forget(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// serve passes one connection, until both its directions have ended or ctx has.
func (p *TCPProxy) serve(ctx context.Context, client *net.TCPConn) {
	target, ok := p.open(ctx)
	if !ok {
		reset(client)
		return
	}
	stop := context.AfterFunc(ctx, func() {
		reset(client)
		reset(target)
	})
	bound(client)
	bound(target)
	var halves sync.WaitGroup
	halves.Go(func() { newHalf(p.up, p.down, client, target).run(ctx) })
	halves.Go(func() { newHalf(p.down, p.up, target, client).run(ctx) })
	halves.Wait()
	stop()
	_ = client.Close()
	_ = target.Close()
}

// open dials the target, with the round trip that this takes on the path.
func (p *TCPProxy) open(ctx context.Context) (*net.TCPConn, bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	travel := func(w *way) bool {
		due, ok := w.pass(ctx, time.Time{}, 0)
		return ok && pause(ctx, timer, due)
	}
	if !travel(p.up) {
		return nil, false
	}
	dialer := net.Dialer{Timeout: dialWait}
	c, err := dialer.DialContext(ctx, "tcp", p.target.String())
	back := travel(p.down)
	if err != nil {
		return nil, false
	}
	target := c.(*net.TCPConn)
	if !back {
		reset(target)
	}
	return target, back
}

func bound(c *net.TCPConn) {
	_ = c.SetReadBuffer(tcpBuffer)
	_ = c.SetWriteBuffer(tcpBuffer)
}

// Addr returns where the proxy listens.
func (p *TCPProxy) Addr() netip.AddrPort { return p.front.Addr().(*net.TCPAddr).AddrPort() }

// Set changes both paths for what comes from now on; what was let in arrives as it would have. It panics where
// Validate would return an error.
func (p *TCPProxy) Set(up, down Path) {
	if err := errors.Join(up.Validate(), down.Validate()); err != nil {
		panic("impair: " + err.Error())
	}
	p.up.set(up)
	p.down.set(down)
}

// Paths returns the paths in force.
func (p *TCPProxy) Paths() (up, down Path) { return p.up.inForce(), p.down.inForce() }

// Rebind resets all connections at both ends, as when a NAT forgot them.
func (p *TCPProxy) Rebind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cancel := range p.conns {
		cancel()
	}
}

// Stats returns what happened so far, in pieces. Nothing overflows; what was lost or cut came later, and is in Out or
// Failed too: Cut is what a cut found on its way in, one piece of a connection, and Failed what had no receiver any more.
func (p *TCPProxy) Stats() (up, down Stats) { return p.up.counted(), p.down.counted() }

// Connections returns how many there are, of 256 at most, and how many were refused so far because there were as many.
func (p *TCPProxy) Connections() (now int, refused uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns), p.refused
}

func (p *TCPProxy) tell(r *LinkReport) { r.Clients, r.Refused = p.Connections() }
