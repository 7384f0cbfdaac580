// Package shim repairs loss below QUIC. It stands between a UDP socket and quic-go: it numbers every UDP
// packet, hands each up at once, asks for the numbers it lacks and resends from a ring of recent packets,
// so that random loss neither reaches the media nor closes QUIC's window. RELAY.md, section 11, has the bytes.
package shim

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Conn is a UDP socket with the repair layer around it, made for quic.Transport. All methods may be called
// from any goroutine.
type Conn struct {
	*net.UDPConn
}

// New puts the repair layer around u, which it then owns.
func New(u *net.UDPConn, reg prometheus.Registerer) (*Conn, error) { return &Conn{u}, nil }

// Run keeps the timers until ctx ends. Until it runs nothing is asked for twice.
func (c *Conn) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// SetPlain has packets to addr go out without a header from now on, as a peer without the repair layer wants
// them, or with one again (on false). A plain peer that speaks the repair layer itself is plain no more.
func (c *Conn) SetPlain(addr netip.AddrPort, on bool) {}

// SetRepair turns resending to addr on or off: off while the path is full, where resends make it worse.
func (c *Conn) SetRepair(addr netip.AddrPort, on bool) {}

// Probe sends bytes of padding to addr, evenly over the time given and beside everything else, with a PING
// behind it: Path.LastRTT then tells how much of a queue they left. It returns false where the peer cannot be probed.
func (c *Conn) Probe(addr netip.AddrPort, bytes int, over time.Duration) bool { return false }

// Path returns what is known of the way to and from addr; ok is false where nothing is.
func (c *Conn) Path(addr netip.AddrPort) (p Path, ok bool) { return Path{}, false }

// A Path is what the repair layer knows of one peer. Counts are since the peer was first heard of.
type Path struct {
	Plain    bool          // the peer speaks plain QUIC: only Heard and the sums of bytes are set
	RTT      time.Duration // smoothed, of PING and PONG; 0 before the first
	MinRTT   time.Duration // least of the last one to two minutes
	LastRTT  time.Duration // newest sample, as it is
	RTTAt    time.Time     // when that was taken
	ProbedAt time.Time     // when the PING behind the last Probe was answered; zero before
	Heard    time.Time     // last packet of any kind
	Answered time.Time     // last PONG

	// Of what this end sends.
	Sent, SentBytes uint64  // QUIC packets, each once
	Asked           uint64  // of them, asked for by the peer, each once
	Resent          uint64  // packets sent again, copies included
	Refused         uint64  // asked for and not resent: over the budget
	Paused          uint64  // asked for and not resent: SetRepair is off
	Loss            float64 // share of packets asked for in the last half second, halved each half second after
	Delivered       uint64  // bytes of all kinds that arrived, as the peer's last PONG says
	DeliveredAt     time.Time

	// Of what this end receives.
	Received, ReceivedBytes uint64 // QUIC packets handed up
	Missing                 uint64 // numbers that did not come in their turn
	Reordered               uint64 // of them, that came by themselves after all
	Repaired                uint64 // of them, that came by a first resend
	RepairedLate            uint64 // of them, that came by a later one
	GaveUp                  uint64 // of them, left to QUIC and the ring
	Duplicates              uint64
}
