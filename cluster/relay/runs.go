package relay

import (
	"cmp"
	"slices"
	"time"
)

const (
	maxRuns = 32 // as many as streams bring at once, and more
	maxRest = 2 * maxRuns
	portion = 128 // numbers of lost runs under repair at once: an upstream keeps 512, and a narrow path has 2 s
)

// A run is a row of numbers below the live ones that are on their way: in order and packet by packet, or as a group,
// on streams that come beside each other and say which numbers they bring.
type run struct {
	next, end int64
	side      side
	group     bool      // it comes on streams
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

// expect says that the numbers of r come. It takes the place of the runs of that kind and side. What was
// missing of them is not asked for any more where streams bring it.
func (t *tracker) expect(r run, now time.Time, p pace) {
	t.runs = slices.DeleteFunc(t.runs, func(old run) bool { return old.side == r.side && old.group == r.group })
	if r.told {
		r.next = t.past(r.next, r.end)
	}
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

// past returns the first number from seq up to end that is not here.
func (t *tracker) past(seq, end int64) int64 {
	for seq < end && t.holds(seq) {
		seq++
	}
	return seq
}

// delivered says that side's stream of n numbers from seq on is over, or was cut: what it did not bring of them
// was lost. Where n is 0, it was to bring a whole group, and seq was its last packet.
func (t *tracker) delivered(s side, seq, n int64, now time.Time) {
	if n == 0 {
		t.abandon(now, func(r run) bool { return r.side == s && r.group && seq >= r.next-1 && seq < r.end })
		return
	}
	part := row{seq, seq + n}
	for i := len(t.runs) - 1; i >= 0; i-- {
		r := &t.runs[i]
		if r.side != s || !r.told || part.end <= r.next || part.first >= r.end {
			continue
		}
		over := row{max(part.first, r.next), min(part.end, r.end)}
		before, behind := row{r.next, over.first}, row{t.past(over.end, r.end), r.end}
		switch {
		case before.first >= before.end && behind.first >= behind.end:
			t.runs = slices.Delete(t.runs, i, i+1)
		case before.first >= before.end:
			r.next = behind.first
		case behind.first >= behind.end:
			r.end = before.end
		case len(t.runs) < maxRuns:
			rest := *r
			r.end, rest.next = before.end, behind.first
			t.runs = append(t.runs, rest)
		default: // too many pieces
			r.next = behind.first
			over.first = before.first
		}
		if t.past(over.first, over.end) < over.end {
			t.lose(over, now)
		}
	}
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
		r.by = r.patience(now, p)
		t.soonest(r.by)
		any = true
		if r.told { // the end of its stream says what did not come
			if seq == r.next {
				r.next = t.past(seq+1, r.end)
			}
			continue
		}
		skipped := row{r.next, seq}
		r.next = seq + 1
		if skipped.end-skipped.first > maxGaps/2 {
			t.lose(skipped, now)
		} else {
			t.open(skipped.first, skipped.end, now, now.Add(p.passed)) // it may be late upstream, and not lost here
		}
	}
	if any {
		t.runs = slices.DeleteFunc(t.runs, func(r run) bool { return r.next >= r.end })
	}
	return any
}
