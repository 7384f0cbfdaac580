package relay

import (
	"cmp"
	"slices"
	"time"
)

const (
	maxRuns = 2 * sides
	maxRest = 2 * maxRuns
	portion = 128 // numbers of lost runs under repair at once: an upstream keeps 512, and a narrow path has 2 s
)

// A run is a row of numbers below the live ones that come in order.
type run struct {
	next, end int64
	side      side
	group     bool      // it comes on a stream, whose end is the run's; otherwise packet by packet
	told      bool      // upstream has told of the group
	by        time.Time // when silence means that the rest was lost
}

// patience returns when silence means that the rest of r was lost. A stream that was told of is sent as the
// path has room, and its end is heard of; what comes as datagrams comes as it did upstream.
func (r run) patience(now time.Time, p pace) time.Time {
	if r.told {
		return now.Add(groupPatience + p.stall)
	}
	return now.Add(p.stall)
}

// expect says that the numbers of r come in order. It takes the place of the run of that kind and side. What
// was missing of them is not asked for any more where a stream brings it.
func (t *tracker) expect(r run, now time.Time, p pace) {
	t.runs = slices.DeleteFunc(t.runs, func(old run) bool { return old.side == r.side && old.group == r.group })
	if r.next >= r.end {
		return
	}
	if r.told {
		for i := range t.rest {
			t.rest[i] = t.rest[i].without(row{r.next, r.end})
		}
		t.rest = slices.DeleteFunc(t.rest, func(left row) bool { return left.first >= left.end })
		t.gaps = slices.DeleteFunc(t.gaps, func(g gap) bool { return g.seq >= r.next && g.seq < r.end })
	}
	r.by = r.patience(now, p)
	t.soonest(r.by)
	t.runs = append(t.runs, r)
	t.low, t.high = min(t.low, r.next), max(t.high, r.end-1)
}

// without returns r less what of other is at one of its ends.
func (r row) without(other row) row {
	switch {
	case other.first <= r.first && other.end > r.first:
		r.first = other.end
	case other.first < r.end && other.end >= r.end:
		r.end = other.first
	}
	return r
}

// delivered says that side's stream is over, or was cut, whose last packet was seq, if that was its group's.
func (t *tracker) delivered(s side, seq int64, now time.Time) {
	t.abandon(now, func(r run) bool { return r.side == s && r.group && seq == r.next-1 })
}

// abandon takes out the runs that are over: what they did not bring was lost.
func (t *tracker) abandon(now time.Time, over func(run) bool) {
	var lost [maxRuns]row
	n := 0
	t.runs = slices.DeleteFunc(t.runs, func(r run) bool {
		if !over(r) {
			return false
		}
		lost[n] = row{r.next, r.end}
		n++
		return true
	})
	for _, r := range lost[:n] {
		t.lose(r, now)
	}
}

// lose notes that what is missing of r was to come in order and was lost. It becomes gaps in portions, for a
// run may be longer than an upstream answers at once.
func (t *tracker) lose(r row, now time.Time) {
	if r.first >= r.end {
		return
	}
	if len(t.rest) == maxRest {
		t.gone += uint64(t.rest[0].end - t.rest[0].first)
		t.rest = slices.Delete(t.rest, 0, 1)
	}
	t.rest = append(t.rest, r)
	slices.SortFunc(t.rest, func(a, b row) int { return cmp.Compare(a.first, b.first) })
	t.soonest(now)
}

// room has ask refill where half of a portion is done.
func (t *tracker) room(now time.Time) {
	if len(t.rest) > 0 && len(t.gaps) <= portion/2 {
		t.soonest(now)
	}
}

// refill makes gaps of what was lost, as far as there is room.
func (t *tracker) refill(now time.Time) {
	for len(t.rest) > 0 && len(t.gaps) < portion {
		r := &t.rest[0]
		for ; r.first < r.end && len(t.gaps) < portion; r.first++ {
			t.miss(r.first, now, now)
		}
		if r.first >= r.end {
			t.rest = slices.Delete(t.rest, 0, 1)
		}
	}
}

// forsake says that side brings nothing any more: what it was to bring is asked for elsewhere, at once.
func (t *tracker) forsake(s side, now time.Time) {
	t.abandon(now, func(r run) bool { return r.side == s })
	for i := range t.gaps {
		t.gaps[i].gone &^= 1 << s
	}
	t.hurry(now)
}

// withdraw says that nobody is there to ask. What is being asked for of lost runs waits with the rest of them:
// the next upstream may bring it all in order.
func (t *tracker) withdraw(now time.Time) {
	if n := len(t.gaps); n > 0 && len(t.rest) > 0 {
		t.lose(row{t.gaps[0].seq, t.gaps[n-1].seq + 1}, now)
		t.gaps = t.gaps[:0]
	}
}

// advance has the runs that seq belongs to go on behind it.
func (t *tracker) advance(seq int64, now time.Time, p pace) (any bool) {
	for i := range t.runs {
		r := &t.runs[i]
		if seq < r.next || seq >= r.end {
			continue
		}
		skipped := row{r.next, seq}
		r.next, r.by = seq+1, r.patience(now, p)
		t.soonest(r.by)
		if skipped.end-skipped.first > portion {
			t.lose(skipped, now)
		} else {
			t.open(skipped.first, skipped.end, now, now.Add(p.reorder))
		}
		any = true
	}
	if any {
		t.runs = slices.DeleteFunc(t.runs, func(r run) bool { return r.next >= r.end })
	}
	return any
}
