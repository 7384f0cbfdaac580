package relay

import (
	"time"

	"freshet/cluster/stream"
)

const (
	rateSteps  = 10 // of congestEvery: 2 s, in which most publishers send one key frame
	packetCost = 50 // bytes of flow id, QUIC and repair layer around a packet, and its part of what is said beside
)

// A flowRate tells a flow's rate on the wire, on average over the last two seconds.
type flowRate struct {
	past [rateSteps]reading
	n    int // readings taken
}

type reading struct {
	at    time.Time
	bytes int64
}

// read takes a reading and returns bits a second, 0 before the second one.
func (m *flowRate) read(f *stream.Flow, now time.Time) float64 {
	bytes := f.Bytes() + packetCost*f.Ring.Head()
	old := m.past[m.n%rateSteps] // the oldest
	if m.n < rateSteps {
		old = m.past[0]
	}
	m.past[m.n%rateSteps] = reading{now, bytes}
	m.n++
	took := now.Sub(old.at).Seconds()
	if m.n < 2 || took <= 0 {
		return 0
	}
	rate := float64(bytes-old.bytes) * 8 / took
	if f.Format.Kind == stream.Audio {
		rate *= 2 // each packet goes twice
	}
	return rate
}
