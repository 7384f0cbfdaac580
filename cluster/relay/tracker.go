package relay

import (
	"cmp"
	"slices"
	"time"
)

const (
	maxGaps   = 1024            // more missing numbers than that is a jump, not loss
	repairFor = 2 * time.Second // a packet older than that helps no viewer
)

// A side is one of the two feeds that may bring a stream at the same time.
type side uint8

const sides = 2

// A tracker knows what of one flow is missing and when to ask for it, of which side. Its numbers are
// extended sequence numbers. It is owned by the puller and keeps no clock and no timer of its own.
//
// The live numbers come in one row, whichever side brings them. Below them, runs fill the ring: a group
// after a join, or what a hole left. In the row and in each run a number that is skipped is a gap.
type tracker struct {
	holds func(seq int64) bool // whether the ring has it
	high  int64                // highest live number, -1 before the first
	low   int64                // lowest number of any run
	gaps  []gap                // by number
	runs  []run                // at most maxRuns
	rest  []row                // of runs that were lost, not gaps yet, by number; at most maxRest
	due   time.Time            // when ask has something to do; zero is never
	tally
}

// A tally is what became of a flow's packets.
type tally struct {
	received   uint64 // each once
	missing    uint64 // asked for
	repaired   uint64 // asked for, and came
	gone       uint64 // will not come
	late       uint64 // came pace.late after the packet that overtook them, or later
	duplicates uint64 // the ring had them, or was past them
	copies     uint64 // of audio: it is sent twice
}

type gap struct {
	seq   int64
	since time.Time
	next  time.Time     // when to ask (again)
	wait  time.Duration // from the last asking to that; zero before the first
	gone  uint8         // a bit for each side that will never send it
}

func (g gap) asked() bool { return g.wait > 0 }

// A pace says how long a tracker waits, by the link's round trip.
type pace struct {
	reorder time.Duration // before a gap is first asked for
	again   time.Duration // between the first two askings; then twice that, and so on
	most    time.Duration // between any two
	passed  time.Duration // before a gap is first asked for in what upstream may itself still be getting
	stall   time.Duration // silence after which a run is taken for lost
	late    time.Duration
}

// paceOf returns how to ask on a link with that round trip. Where a repair layer stands below, it has its
// chance first; otherwise a gap is asked for as soon as reordering on the path may be ruled out. An answer
// that does not come in time is more often late than lost, and asking at a steady rate would make a busy
// link busier: hence again doubles, where a round trip is short.
func paceOf(rtt time.Duration, repaired bool) pace {
	p := pace{
		reorder: min(max(rtt/8, 2*time.Millisecond), 20*time.Millisecond),
		again:   rtt*6/5 + 5*time.Millisecond,
		most:    max(rtt*6/5+5*time.Millisecond, 100*time.Millisecond),
		stall:   3*rtt + 300*time.Millisecond,
		late:    max(rtt/2, 5*time.Millisecond),
	}
	p.passed = p.most
	if repaired {
		p.reorder, p.passed = p.again, p.stall // what overtakes there has come on another connection of the hop above
	}
	return p
}

// start says that live is the first number to come as live; what lies below is a run's or nobody's.
// What was missing before is not asked for any more.
func (t *tracker) start(live int64) {
	t.high, t.low = live-1, live
	t.gone += uint64(len(t.gaps))
	t.gaps, t.runs, t.rest = t.gaps[:0], t.runs[:0], t.rest[:0]
}

// arrived counts one packet that s brought; fresh is what the ring said of it.
func (t *tracker) arrived(seq int64, s side, fresh bool, now time.Time, p pace) {
	if !fresh {
		t.duplicates++
		t.advance(seq, now, p) // a run is under way, though it brings what others brought
		return
	}
	t.received++
	if g, ok := t.remove(seq); ok {
		if g.asked() {
			t.repaired++
		}
		if now.Sub(g.since) >= p.late {
			t.late++
		}
		t.advance(seq, now, p) // where a run is behind its gaps
		t.room(now)
		return
	}
	switch {
	case seq > t.high:
		t.open(t.high+1, seq, now, now.Add(p.reorder))
		t.high = seq
	case !t.advance(seq, now, p) && seq < t.low && len(t.runs) == 0:
		// Upstream is itself getting the group that we were not told of, and passes it on as it comes.
		t.expect(run{next: seq + 1, end: t.low, side: s}, now, p)
	}
}

// beat says that upstream has sent numbers up to high.
func (t *tracker) beat(high int64, now time.Time, p pace) {
	if high > t.high {
		t.open(t.high+1, high+1, now, now.Add(p.reorder))
		t.high = high
	}
}

// hurry has all that is missing asked for at the next ask.
func (t *tracker) hurry(now time.Time) {
	for i := range t.gaps {
		t.gaps[i].next = now
	}
	if len(t.gaps) > 0 {
		t.soonest(now)
	}
}

// given says that side will never send seq. Where it is missing, and no other of the open sides (a bit
// each) may have it, it is given up, and given returns true.
func (t *tracker) given(seq int64, s side, open uint8, now time.Time) bool {
	i, ok := t.find(seq)
	if !ok {
		return false
	}
	g := &t.gaps[i]
	g.gone |= 1 << s
	if open&^g.gone != 0 {
		g.next = now
		t.soonest(now)
		return false
	}
	t.gaps = slices.Delete(t.gaps, i, i+1)
	t.gone++
	t.room(now)
	return true
}

// forget gives up what is missing below seq: nobody needs it.
func (t *tracker) forget(seq int64) {
	i, _ := t.find(seq)
	t.gone += uint64(i)
	t.gaps = slices.Delete(t.gaps, 0, i)
	t.rest = slices.DeleteFunc(t.rest, func(r row) bool { return r.end <= seq })
	for i := range t.rest {
		t.rest[i].first = max(t.rest[i].first, seq)
	}
}

// asks is what a tracker wants asked.
type asks struct {
	of   [sides][]int64
	lost []int64 // waited for too long
}

func (a *asks) reset() {
	for i := range a.of {
		a.of[i] = a.of[i][:0]
	}
	a.lost = a.lost[:0]
}

// ask fills a with what is to be asked for now. order names the sides to ask, the best first; p is by side.
func (t *tracker) ask(a *asks, order []side, now time.Time, p *[sides]pace) {
	a.reset()
	if t.due.IsZero() || now.Before(t.due) {
		return
	}
	t.abandon(now, func(r run) bool { return !now.Before(r.by) })
	t.due = time.Time{}
	for _, r := range t.runs {
		t.soonest(r.by)
	}
	t.gaps = slices.DeleteFunc(t.gaps, func(g gap) bool {
		old := now.Sub(g.since) >= repairFor
		switch {
		case t.holds(g.seq):
			return true
		case old:
			t.gone++
			a.lost = append(a.lost, g.seq)
		}
		return old
	})
	t.refill(now)
	for i := range t.gaps {
		if g := &t.gaps[i]; !now.Before(g.next) {
			t.askOne(g, a, order, now, p)
		}
		t.soonest(t.gaps[i].next)
	}
}

func (t *tracker) askOne(g *gap, a *asks, order []side, now time.Time, p *[sides]pace) {
	for _, s := range order {
		if g.gone&(1<<s) != 0 {
			continue
		}
		if !g.asked() {
			t.missing++
		}
		g.wait = min(max(2*g.wait, p[s].again), p[s].most)
		g.next = now.Add(g.wait)
		a.of[s] = append(a.of[s], g.seq)
		return
	}
	g.next = now.Add(p[0].most) // nobody to ask now
}

// open notes what is missing of the numbers from first up to end. More of them than maxGaps is a jump.
func (t *tracker) open(first, end int64, now, next time.Time) {
	room := maxGaps - len(t.gaps)
	for seq, n := first, 0; seq < end; seq++ {
		if t.lacks(seq) {
			n++
		}
		if n > room {
			t.gone += uint64(end - first)
			t.missing += uint64(end - first)
			return
		}
	}
	for seq := first; seq < end; seq++ {
		t.miss(seq, now, next)
	}
}

// lacks says whether seq is neither here nor to come in order.
func (t *tracker) lacks(seq int64) bool {
	for _, r := range t.runs {
		if seq >= r.next && seq < r.end {
			return false
		}
	}
	return !t.holds(seq)
}

// miss makes a gap of seq, where that is missing.
func (t *tracker) miss(seq int64, now, next time.Time) {
	if at, ok := t.find(seq); !ok && t.lacks(seq) {
		t.gaps = slices.Insert(t.gaps, at, gap{seq: seq, since: now, next: next})
		t.soonest(next)
	}
}

// remove forgets seq where it was missing.
func (t *tracker) remove(seq int64) (gap, bool) {
	i, ok := t.find(seq)
	if !ok {
		return gap{}, false
	}
	g := t.gaps[i]
	t.gaps = slices.Delete(t.gaps, i, i+1)
	return g, true
}

func (t *tracker) find(seq int64) (int, bool) {
	return slices.BinarySearchFunc(t.gaps, seq, func(g gap, seq int64) int { return cmp.Compare(g.seq, seq) })
}

// soonest keeps due at the earliest moment at which ask has something to do; zero means never.
func (t *tracker) soonest(at time.Time) {
	if t.due.IsZero() || at.Before(t.due) {
		t.due = at
	}
}
