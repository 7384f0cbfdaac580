package estimate

const (
	sliceTicks = 100 * ticksPerMS   // holds three frames at 30 a second, so a moment without a burst of our own
	gapTicks   = 1 * ticksPerSecond // without arrivals: what was before has nothing to do with what comes

	rateSlices = 5 // that tell what arrives: 0.5 s, 15 frames

	floorTicks = 10 * ticksPerSecond // the least way counts for 10 to 20 s, then clocks have drifted, routes changed

	calmTicks = 25 * ticksPerMS // no queue: jitter and the rest of a burst are as long
	someTicks = 50 * ticksPerMS // a queue that must not grow
	growTicks = 1 * ticksPerMS  // in a slice: it grows, or shrinks
	growMost  = 20 * ticksPerMS // more than jitter makes of a queue that only stands
	steep     = 60 * ticksPerMS // over twice of what fits is sent: the sooner that ends, the less waits on the path

	// overSlices is for how many slices it must grow, those in which it shrinks deducted: after a key frame, or where the
	// radio was busy, a queue is long in one and shrinks in the next; a longer route is a queue that grows once.
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
	over    int   // slices in which it grew, those deducted in which it shrank
	first   int32 // the wait in the first of them
}

// take takes the least way in a slice that began at arrival.
func (q *queue) take(arrival, way uint32) {
	if !q.known {
		*q = queue{known: true, floors: [2]uint32{way, way}, floorAt: arrival, last: way}
	}
	if int32(arrival-q.floorAt) >= floorTicks {
		q.floors[1], q.floors[0], q.floorAt = q.floors[0], way, arrival
	}
	if int32(way-q.floors[0]) < 0 {
		q.floors[0] = way
	}
	q.wait = q.above(way)
	change := int32(way - q.last)
	q.last = way
	switch {
	case q.wait < someTicks:
		q.over = 0
	case change < -growTicks:
		q.over = max(0, q.over-1)
	case change > growTicks:
		if q.over == 0 {
			q.first = q.wait
		}
		q.over++
	}
}

// above returns how much longer than the least a way of way is, 0 where none is known.
func (q *queue) above(way uint32) int32 {
	if !q.known {
		return 0
	}
	return max(int32(way-q.floors[0]), int32(way-q.floors[1]))
}

// grows says whether the queue grew in that many slices, and by growMost since the first of them.
func (q *queue) grows(in int) bool { return q.over >= in && q.wait-q.first >= growMost }

// leaps says the same of one slice less and steep.
func (q *queue) leaps(in int) bool { return q.over >= in-1 && q.wait-q.first >= steep }
