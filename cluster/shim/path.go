package shim

import (
	"net/netip"
	"time"
)

// A Path is what the repair layer knows of one peer. Counts are since its state began.
type Path struct {
	Plain    bool          // the peer speaks plain QUIC: only Heard and the sums of bytes are set
	RTT      time.Duration // smoothed, of PING and PONG; 0 before the first
	MinRTT   time.Duration // least of the last one to two minutes
	LastRTT  time.Duration // newest sample, as it is
	RTTAt    time.Time     // when that was taken
	ProbedAt time.Time     // when the PING behind the last Probe was answered; zero before
	ProbeRTT time.Duration // how long that took
	Heard    time.Time     // last packet of any kind
	Answered time.Time     // last PONG

	// Of what this end sends.
	Sent, SentBytes uint64  // QUIC packets, each once
	Asked           uint64  // of them, asked for by the peer, each once
	Resent          uint64  // packets sent again, copies included
	Refused         uint64  // asked for and not resent: over the budget
	Paused          uint64  // asked for and not resent: SetRepair is off
	Loss            float64 // share of packets asked for in the last half second, halved each half second after
	Delivered       uint64  // bytes of all kinds that arrived, as the peer last said; less again where it starts anew
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

// Path returns what is known of the way to and from addr; ok is false where nothing is.
func (c *Conn) Path(addr netip.AddrPort) (p Path, ok bool) {
	q := c.at(addr)
	if q == nil {
		return Path{}, false
	}
	var t totals
	t.add(q)
	p = Path{Heard: c.time(q.heard.Load()), SentBytes: t.sentBytes, ReceivedBytes: t.receivedBytes}
	if q.standing() == standPlain {
		p.Plain = true
		return p, true
	}
	p.Sent, p.Asked, p.Resent, p.Refused, p.Paused = t.sent, t.asked, t.resent, t.refused, t.paused
	p.Received, p.Missing, p.Reordered = t.received, t.missing, t.reordered
	p.Repaired, p.RepairedLate, p.GaveUp, p.Duplicates = t.repaired, t.repairedLate, t.gaveUp, t.duplicates

	q.sendMu.Lock()
	defer q.sendMu.Unlock()
	q.send.roll(c.now())
	k := &q.clock
	p.Loss, p.Delivered = q.send.loss, k.delivered
	p.RTT, p.MinRTT, p.LastRTT = time.Duration(k.rtt), time.Duration(k.least()), time.Duration(k.last)
	p.RTTAt, p.ProbedAt, p.ProbeRTT = c.time(k.lastAt), c.time(k.probedAt), time.Duration(k.probeRTT)
	p.Answered, p.DeliveredAt = c.time(k.answered), c.time(k.answered)
	return p, true
}

// time is a moment as others know it; zero where there is none.
func (c *Conn) time(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return c.base.Add(time.Duration(at))
}
