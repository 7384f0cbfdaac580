package estimate

import "time"

const (
	trainLeast = 4               // packets: fewer tell little
	trainGaps  = 4               // between packets, for trains to have a word: two of the least, or one of 5 packets
	trainFor   = 5 * time.Second // then they have none any more ...
	trainAlone = 2 * time.Second // ... and then already none beside a new one that is long enough: a probe of a path that was narrow
)

// A group is the part of a burst that arrived.
type group struct {
	burst       int
	came        int    // packets
	size        int    // bytes of one
	first, last uint32 // arrivals
}

// Trains are bursts of packets sent at once: how far apart they come tells how fast the narrowest link is.
// Each new one counts as much as all before it. Where a link or a receiver hands packets on in clumps they
// show too much; that is what Estimator.raise limits, and the tries upwards are for.
type trains struct {
	bytes, ticks int64
	gaps         int
	at           time.Duration // the last one
}

// bps is how fast the packets of g came; ok is false where they are no train.
func (g *group) bps() (bps int64, ok bool) {
	if g.came < trainLeast {
		return 0, false
	}
	return int64(g.came-1) * int64(g.size) * 8 * ticksPerSecond / max(1, int64(int32(g.last-g.first))), true
}

// add takes a burst, where it is a train.
func (t *trains) add(g *group, now time.Duration) {
	if g.came < trainLeast {
		return
	}
	if !within(now, t.at, trainFor) || g.came > trainGaps && !within(now, t.at, trainAlone) {
		*t = trains{}
	}
	t.bytes = t.bytes/2 + int64(g.came-1)*int64(g.size)
	t.ticks = t.ticks/2 + max(1, int64(int32(g.last-g.first)))
	t.gaps = t.gaps/2 + g.came - 1
	t.at = now
}

// bps returns what trains show, 0 where there were too few lately.
func (t *trains) bps(now time.Duration) int64 {
	if t.gaps < trainGaps || !within(now, t.at, trainFor) {
		return 0
	}
	return t.bytes * 8 * ticksPerSecond / t.ticks
}
