package relay

import (
	"time"

	"freshet/cluster/stream"
)

const (
	rateSteps  = 10               // of congestEvery: 2 s, in which most publishers send one key frame
	rateGap    = 3 * congestEvery // without a reading: the flow was not carried to here, and its rate is of before
	rateLeast  = time.Second      // of readings behind a gap, before they count
	packetCost = 50               // bytes of flow id, QUIC and repair layer around a packet, and its part of what is said beside
)

// A flowRate tells a flow's rate on the wire, on average over the last two seconds in which it was read.
type flowRate struct {
	past [rateSteps]reading
	n    int     // readings taken without a gap
	last float64 // bits a second; 0 before the second reading
	kept bool    // last is of before a gap
}

type reading struct {
	at    time.Time
	bytes int64
}

// read takes a reading. A flow that was not read for a while keeps its rate until there is a new one.
func (m *flowRate) read(f *stream.Flow, now time.Time) {
	if m.n > 0 && now.Sub(m.past[(m.n-1)%rateSteps].at) > rateGap {
		m.n, m.kept = 0, m.last > 0
	}
	bytes := f.Bytes() + packetCost*f.Ring.Head()
	old := m.past[m.n%rateSteps] // the oldest
	if m.n < rateSteps {
		old = m.past[0]
	}
	m.past[m.n%rateSteps] = reading{now, bytes}
	m.n++
	took := now.Sub(old.at)
	if m.n < 2 || took <= 0 || m.kept && took < rateLeast {
		return
	}
	m.kept = false
	m.last = float64(bytes-old.bytes) * 8 / took.Seconds()
	if f.Format.Kind == stream.Audio {
		m.last *= 2 // each packet goes twice
	}
}
