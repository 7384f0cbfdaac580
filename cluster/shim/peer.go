package shim

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	pingEvery      = int64(50 * time.Millisecond)
	pingPlain      = int64(time.Second)          // to a plain peer: if it has the layer after all, it answers
	pingFor        = int64(3 * time.Second)      // after the last QUIC packet to the peer
	urgentFor      = int64(5 * time.Millisecond) // after a repaired packet was handed up
	proofFor       = int64(2 * time.Second)      // 40 PINGs
	forgetAfter    = int64(30 * time.Second)
	forgetUnproven = int64(5 * time.Second)
)

// A standing is what is known of a peer's address. Each has its own limit.
type standing int32

const (
	standUnproven standing = iota // nobody has shown that it receives there
	standProven                   // a PONG came back
	standPlain                    // plain QUIC
	standings
)

var maxPeers = [standings]int{standUnproven: 256, standProven: 1024, standPlain: 1024}

// A peer is one remote address to which QUIC has written. Its two halves have a lock each, and no one holds
// both: what goes out, and what comes in. The rest is atomic, or the Conn's.
type peer struct {
	c    *Conn
	addr netip.AddrPort
	to   netip.AddrPort // addr and its zone
	udp  *net.UDPAddr   // the same for QUIC; nobody changes it

	timer timer        // of the Conn's wheel
	due   atomic.Int64 // when that fires; never while it is not in the wheel
	place int          // in the Conn's list of its standing
	gone  atomic.Bool  // forgotten; written by who holds the Conn's lock

	stand     atomic.Int32
	spoke     atomic.Bool // has sent a packet with a header
	born      int64
	heard     atomic.Int64
	wrote     atomic.Int64 // last QUIC packet to it; nobody but QUIC keeps state alive
	pingAt    atomic.Int64
	proof     atomic.Int64 // last PONG
	rtt       atomic.Int64
	urgent    atomic.Int64  // until then acknowledgements are not held back
	patience  atomic.Int64  // the receiver's wait: a repair comes later by that
	received  atomic.Uint64 // bytes of all kinds
	packets   atomic.Uint64
	controls  atomic.Uint64 // bytes of the layer's own, while unproven
	plainSent atomic.Uint64
	plainRecv atomic.Uint64
	source    atomic.Pointer[[]byte] // PKTINFO for what the layer sends by itself

	sendMu sync.Mutex
	send   *sender
	clock  clock

	recvMu sync.Mutex
	recv   *receiver
	other  foreign

	asks  bool      // the reader will call ask at the end of the batch; this and pongs are the reader's own
	pongs [2]bucket // for PINGs of the peer's stream, and of others
}

func newPeer(c *Conn, addr netip.AddrPort, zone string, now int64) *peer {
	to := netip.AddrPortFrom(addr.Addr().WithZone(zone), addr.Port())
	p := &peer{c: c, addr: addr, to: to, udp: net.UDPAddrFromAddrPort(to), born: now, other: foreign{id: noStream}}
	p.timer.p = p
	p.due.Store(never)
	p.wrote.Store(now)
	p.recv = newReceiver(p)
	p.send = newSender(rand.Uint32()&(1<<24-1), p, &c.chunks)
	p.send.windowAt = now
	return p
}

func (p *peer) standing() standing { return standing(p.stand.Load()) }

// greet takes what the lobby knows.
func (p *peer) greet(s stranger, now int64) {
	p.received.Store(s.bytes)
	p.packets.Store(s.packets)
	p.heard.Store(s.at)
	if s.id != noStream {
		p.spoke.Store(true)
		p.recv.begin(s.id, s.next, s.seen, now)
	}
	if s.plain {
		p.plainRecv.Store(s.bytes)
	}
}

// transmit implements outlet.
func (p *peer) transmit(b, oob []byte) error {
	_, _, err := p.c.out.WriteMsgUDPAddrPort(b, oob, p.to)
	return err
}

// control implements outlet. To an address that may be a forged one no more goes than came from it.
func (p *peer) control(b []byte) bool {
	if n := uint64(len(b)); p.standing() != standProven {
		if p.controls.Add(n) > p.received.Load() {
			p.controls.Add(-n)
			p.c.metrics.unproven.Add(1)
			return false
		}
	}
	var oob []byte
	if s := p.source.Load(); s != nil {
		oob = *s
	}
	return p.transmit(b, oob) == nil
}

// write sends what QUIC hands down.
func (p *peer) write(b, oob []byte, now int64) error {
	p.wrote.Store(now)
	if p.standing() == standPlain {
		p.plainSent.Add(uint64(len(b)))
		return p.transmit(b, oob)
	}
	p.sendMu.Lock()
	var hold int64
	if p.c.running.Load() && !p.gone.Load() { // else nobody would let go; who ends either takes the lock after that
		hold = min(p.rtt.Load()/10, maxHold) + p.patience.Load()
	}
	if p.send.oob.parse(oob) {
		p.keepSource(p.send.oob.source)
	}
	err := p.send.write(b, now, hold, now < p.urgent.Load())
	due := p.send.due()
	p.sendMu.Unlock()
	p.wake(min(due, p.pingAt.Load()), now)
	return err
}

func (p *peer) keepSource(b []byte) {
	if old := p.source.Load(); old == nil && len(b) > 0 || old != nil && !bytes.Equal(*old, b) {
		b = bytes.Clone(b)
		p.source.Store(&b)
	}
}

// wake has tick called at due at the latest.
func (p *peer) wake(due, now int64) {
	if due <= p.due.Load()-wheelTick { // else it is the same tick, or a later one
		p.c.schedule(p, due, now)
	}
}

// ping sends a PING; sendMu is held, so that the number in it fits.
func (p *peer) ping(now int64) bool {
	b := p.send.small[:pingLen]
	header{kindPing, p.send.id, p.send.next}.put(b)
	echo{opaque: p.clock.ping(now)}.put(b)
	return p.control(b)
}

func (p *peer) pong(opaque uint64) {
	p.sendMu.Lock()
	b := p.send.small[:pingLen]
	header{kindPong, p.send.id, p.send.next}.put(b)
	echo{opaque, p.received.Load(), p.packets.Load()}.put(b)
	p.control(b)
	p.sendMu.Unlock()
}

// tick does what is due and returns when it has more to do. Run alone calls it.
func (p *peer) tick(now int64) (due int64) {
	if p.gone.Load() {
		return never
	}
	if now >= p.end() && p.c.forget(p, now) {
		return never
	}
	due = min(p.end(), p.ask(now))
	p.sendMu.Lock()
	defer p.sendMu.Unlock()
	probing := p.send.probe.left > 0
	p.send.tick(now)
	ended := probing && p.send.probe.left == 0
	if ended {
		p.clock.probe()
	}
	switch at := p.pingAt.Load(); {
	case ended || at <= now && p.pings(now):
		next := now + p.pause()
		due = min(due, next)
		if !p.ping(now) {
			next = now // with the next packet that comes from there
		}
		p.pingAt.Store(next)
	case at > now:
		due = min(due, at)
	}
	return min(due, p.send.due())
}

// pings tells whether the peer gets PINGs.
func (p *peer) pings(now int64) bool { return now-p.wrote.Load() <= pingFor }

// pause is how long it is from PING to PING.
func (p *peer) pause() int64 {
	if p.standing() == standPlain && !p.spoke.Load() {
		return pingPlain
	}
	return pingEvery
}

// end is when the peer is forgotten if QUIC writes nothing more to it.
func (p *peer) end() int64 {
	if p.standing() == standUnproven {
		return p.wrote.Load() + forgetUnproven
	}
	return p.wrote.Load() + forgetAfter
}
