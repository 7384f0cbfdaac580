package shim

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

const (
	pings      = 64 // remembered; with one each 50 ms a PONG may be 3 s late
	minHalf    = int64(time.Minute)
	defaultRTT = int64(100 * time.Millisecond) // until the first PONG
	maxRTT     = int64(10 * time.Second)
)

// A clock measures round trips. What a PONG echoes is random, so that only who receives at the peer's address
// can know it, and is good once.
type clock struct {
	pings [pings]struct {
		opaque uint64
		at     int64
		probe  int // behind the padding of which probe; 0 where none waits for an answer
	}
	n int

	rtt, last, lastAt int64
	min, minBefore    int64 // least of this minute and of the one before; 0 without a sample
	minAt             int64 // when this minute began
	probes            int
	probing           bool // the padding of the last probe was sent, and no PING behind it was answered yet
	probedAt          int64
	probeRTT          int64 // of the PING that told probedAt
	answered          int64
	delivered         uint64
	asked             int64 // when the PING went that told delivered
}

// ping returns the opaque value of the next PING. Its low bits are its place in the table.
func (c *clock) ping(now int64) uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	i := c.n % pings
	p := &c.pings[i]
	p.opaque, p.at, p.probe = binary.NativeEndian.Uint64(b[:])&^(pings-1)|uint64(i), now, 0
	if c.probing {
		p.probe = c.probes
	}
	c.n++
	return p.opaque
}

// probe has the next PING that is answered tell what padding did.
func (c *clock) probe() { c.probes, c.probing = c.probes+1, true }

// pong takes a PONG's word and returns whether it answers a PING of ours.
func (c *clock) pong(e echo, now int64) bool {
	p := &c.pings[e.opaque%pings]
	if p.at == 0 || p.opaque != e.opaque || now-p.at > maxRTT {
		return false
	}
	at := p.at
	d := max(now-at, 1)
	p.at = 0
	if c.rtt == 0 {
		c.rtt = d
	}
	c.rtt += (d - c.rtt) / 4
	c.last, c.lastAt, c.answered = d, now, now
	if c.probing && p.probe == c.probes {
		c.probing, c.probedAt, c.probeRTT = false, now, d
	}
	switch {
	case c.min == 0 || now-c.minAt >= 2*minHalf:
		c.min, c.minBefore, c.minAt = d, 0, now
	case now-c.minAt >= minHalf:
		c.min, c.minBefore, c.minAt = d, c.min, now
	default:
		c.min = min(c.min, d)
	}
	if at >= c.asked { // by the order of the PINGs, not by size: a peer that starts again counts from 0
		c.delivered, c.asked = e.bytes, at
	}
	return true
}

// least is the shortest round trip of the last one to two minutes; 0 without any.
func (c *clock) least() int64 {
	if c.minBefore == 0 {
		return c.min
	}
	return min(c.min, c.minBefore)
}

// orDefault is rtt, or what is assumed before the first sample.
func orDefault(rtt int64) int64 {
	if rtt == 0 {
		return defaultRTT
	}
	return rtt
}
