package egress

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// connQueue bounds datagrams that wait for pion/dtls; a flight has four at most.
const connQueue = 16

// A conn is the net.Conn under one DTLS handshake. The shard's loop feeds it; pion/dtls reads and writes.
//
// pion/dtls computes in two goroutines. One reads: what it has read is parsed, checked and turned into keys before it
// reads again, and meanwhile it has its turn. The other signs and writes: it takes its turn when it asks for
// the certificate to sign with. Neither waits for the viewer with its turn, so a viewer who stalls holds up nobody.
// The two gates are apart, as the reader waits for the other goroutine. Once the handshake is done reading needs no
// turn: little is left to compute, and the other goroutine sleeps up to a second before it repeats its last flight.
type conn struct {
	socket *socket
	to     atomic.Pointer[endpoint]
	in     chan []byte
	dead   chan struct{}
	die    sync.Once
	closed atomic.Bool // by pion/dtls: the viewer said goodbye
	parse  turn
	sign   turn

	mu       sync.Mutex
	deadline chan struct{} // closed when the read deadline has passed
	timer    *time.Timer
}

func newConn(s *socket, to endpoint, parse, sign *gate) *conn {
	c := &conn{
		socket: s, in: make(chan []byte, connQueue), dead: make(chan struct{}), deadline: make(chan struct{}),
		parse: turn{gate: parse}, sign: turn{gate: sign},
	}
	c.to.Store(&to)
	return c
}

// feed hands a copy of b to the reader; it is dropped where the queue is full, and DTLS repeats it.
func (c *conn) feed(b []byte) {
	select {
	case c.in <- append([]byte(nil), b...):
	default:
	}
}

func (c *conn) move(to endpoint) { c.to.Store(&to) }

// detach ends reading and swallows what is written from now on: an alert that closes DTLS would end the
// viewer's session.
func (c *conn) detach() {
	c.die.Do(func() { close(c.dead) })
	c.parse.end()
	c.sign.end()
}

func (c *conn) detached() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// Read implements net.Conn: it passes the turn to parse, and returns with it.
func (c *conn) Read(p []byte) (int, error) {
	c.parse.pass()
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	select {
	case <-c.dead:
	case b := <-c.in:
		if c.parse.take(c.dead, deadline) && !c.detached() {
			return copy(p, b), nil
		}
	case <-deadline:
	}
	if c.detached() {
		return 0, io.EOF
	}
	return 0, os.ErrDeadlineExceeded
}

// Write implements net.Conn. What was signed is sent.
func (c *conn) Write(p []byte) (int, error) {
	c.sign.pass()
	if !c.detached() {
		_ = c.socket.write(p, c.to.Load()) // lost like any datagram; DTLS repeats it
	}
	return len(p), nil
}

// Close implements net.Conn. pion/dtls calls it when the viewer's close_notify came.
func (c *conn) Close() error {
	if !c.detached() {
		c.closed.Store(true)
	}
	c.detach()
	return c.SetReadDeadline(time.Time{})
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.socket.local) }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(c.to.Load().addr) }

// SetDeadline implements net.Conn; writes never wait.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn; writes never wait.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	select {
	case <-c.deadline:
		c.deadline = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return nil
	}
	passed := c.deadline
	if d := time.Until(t); d > 0 {
		c.timer = time.AfterFunc(d, func() { c.pass(passed) })
	} else {
		close(passed)
	}
	return nil
}

// pass closes a deadline that is still in force.
func (c *conn) pass(deadline chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline != deadline || c.timer == nil {
		return
	}
	select {
	case <-deadline:
	default:
		close(deadline)
	}
}
