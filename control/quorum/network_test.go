package quorum

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A network carries connections between nodes in memory, as TCP does: what one writes waits for the other, and what
// cannot pass now passes later, unless an end gives up. Each node is an address.
type network struct {
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced with each rule
	closed    chan struct{}
	cut       map[way]bool
	delay     time.Duration
	listeners map[port]*listener
	pipes     map[*pipe]bool
	gone      map[string]bool // addresses that were reset, until they listen again
	all       sync.WaitGroup
}

// A way leads from one node to another. What is cut is one way.
type way struct{ from, to string }

type port struct{ addr, protocol string }

func newNetwork(t testing.TB) *network {
	n := &network{
		changed: make(chan struct{}), closed: make(chan struct{}), cut: map[way]bool{},
		listeners: map[port]*listener{}, pipes: map[*pipe]bool{}, gone: map[string]bool{},
	}
	t.Cleanup(func() {
		close(n.closed)
		n.mu.Lock()
		for p := range n.pipes {
			p.end()
		}
		n.mu.Unlock()
		n.all.Wait()
	})
	return n
}

// line is what the node at addr speaks protocol on.
func (n *network) line(addr, protocol string) Line {
	l := &listener{of: n, port: port{addr, protocol}, conns: make(chan net.Conn), done: make(chan struct{})}
	n.mu.Lock()
	n.listeners[l.port] = l
	delete(n.gone, addr)
	n.mu.Unlock()
	return Line{Listener: l, Dial: func(ctx context.Context, to string) (net.Conn, error) {
		return n.dial(ctx, addr, port{to, protocol})
	}}
}

// set changes a rule and tells those who wait.
func (n *network) set(rule func()) {
	n.mu.Lock()
	rule()
	close(n.changed)
	n.changed = make(chan struct{})
	n.mu.Unlock()
}

func (n *network) cutWay(from, to string)   { n.set(func() { n.cut[way{from, to}] = true }) }
func (n *network) mendAll()                 { n.set(func() { clear(n.cut) }) }
func (n *network) delayAll(d time.Duration) { n.set(func() { n.delay = d }) }

// isolate cuts addr from all of others, both ways.
func (n *network) isolate(addr string, others ...string) {
	n.set(func() {
		for _, o := range others {
			n.cut[way{addr, o}], n.cut[way{o, addr}] = true, true
		}
	})
}

// reset breaks all connections of addr, and has nobody listen there any more.
func (n *network) reset(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone[addr] = true
	for p := range n.listeners {
		if p.addr == addr {
			delete(n.listeners, p)
		}
	}
	for p := range n.pipes {
		if p.between.from == addr || p.between.to == addr {
			p.end()
		}
	}
}

func (n *network) mend(addr string) {
	n.set(func() {
		for w := range n.cut {
			if w.from == addr || w.to == addr {
				delete(n.cut, w)
			}
		}
	})
}

// open waits until w is, and returns the delay on it. It is false when the network, or stop, closes first.
func (n *network) open(w way, stop <-chan struct{}) (time.Duration, bool) {
	for {
		n.mu.Lock()
		changed, cut, delay := n.changed, n.cut[w], n.delay
		n.mu.Unlock()
		if !cut {
			return delay, true
		}
		select {
		case <-changed:
		case <-stop:
			return 0, false
		case <-n.closed:
			return 0, false
		}
	}
}

func (n *network) dial(ctx context.Context, from string, to port) (net.Conn, error) {
	for _, w := range []way{{from, to.addr}, {to.addr, from}} { // there, and the answer
		if _, ok := n.open(w, ctx.Done()); !ok {
			return nil, context.DeadlineExceeded
		}
	}
	n.mu.Lock()
	l := n.listeners[to]
	gone := n.gone[from]
	n.mu.Unlock()
	if l == nil || gone {
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	}
	mine, there := n.pipe(from, to.addr)
	select {
	case l.conns <- there:
		return mine, nil
	case <-l.done:
	case <-ctx.Done():
	case <-n.closed:
	}
	_ = mine.Close()
	_ = there.Close()
	return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
}

// pipe returns the two ends of a connection.
func (n *network) pipe(from, to string) (a, b net.Conn) {
	a, inA := net.Pipe()
	b, inB := net.Pipe()
	p := &pipe{of: n, between: way{from, to}, ends: []net.Conn{inA, inB}, done: make(chan struct{})}
	n.mu.Lock()
	n.pipes[p] = true
	n.mu.Unlock()
	p.left.Add(2)
	n.all.Add(3)
	go p.carry(inA, inB, way{from, to})
	go p.carry(inB, inA, way{to, from})
	go func() {
		defer n.all.Done()
		p.left.Wait()
		p.end()
		n.mu.Lock()
		delete(n.pipes, p)
		n.mu.Unlock()
	}()
	return a, b
}

type pipe struct {
	of      *network
	between way
	ends    []net.Conn // this network's; the other two are told by them, as by a kernel
	once    sync.Once
	done    chan struct{}
	left    sync.WaitGroup
}

// end lets both ends read EOF.
func (p *pipe) end() {
	p.once.Do(func() { close(p.done) })
	for _, e := range p.ends {
		_ = e.Close()
	}
}

// carry moves what comes out of from into to, as far as the way is open. Meanwhile what is written waits here, as it
// would in the kernel.
func (p *pipe) carry(from io.Reader, to net.Conn, w way) {
	defer p.of.all.Done()
	defer p.left.Done()
	type sent struct {
		b  []byte
		at time.Time
	}
	queue := make(chan sent, 1024)
	p.of.all.Go(func() {
		defer close(queue)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if n > 0 {
				select {
				case queue <- sent{b[:n], time.Now()}:
				case <-p.done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	for s := range queue {
		delay, ok := p.of.open(w, p.done)
		if !ok {
			break
		}
		if delay > 0 {
			select {
			case <-time.After(time.Until(s.at.Add(delay))): // the way is that long
			case <-p.done:
			}
		}
		if _, err := to.Write(s.b); err != nil {
			break
		}
	}
	if _, ok := p.of.open(w, p.done); ok { // the end of a connection needs the way, too
		_ = to.Close()
	}
	if c, ok := from.(net.Conn); ok {
		_ = c.Close()
	}
}

type listener struct {
	of    *network
	port  port
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.of.mu.Lock()
		if l.of.listeners[l.port] == l {
			delete(l.of.listeners, l.port)
		}
		l.of.mu.Unlock()
	})
	return nil
}

func (l *listener) Addr() net.Addr { return advertised(l.port.addr) }
