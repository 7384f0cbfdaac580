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

// A tracker knows what of one flow is missing and when to ask for it. Its numbers are extended sequence
// numbers. It is owned by the puller and keeps no clock and no timer of its own.
//
// Two runs of numbers come in: the live one, and once after a join the group that fills the ring behind
// it. In each run a number that is skipped is a gap.
type tracker struct {
	holds func(seq int64) bool // whether the ring has it
	high  int64                // highest live number, -1 before the first
	low   int64                // lowest number of any run
	gaps  []gap                // by number
	due   time.Time            // when ask has something to do; zero is never

	// The group expected: numbers from groupNext up to groupEnd. groupBy is when silence means that the
	// rest was lost.
	groupNext, groupEnd int64
	groupBy             time.Time

	received, missing, repaired, duplicates, gone uint64
}

type gap struct {
	seq   int64
	since time.Time
	next  time.Time     // when to ask (again)
	wait  time.Duration // from the last asking to that; zero before the first
}

func (g gap) asked() bool { return g.wait > 0 }

// A pace says how long a tracker waits, by the link's round trip.
type pace struct {
	reorder time.Duration // before a gap is first asked for
	again   time.Duration // between the first two askings; then twice that, and so on
	most    time.Duration // between any two
	stall   time.Duration // silence after which a group is taken for lost
}

// paceOf returns how to ask on a link with that round trip. A gap is asked for as soon as reordering on
// the path may be ruled out. An answer that does not come in time is more often late than lost, and asking
// at a steady rate would make a busy link busier: hence again doubles, where a round trip is short.
func paceOf(rtt time.Duration) pace {
	return pace{
		reorder: min(max(rtt/8, 2*time.Millisecond), 20*time.Millisecond),
		again:   rtt*6/5 + 5*time.Millisecond,
		most:    max(rtt*6/5+5*time.Millisecond, 100*time.Millisecond),
		stall:   3*rtt + 300*time.Millisecond,
	}
}

// start says that live is the first number to come as live; what lies below is a group's or nobody's.
func (t *tracker) start(live int64) { t.high, t.low = live-1, live }

// arrived counts one packet; fresh is what the ring said of it.
func (t *tracker) arrived(seq int64, fresh bool, now time.Time, p pace) {
	t.received++
	if !fresh {
		t.duplicates++
		return
	}
	if g, ok := t.remove(seq); ok {
		if g.asked() {
			t.repaired++
		}
		return
	}
	switch {
	case seq > t.high:
		t.open(t.high+1, seq, now, now.Add(p.reorder))
		t.high = seq
	case seq >= t.groupNext && seq < t.groupEnd:
		t.open(t.groupNext, seq, now, now.Add(p.reorder))
		t.groupNext = seq + 1
		t.groupBy = now.Add(p.stall)
		t.soonest(t.groupBy)
	case seq < t.low && t.groupNext == t.groupEnd:
		// Upstream is itself getting the group that we were not told of, and passes it on as it comes.
		t.expect(seq+1, t.low, now, p)
	}
}

// beat says that upstream has sent numbers up to high.
func (t *tracker) beat(high int64, now time.Time, p pace) {
	if high > t.high {
		t.open(t.high+1, high+1, now, now.Add(p.reorder))
		t.high = high
	}
}

// expect says that the numbers from first up to end come as a group, in order.
func (t *tracker) expect(first, end int64, now time.Time, p pace) {
	if first >= end {
		return
	}
	t.groupNext, t.groupEnd = first, end
	t.groupBy = now.Add(p.stall)
	t.soonest(t.groupBy)
	t.low, t.high = min(t.low, first), max(t.high, end-1)
}

// delivered says that the group is over: what did not come must be asked for.
func (t *tracker) delivered(now time.Time) {
	t.open(t.groupNext, t.groupEnd, now, now)
	t.groupNext, t.groupEnd = 0, 0
}

// given says that upstream will never send seq. It returns false where seq was not awaited.
func (t *tracker) given(seq int64) bool {
	_, ok := t.remove(seq)
	if ok {
		t.gone++
	}
	return ok
}

// ask appends to seqs what is to be asked for now, and to lost what has waited too long.
func (t *tracker) ask(seqs, lost []int64, now time.Time, p pace) (ask, gone []int64) {
	if t.due.IsZero() || now.Before(t.due) {
		return seqs, lost
	}
	t.due = time.Time{}
	if t.groupEnd > t.groupNext {
		if !now.Before(t.groupBy) {
			t.delivered(now)
		} else {
			t.soonest(t.groupBy)
		}
	}
	keep := t.gaps[:0]
	for _, g := range t.gaps {
		if t.holds(g.seq) {
			continue
		}
		if now.Sub(g.since) >= repairFor {
			t.gone++
			lost = append(lost, g.seq)
			continue
		}
		if !now.Before(g.next) {
			if !g.asked() {
				t.missing++
			}
			g.wait = min(max(2*g.wait, p.again), p.most)
			g.next = now.Add(g.wait)
			seqs = append(seqs, g.seq)
		}
		t.soonest(g.next)
		keep = append(keep, g)
	}
	t.gaps = keep
	return seqs, lost
}

// open notes the numbers from first up to end as missing.
func (t *tracker) open(first, end int64, now, next time.Time) {
	if end <= first {
		return
	}
	if int(end-first)+len(t.gaps) > maxGaps {
		t.gone += uint64(end-first) + uint64(len(t.gaps))
		t.missing += uint64(end - first)
		t.gaps = t.gaps[:0]
		return
	}
	for seq := first; seq < end; seq++ {
		if at, ok := t.find(seq); !ok {
			t.gaps = slices.Insert(t.gaps, at, gap{seq: seq, since: now, next: next})
		}
	}
	t.soonest(next)
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
