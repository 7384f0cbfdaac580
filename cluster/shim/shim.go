// Package shim repairs loss below QUIC. It stands between a UDP socket and quic-go: it numbers every UDP
// packet, hands each up at once, asks for the numbers it lacks and resends from a ring of recent packets,
// so that random loss neither reaches the media nor closes QUIC's window. RELAY.md, section 11, has the bytes.
package shim

import (
	"context"
	"fmt"
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Conn is a UDP socket with the repair layer around it, made for quic.Transport. All methods may be called
// from any goroutine.
//
// QUIC's own goroutines read and write; Run does what takes time. State of a peer begins when QUIC first writes
// to its address: what merely arrives leaves none.
type Conn struct {
	u       *net.UDPConn
	out     writer    // u, but for tests
	base    time.Time // of the time in nanoseconds that everything within counts
	reg     prometheus.Registerer
	metrics metrics
	table   table
	chunks  sync.Pool

	readMu sync.Mutex // the rest of this paragraph is the reader's
	reader reader
	asking []*peer // to be asked for what they lack, at the end of a batch

	running atomic.Bool
	wheelMu sync.Mutex
	wheel   wheel
	wakeAt  int64 // until when Run sleeps; 0 while it does not
	wakeup  chan struct{}
}

// A writer sends packets, as net.UDPConn does: by this method without allocating.
type writer interface {
	WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (n, oobn int, err error)
}

// New puts the repair layer around u, which it then owns. It fails where reg has another's metrics.
func New(u *net.UDPConn, reg prometheus.Registerer) (*Conn, error) {
	c := newConn(u)
	c.u, c.reg = u, reg
	if err := c.reader.open(u); err != nil {
		return nil, fmt.Errorf("repair layer on %v: %w", u.LocalAddr(), err)
	}
	if err := reg.Register(collector{c}); err != nil {
		return nil, fmt.Errorf("repair layer on %v: %w", u.LocalAddr(), err)
	}
	return c, nil
}

func newConn(out writer) *Conn {
	c := &Conn{out: out, base: time.Now(), wakeup: make(chan struct{}, 1)}
	c.table.byAddr = make(map[netip.AddrPort]*peer)
	c.table.lobby.seed = maphash.MakeSeed()
	c.chunks.New = func() any { return new(chunk) }
	return c
}

// Run keeps the timers until ctx ends. Until it runs nothing is asked for twice.
func (c *Conn) Run(ctx context.Context) error {
	c.running.Store(true)
	defer c.letGo()
	sleep := time.NewTimer(time.Hour)
	defer sleep.Stop()
	var due []*timer
	for {
		now := c.now()
		due = c.turn(now, due[:0])
		for _, t := range due {
			c.schedule(t.p, t.p.tick(now), now)
		}
		if at, ok := c.rest(); ok {
			sleep.Reset(time.Duration(at - c.now()))
		} else {
			sleep.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-sleep.C:
		case <-c.wakeup:
		}
	}
}

// turn takes the timers due at now.
func (c *Conn) turn(now int64, due []*timer) []*timer {
	c.wheelMu.Lock()
	defer c.wheelMu.Unlock()
	c.wakeAt = 0
	due = c.wheel.advance(now, due)
	for _, t := range due {
		t.p.due.Store(never)
	}
	return due
}

// rest tells Run how long it may sleep; ok is false where nothing is due at all.
func (c *Conn) rest() (at int64, ok bool) {
	c.wheelMu.Lock()
	defer c.wheelMu.Unlock()
	at, ok = c.wheel.next()
	if !ok {
		at = never
	}
	c.wakeAt = at
	return at, ok
}

// schedule has p's tick called at due at the latest.
func (c *Conn) schedule(p *peer, due, now int64) {
	if due == never {
		return
	}
	c.wheelMu.Lock()
	if p.gone.Load() {
		c.wheelMu.Unlock()
		return
	}
	c.wheel.add(&p.timer, due, now)
	p.due.Store(p.timer.tick * wheelTick)
	early := p.timer.tick*wheelTick < c.wakeAt
	if early {
		c.wakeAt = p.timer.tick * wheelTick
	}
	c.wheelMu.Unlock()
	if early {
		select {
		case c.wakeup <- struct{}{}:
		default:
		}
	}
}

// unschedule takes p out of the wheel. It is marked as gone already.
func (c *Conn) unschedule(p *peer) {
	c.wheelMu.Lock()
	c.wheel.remove(&p.timer)
	c.wheelMu.Unlock()
}

// letGo sends what is still held back: nobody will later.
func (c *Conn) letGo() {
	c.running.Store(false)
	now := c.now()
	c.table.mu.RLock()
	defer c.table.mu.RUnlock()
	for _, p := range c.table.byAddr {
		p.sendMu.Lock()
		p.send.letGo(never, now)
		p.sendMu.Unlock()
	}
}

func (c *Conn) now() int64 { return int64(time.Since(c.base)) + 1 } // 0 is before everything

// SetPlain has packets to addr go out without a header from now on, as a peer without the repair layer wants
// them, or with one again where on is false. A plain peer that is found to speak the repair layer is plain no
// more, and one that answered a PING in the last 2 s is not made plain.
func (c *Conn) SetPlain(addr netip.AddrPort, on bool) { c.setPlain(addr, on, c.now()) }

func (c *Conn) setPlain(addr netip.AddrPort, on bool, now int64) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	key := netip.AddrPortFrom(addr.Addr().WithZone(""), addr.Port())
	if !on {
		if p := c.table.find(key); p != nil && p.standing() == standPlain {
			p.wrote.Store(now) // it will: else the state might end in mid-dial
			c.restand(p, standUnproven, now)
		}
		return
	}
	p := c.open(key, addr.Addr().Zone(), standPlain, now)
	p.wrote.Store(now)
	if p.mayBePlain(now) {
		c.restand(p, standPlain, now)
	}
}

// SetRepair turns resending to addr on or off: off while the path is full, where resends make it worse.
func (c *Conn) SetRepair(addr netip.AddrPort, on bool) {
	if p := c.at(addr); p != nil {
		p.sendMu.Lock()
		p.send.off = !on
		p.sendMu.Unlock()
	}
}

// Probe sends bytes of padding to addr, evenly over the time given and beside everything else, with a PING
// behind it: Path.ProbeRTT then tells how much of a queue they left. It returns false where the peer cannot be
// probed: it has not answered a PING yet, another probe is under way, or bytes is not from 1 to 200,000.
func (c *Conn) Probe(addr netip.AddrPort, bytes int, over time.Duration) bool {
	return c.probe(addr, bytes, over, c.now())
}

func (c *Conn) probe(addr netip.AddrPort, bytes int, over time.Duration, now int64) bool {
	p := c.at(addr)
	if p == nil || p.standing() != standProven || bytes <= 0 || bytes > maxProbe || over < 0 {
		return false
	}
	p.sendMu.Lock()
	ok := p.send.startProbe(bytes, int64(over), now)
	p.sendMu.Unlock()
	if ok {
		c.schedule(p, now, now)
	}
	return ok
}

func (c *Conn) at(addr netip.AddrPort) *peer {
	return c.table.find(netip.AddrPortFrom(addr.Addr().Unmap().WithZone(""), addr.Port()))
}

// LocalAddr returns the socket's address.
func (c *Conn) LocalAddr() net.Addr { return c.u.LocalAddr() }

// SyscallConn gives quic-go the socket's options. Nobody else should read or write by it.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.u.SyscallConn() }

// SetReadBuffer sets the size of the socket's receive buffer.
func (c *Conn) SetReadBuffer(n int) error { return c.u.SetReadBuffer(n) }

// SetWriteBuffer sets the size of the socket's send buffer.
func (c *Conn) SetWriteBuffer(n int) error { return c.u.SetWriteBuffer(n) }

// SetDeadline is as for net.UDPConn.
func (c *Conn) SetDeadline(t time.Time) error { return c.u.SetDeadline(t) }

// SetReadDeadline is as for net.UDPConn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.u.SetReadDeadline(t) }

// SetWriteDeadline is as for net.UDPConn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.u.SetWriteDeadline(t) }

// Close closes the socket and takes the metrics away. Run does not end by it.
func (c *Conn) Close() error {
	c.reg.Unregister(collector{c})
	return c.u.Close()
}
