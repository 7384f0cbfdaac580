// Package estimate finds out how much a viewer's path carries, from transport-wide feedback
// (draft-holmer-rmcat-transport-wide-cc-extensions-01). It is pure: what is sent, feedback and the time come
// in, an estimate comes out.
//
// The edge does not pace: a frame leaves in one burst, and a viewer's rate is that of its layer, whatever the path
// could take. So the estimate is not steered as in Google's congestion control (draft-ietf-rmcat-gcc), whose
// delay gradient between groups would mostly measure that frames differ in size. Three things are read
// from each burst instead:
//
//   - How long its first packet was on the way, over the least of the last 10 to 20 s. The smallest of these
//     waits in each tenth of a second is the queue that stands on the path, without the one that a burst makes
//     for itself. While it keeps growing, more is sent than fits: the estimate falls to 85 % of what arrives.
//   - How many of its packets came. Where over a tenth is missing twice in a row, the estimate falls to what arrives;
//     where over a fifth is and a queue stands, it is full, and the estimate falls at once.
//   - How far apart its packets came: sent at once, they come at the speed of the narrowest link. So each frame
//     of some packets, and each key frame above all, is a probe that costs nothing. Without a queue the estimate
//     rises to what they show; else only to a little over what is sent and arrives. Two in a row that come at less
//     than half the rate of what is sent, behind a queue, and it falls, before the queue has grown further.
//
// A viewer takes under 2 KB, an estimate a few additions for each packet and burst.
package estimate

import "time"

const (
	stale = 5 * time.Second // an estimate without feedback for so long says nothing

	// Back off: to ofArrived per cent of what arrives, so that the queue drains.
	ofArrived = 85
	newest    = 3 // slices that tell what arrives while a queue grows
	fullest   = 2 // where it is full: in the third it was not yet

	// Rise, while there is no queue.
	ofEstimate = 70      // per cent of the estimate that must be in use for it to rise without a train's word
	rise       = 8       // per cent a second, then
	ofTrain    = 85      // per cent: what trains show is shared with others
	liftTimes  = 4       // of what arrives: from one layer to the next, not further
	liftLeast  = 1000000 // bits a second; sound alone says little of what may be lifted

	// Loss, per mille over lossEvery, of at least lossLeast packets.
	lossEvery = 400 * time.Millisecond
	lossLeast = 10
	lossDown  = 100
	lossUp    = 20
	lossTwice = 2
	slowTwice = 2   // trains in a row
	slowOften = 4   // where they come so fast after each other that a busy receiver is late for two
	lossFull  = 200 // with a queue: it overflows, no second look is needed ...
	fullLeast = 12  // ... where so many packets are lost, for radio loses some in a row
)

// An Estimator follows one viewer's path. It is owned by the loop that sends to the viewer.
type Estimator struct {
	history
	path *Path

	due     uint16 // number of the next packet to be told of
	missing uint64 // bit i: packet due-1-i did not come
	group   group  // burst under way
	slice   slice  // of arrivals, under way
	rate    rate
	queue   queue
	trains  trains
	waited  int32 // by the newest burst's first packet, in ticks
	slow    int   // trains in a row that came slowly
	pressed int64 // bits a second that are sent for a while, 0 where that is what arrived of late

	now   time.Duration
	heard time.Duration // last feedback
	bps   int64         // 0: unknown

	backed time.Duration // when it last backed off
	queued time.Duration // when there was last a queue
	rose   time.Duration // when the viewer last went up a layer

	lossAt     time.Duration
	came, lost int
	lossy      int  // over lossDown, in a row
	clean      bool // under lossUp

	probeAt   time.Duration // not before
	probeWait time.Duration // to the one after
}

// New returns the estimator of a viewer on path, which the viewers of one address share.
func New(path *Path) *Estimator {
	return &Estimator{path: path, clean: true, probeWait: probeFirst}
}

// Number notes a packet of size bytes that is sent at now, and returns its transport-wide number.
func (e *Estimator) Number(now time.Duration, size int) uint16 { return e.add(ticks(now), size) }

// BPS returns how many bits a second the path takes, as far as is known: 0 without feedback.
func (e *Estimator) BPS(now time.Duration) int64 {
	if !e.fresh(now) {
		return 0
	}
	return e.bps
}

// Press notes that from now on bps bits a second are sent, more than a layer has; 0 ends that. Rates of what arrived
// follow too late then.
func (e *Estimator) Press(bps int64) { e.pressed = bps }

// Backed says whether the estimate fell since at, because the path did not carry what was sent.
func (e *Estimator) Backed(since time.Duration) bool { return e.backed > since }

func (e *Estimator) fresh(now time.Duration) bool { return within(now, e.heard, stale) }

// Feedback takes what the viewer says at now. It returns how many packets it told of that were never sent,
// or too long ago to know.
func (e *Estimator) Feedback(now time.Duration, f *Feedback) (unknown int) {
	e.now, e.heard = now, now
	if oldest := e.burst(e.oldest()).first; e.next-e.due > e.next-oldest {
		e.due, e.missing = oldest, 0 // nothing was heard of what came before
	}
	w := f.walk()
	i := e.group.burst
	for n := f.base; ; n++ {
		came, ok := w.next()
		if !ok {
			break
		}
		if ahead := int16(n - e.due); ahead < 0 {
			e.late(n, came)
			continue
		}
		if i, ok = e.find(n, i); !ok {
			unknown++
			continue
		}
		e.told(n, came)
		if came {
			e.arrived(i, w.arrival)
		}
	}
	e.judge()
	return unknown
}

// told counts packet n, which is the next one told of. What was skipped over, because a feedback was lost, is
// neither come nor missing.
func (e *Estimator) told(n uint16, came bool) {
	e.missing <<= n - e.due + 1
	e.due = n + 1
	if came {
		e.came++
	} else {
		e.missing |= 1
		e.lost++
	}
}

// late counts packet n, which was told of before: receivers repeat themselves, and first say missing of what is overtaken.
func (e *Estimator) late(n uint16, came bool) {
	bit := uint64(1) << (e.due - 1 - n)
	if came && e.missing&bit != 0 {
		e.missing &^= bit
		e.came++
		e.lost = max(0, e.lost-1)
	}
}

// arrived takes the arrival of a packet of burst i.
func (e *Estimator) arrived(i int, arrival uint32) {
	b := e.burst(i)
	if e.group.came == 0 || e.group.burst != i {
		e.slow = e.slowTrains()
		e.trains.add(&e.group, e.now)
		e.group = group{burst: i, first: arrival, last: arrival}
		e.waited = e.queue.above(arrival - b.at)
		e.sample(arrival, arrival-b.at)
	}
	g := &e.group
	if int32(arrival-g.last) > 0 {
		g.last = arrival
	}
	g.size = b.size()
	g.came++
	e.slice.bytes += uint32(g.size)
}

// sample takes the way of a burst's first packet, in ticks between two clocks.
func (e *Estimator) sample(arrival, way uint32) {
	s := &e.slice
	passed := int32(arrival - s.from)
	switch {
	case !s.open || passed < -gapTicks || passed > gapTicks:
	case passed < sliceTicks:
		if int32(way-s.least) < 0 {
			s.least = way
		}
		return
	default:
		e.closed(uint32(passed))
	}
	*s = slice{from: arrival, least: way, open: true}
}

// closed takes a slice of arrivals that lasted for passed ticks.
func (e *Estimator) closed(passed uint32) {
	e.rate.add(e.slice.bytes, passed)
	e.queue.take(e.slice.from, e.slice.least)
	if e.queue.wait > calmTicks {
		e.queued = e.now
	}
	if e.calm() {
		e.raise(passed)
	}
}

// calm says whether nothing speaks against more.
func (e *Estimator) calm() bool { return e.queue.wait <= calmTicks && e.lossy == 0 && e.clean }

// raise brings the estimate up to what is certain by now: without a queue, the path takes what arrives.
func (e *Estimator) raise(passed uint32) {
	arrives := e.rate.bps(rateSlices)
	if arrives == 0 {
		return
	}
	near, shown := arrives*100/ofEstimate, e.trains.bps(e.now)
	if shown > 0 {
		near = max(arrives, min(near, shown))
	}
	switch {
	case e.bps == 0:
		e.bps = near
	case e.bps < near:
		step := e.bps * rise / 100 * int64(passed) / ticksPerSecond
		e.bps = min(near, e.bps+step)
	}
	e.bps = max(e.bps, min(shown*ofTrain/100, max(liftTimes*arrives, liftLeast)))
}

// countLoss judges loss once in lossEvery, and says whether it did.
func (e *Estimator) countLoss() (judged bool) {
	n := e.came + e.lost
	if e.now-e.lossAt < lossEvery || n < lossLeast {
		return false
	}
	perMille := e.lost * 1000 / n
	e.clean = perMille <= lossUp
	if perMille > lossDown {
		e.lossy++
	} else {
		e.lossy = 0
	}
	e.lossAt, e.came, e.lost = e.now, 0, 0
	return true
}

// judge backs off, where feedback says so. Loss is heeded when it is counted, not until it is counted again: what arrives
// meanwhile is of the lower layer, and less by choice.
func (e *Estimator) judge() {
	full, counted := e.overflows(), e.countLoss()
	if e.pressed > 0 && e.slowTrains() >= slowOften && e.waited > 2*someTicks && e.crawls() { // more waits with each millisecond
		bps, _ := e.group.bps()
		e.back(bps * ofArrived / 100)
		return
	}
	arrives := e.rate.bps(newest)
	if arrives == 0 {
		return
	}
	over, lossy := overSlices, lossTwice
	if e.othersTurn(e.now) {
		over, lossy = over*sparedTimes, lossy*sparedTimes
	}
	switch {
	case e.queue.grows(over):
		e.back(arrives * ofArrived / 100)
	case e.leaps(over):
		e.back(e.rate.bps(1)) // the slice before is half of the path as it was; and one is so short that it errs by a fifth
	case e.crawls() && !e.othersTurn(e.now):
		bps, _ := e.group.bps()
		e.back(bps * ofArrived / 100)
	case full && !e.othersTurn(e.now):
		e.back(e.rate.bps(fullest) * ofArrived / 100)
	case counted && e.lossy >= lossy:
		e.back(arrives)
	}
}

// leaps says whether the queue grows fast, and far less arrives than did before. From its half on, the slice under
// way counts as one.
func (e *Estimator) leaps(in int) bool {
	if e.rate.bps(1)*4 > e.rate.bps(rateSlices)*3 {
		return false
	}
	q, s := e.queue, &e.slice
	if s.open && int32(e.group.last-s.from) >= sliceTicks/2 {
		q.take(s.from, s.least)
	}
	return q.leaps(in)
}

// slowTrains returns how many trains in a row came at less than half the rate of late, or of what is pressed, the burst
// under way included.
// What holds up one of them, a radio that is away or somebody's burst, lets the next one pass.
func (e *Estimator) slowTrains() int {
	bps, ok := e.group.bps()
	switch {
	case !ok:
		return e.slow
	case 2*bps < max(e.pressed, e.rate.bps(rateSlices)):
		return e.slow + 1
	}
	return 0
}

// crawls says whether trains show that the path carries far less than what is sent: sooner than its queue does, which
// grows by all the rest.
func (e *Estimator) crawls() bool {
	_, ok := e.group.bps()
	return ok && e.waited > someTicks && e.slowTrains() >= slowTwice && !within(e.now, e.backed, lossTwice*lossEvery)
}

// overflows says whether packets are missing because a queue is full, rather than by chance. What is lost until a step
// down has had time to show is of before it.
func (e *Estimator) overflows() bool {
	return e.queue.wait > someTicks && e.lost >= fullLeast && e.lost*1000 > lossFull*(e.came+e.lost) && !within(e.now, e.backed, lossTwice*lossEvery)
}

// back lowers the estimate to bps. What trains showed is of a path that was.
func (e *Estimator) back(bps int64) {
	if e.bps == 0 || bps < e.bps {
		e.bps = bps
	}
	e.backed, e.path.backed = e.now, e.now
	e.queue.over, e.slow = 0, 0
	e.trains = trains{}
}

// ticks is a moment of the sender's clock. It wraps around as arrival times do.
func ticks(at time.Duration) uint32 { return uint32(at / (time.Second / ticksPerSecond)) }

// within says whether at is less than d before now. A moment of 0 never was.
func within(now, at, d time.Duration) bool { return at > 0 && now-at < d }
