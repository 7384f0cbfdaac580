package estimate

const (
	sliceTicks = 100 * ticksPerMS   // holds three frames at 30 a second, so a moment without a burst of our own
	gapTicks   = 1 * ticksPerSecond // without arrivals: what was before has nothing to do with what comes

	rateSlices = 5 // that tell what arrives: 0.5 s, 15 frames

	floorTicks = 10 * ticksPerSecond // the least way counts for 10 to 20 s, then clocks have drifted, routes changed
	soundTicks = 10 * ticksPerSecond // no queue is longer: a clock was set

	calmTicks = 25 * ticksPerMS  // no queue: jitter and the rest of a burst are as long
	someTicks = 50 * ticksPerMS  // a queue that must not grow
	longTicks = 150 * ticksPerMS // a queue that must shrink
	growTicks = 1 * ticksPerMS   // in a slice: it grows ...
	fallTicks = 3 * ticksPerMS   // ... it shrinks

	// overSlices is for how many slices it must do what it must not: after a key frame, or where the radio
	// was busy, a queue is long in one and shrinks in the next.
	overSlices = 3
)

// A slice is what arrived in at least sliceTicks.
type slice struct {
	from  uint32 // arrival of its first packet
	least uint32 // the shortest way of a burst's first packet
	bytes uint32
	open  bool
}

// A rate is what arrived in the newest slices.
type rate struct {
	bytes, ticks [rateSlices]uint32 // newest first
	n            int
}

func (r *rate) add(bytes, ticks uint32) {
	copy(r.bytes[1:], r.bytes[:])
	copy(r.ticks[1:], r.ticks[:])
	r.bytes[0], r.ticks[0] = bytes, ticks
	r.n = min(r.n+1, rateSlices)
}

// bps returns the rate over the n newest slices, 0 where there are not so many.
func (r *rate) bps(n int) int64 {
	if r.n < n {
		return 0
	}
	var bytes, ticks int64
	for i := range n {
		bytes += int64(r.bytes[i])
		ticks += int64(r.ticks[i])
	}
	return bytes * 8 * ticksPerSecond / ticks
}

// A queue is what stands on the path, in ticks of waiting.
type queue struct {
	known   bool
	floors  [2]uint32 // the least way in this stretch of floorTicks, and in the one before
	floorAt uint32    // when this stretch began
	last    uint32    // the way in the last slice
	wait    int32
	over    int // slices in which it did what it must not
}

// take takes the least way in a slice that began at arrival. It returns false where that cannot be compared
// with what came before, and begins anew.
func (q *queue) take(arrival, way uint32) (sound bool) {
	if away := int32(way - q.last); !q.known || away > soundTicks || away < -soundTicks {
		sound = !q.known
		*q = queue{known: true, floors: [2]uint32{way, way}, floorAt: arrival, last: way}
		return sound
	}
	if int32(arrival-q.floorAt) >= floorTicks {
		q.floors[1], q.floors[0], q.floorAt = q.floors[0], way, arrival
	}
	if int32(way-q.floors[0]) < 0 {
		q.floors[0] = way
	}
	q.wait = max(int32(way-q.floors[0]), int32(way-q.floors[1]))
	change := int32(way - q.last)
	q.last = way
	switch {
	case q.wait < someTicks:
		q.over = 0
	case change < -fallTicks:
		q.over = max(0, q.over-1)
	case change > growTicks || q.wait > longTicks:
		q.over++
	}
	return true
}
