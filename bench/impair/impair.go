// Package impair stands between endpoints and makes the path worse: delay, jitter, reordering, random
// and burst loss, a rate with a bounded queue, cuts, and a new outer address as after a NAT's restart. A Proxy does
// so for UDP, a TCPProxy for TCP, a Switch for Ethernet frames, and with them for whole hosts (package testnet).
//
// A Proxy listens at one address and passes what comes to one target, with a socket of its own per client.
// It sees datagrams only: ECN marks, ICMP errors and the TTL do not pass, and datagrams over 2,048 bytes are
// dropped. No packet leaves before its time; on an idle machine it is there 0.07 ms after it (median; 99 % within
// 0.2 ms). A path without delay, jitter and rate has no queue: packets leave from the goroutine that read them.
package impair

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// A Path is what happens to packets in one direction, in this order: cut, loss, rate, delay. The zero Path
// changes nothing.
type Path struct {
	Delay  time.Duration // one way
	Jitter time.Duration // at most this on top of Delay, evenly spread

	// Reorder gives each packet its own jitter, so that packets overtake one another. Without it order is
	// kept, and the jitter is drawn anew once a Jitter, so that the delay wanders at any packet rate.
	Reorder bool

	Loss   float64       // share of packets that are lost, 0 to 1
	Burst  int           // mean length of a run of losses, in packets (Gilbert's model); 0 or 1: each on its own
	Rate   int64         // bit/s, IP and UDP headers included, shared by all clients; 0 is no limit
	Buffer time.Duration // longest wait at Rate, 0 is 100 ms; a packet that would wait longer is dropped
	Cut    bool          // nothing passes
}

// Bounds of a Path. They are far beyond what a test of live media needs, and keep arithmetic safe.
const (
	maxWait  = 10 * time.Second // Delay, Jitter and Buffer each
	minRate  = 8_000            // at 1,000 bytes a second a full packet takes 2 s
	maxRate  = 100_000_000_000
	maxBurst = 10_000

	defaultBuffer = 100 * time.Millisecond
)

// Validate returns what is out of bounds, all of it.
func (p Path) Validate() error {
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	wait := func(name string, d time.Duration) {
		if d < 0 || d > maxWait {
			bad("%s: want 0 to %v, not %v", name, maxWait, d)
		}
	}
	wait("delay", p.Delay)
	wait("jitter", p.Jitter)
	wait("buffer", p.Buffer)
	if math.IsNaN(p.Loss) || p.Loss < 0 || p.Loss > 1 {
		bad("loss: want a share of 0 to 1, not %v", p.Loss)
	}
	if p.Burst < 0 || p.Burst > maxBurst {
		bad("burst: want 0 to %d packets, not %d", maxBurst, p.Burst)
	}
	if p.Rate != 0 && (p.Rate < minRate || p.Rate > maxRate) {
		bad("rate: want %d to %d bit/s or 0, not %d", minRate, int64(maxRate), p.Rate)
	}
	return errors.Join(all...)
}

// A Count is of packets and of their bytes, headers not included.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

func (c *Count) add(bytes int) {
	c.Packets++
	c.Bytes += uint64(bytes)
}

// Stats are what happened in one direction so far. In is the sum of those below it and of what is under way; for TCP
// see TCPProxy.Stats.
type Stats struct {
	In         Count `json:"in"`
	Out        Count `json:"out"`
	Lost       Count `json:"lost"`
	Overflowed Count `json:"overflowed"` // no room in the buffer
	Cut        Count `json:"cut"`
	Failed     Count `json:"failed"` // too large, or no socket would take it: the proxy's own fault

	// Missed is packets that the listening side dropped before the proxy saw them, where the kernel tells
	// (Linux). With any, or any that failed, the machine was too slow for what was asked of it.
	Missed uint64 `json:"missed"`
}
