package relay

import (
	"slices"
	"testing"
	"testing/quick"
	"time"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// A step of a tracker's story, and what it must ask for at the end of it.
type step struct {
	at     time.Duration
	do     func(*tracker, time.Time, pace)
	ask    []int64
	gaveUp []int64
}

// here is what the ring holds in a story.
var here map[int64]bool

func got(seqs ...int64) func(*tracker, time.Time, pace) {
	return func(t *tracker, now time.Time, p pace) {
		for _, s := range seqs {
			here[s] = true
			t.arrived(s, 0, true, now, p)
		}
	}
}

func told(next, end int64) func(*tracker, time.Time, pace) {
	return func(t *tracker, now time.Time, p pace) {
		t.expect(run{next: next, end: end, group: true, told: true}, now, p)
	}
}

// ended says that the stream of n packets from seq on is over; of version 1, where n is 0 and seq the last.
func ended(seq, n int64) func(*tracker, time.Time, pace) {
	return func(t *tracker, now time.Time, _ pace) { t.delivered(0, seq, n, now) }
}

func nothing(*tracker, time.Time, pace) {}

func TestTracker(t *testing.T) {
	p := paceOf(100*time.Millisecond, false) // asks after 12.5 ms, then each 125 ms
	const ms = time.Millisecond
	for _, row := range []struct {
		name                   string
		steps                  []step
		missing, repaired, out uint64
	}{
		{"in order", []step{{0, got(100, 101, 102), nil, nil}, {time.Second, nothing, nil, nil}}, 0, 0, 0},
		{"reordered", []step{{0, got(100, 102), nil, nil}, {5 * ms, got(101), nil, nil}, {time.Second, nothing, nil, nil}}, 0, 0, 0},
		{"lost", []step{
			{0, got(100, 103), nil, nil}, {12 * ms, nothing, nil, nil}, {13 * ms, nothing, []int64{101, 102}, nil},
			{100 * ms, got(101), nil, nil}, {138 * ms, nothing, []int64{102}, nil}, {200 * ms, got(102), nil, nil}, {time.Second, nothing, nil, nil},
		}, 2, 2, 0},
		{"given up", []step{
			{0, got(100, 102), nil, nil}, {13 * ms, nothing, []int64{101}, nil}, {1900 * ms, nothing, []int64{101}, nil}, {2100 * ms, nothing, nil, []int64{101}},
		}, 1, 0, 1},
		{"gone", []step{
			{0, got(100, 102), nil, nil}, {13 * ms, nothing, []int64{101}, nil},
			{20 * ms, func(t *tracker, _ time.Time, _ pace) { t.given(101, 0, 1, start) }, nil, nil}, {time.Second, nothing, nil, nil},
		}, 1, 0, 1},
		{"the last", []step{
			{0, got(100), nil, nil}, {50 * ms, func(t *tracker, now time.Time, p pace) { t.beat(101, now, p) }, nil, nil},
			{63 * ms, nothing, []int64{101}, nil}, {80 * ms, got(101), nil, nil},
		}, 1, 1, 0},
		{"group with a hole", []step{
			{0, told(90, 100), nil, nil},
			{1 * ms, got(100, 90, 91, 93, 94), nil, nil}, {14 * ms, nothing, nil, nil}, {15 * ms, ended(90, 5), []int64{92}, nil},
			{20 * ms, got(92, 95, 96, 97, 98, 99), nil, nil}, {21 * ms, ended(95, 5), nil, nil}, {time.Second, nothing, nil, nil},
		}, 1, 1, 0},
		{"group whose parts overtake each other", []step{
			{0, told(90, 100), nil, nil},
			{1 * ms, got(100, 93, 94, 95), nil, nil}, {2 * ms, ended(93, 3), nil, nil}, {3 * ms, got(96, 97, 98, 99), nil, nil},
			{4 * ms, ended(96, 4), nil, nil}, {5 * ms, got(90, 91), nil, nil}, {6 * ms, ended(90, 3), []int64{92}, nil},
			{7 * ms, got(92), nil, nil}, {20 * time.Second, nothing, nil, nil},
		}, 1, 1, 0},
		{"part that never comes", []step{
			{0, told(90, 100), nil, nil},
			{1 * ms, got(100, 90, 91, 92, 93, 96, 97, 98, 99), nil, nil}, {2 * ms, ended(96, 4), nil, nil}, {3 * ms, ended(90, 4), nil, nil},
			{5600 * ms, nothing, nil, nil}, {5603 * ms, nothing, []int64{94, 95}, nil},
		}, 2, 0, 0},
		{"part that is cut before its first packet", []step{{0, told(90, 100), nil, nil}, {1 * ms, ended(92, 2), []int64{92, 93}, nil}}, 2, 0, 0},
		{"part twice, as its connection failed", []step{
			{0, told(90, 93), nil, nil}, {1 * ms, got(100, 90), nil, nil}, {2 * ms, ended(90, 3), []int64{91, 92}, nil},
			{3 * ms, got(91, 92), nil, nil}, {4 * ms, ended(90, 3), nil, nil}, {time.Second, nothing, nil, nil},
		}, 2, 2, 0},
		{"stream of a live packet, too large for a datagram", []step{
			{0, told(90, 100), nil, nil}, {1 * ms, got(100), nil, nil}, {2 * ms, ended(100, 1), nil, nil},
		}, 0, 0, 0},
		{"group that stops", []step{
			{0, told(90, 100), nil, nil},
			{1 * ms, got(100, 90, 91, 92, 93, 94, 95, 96, 97), nil, nil}, {5600 * ms, nothing, nil, nil}, {5602 * ms, nothing, []int64{98, 99}, nil},
		}, 2, 0, 0},
		{"group that ends early", []step{
			{0, told(90, 92), nil, nil},
			{1 * ms, got(90), nil, nil}, {2 * ms, ended(90, 0), []int64{91}, nil},
		}, 1, 0, 0},
		{"group nobody told of", []step{
			{0, got(100, 90, 92), nil, nil}, {124 * ms, nothing, nil, nil}, {125 * ms, nothing, []int64{91}, nil}, {200 * ms, got(91), nil, nil},
		}, 1, 1, 0},
		{"rest of a group that stops", []step{
			{0, func(t *tracker, now time.Time, p pace) { t.expect(run{next: 90, end: 100}, now, p) }, nil, nil},
			{1 * ms, got(100, 90, 91, 92, 93, 94, 95, 96, 97), nil, nil}, {599 * ms, nothing, nil, nil}, {602 * ms, nothing, []int64{98, 99}, nil},
		}, 2, 0, 0},
		{"group that may come, and does not", []step{
			{0, func(t *tracker, now time.Time, p pace) { t.expect(run{next: 98, end: 100, group: true}, now, p) }, nil, nil},
			{599 * ms, nothing, nil, nil}, {602 * ms, nothing, []int64{98, 99}, nil},
		}, 2, 0, 0},
		{"group that was here", []step{
			{0, told(90, 100), nil, nil},
			{5000 * ms, func(t *tracker, now time.Time, p pace) { t.arrived(90, 0, false, now, p) }, nil, nil}, {5601 * ms, nothing, nil, nil},
			{10600 * ms, nothing, []int64{91, 92, 93, 94, 95, 96, 97, 98, 99}, nil},
		}, 9, 0, 0},
		{"two groups, one lost", []step{
			{0, func(t *tracker, now time.Time, p pace) {
				t.expect(run{next: 90, end: 100, side: 0, group: true, told: true}, now, p)
				t.expect(run{next: 94, end: 98, side: 1, group: true, told: true}, now, p)
			}, nil, nil},
			{1 * ms, func(t *tracker, now time.Time, _ pace) { t.forsake(0, now) }, []int64{90, 91, 92, 93, 98, 99}, nil},
		}, 6, 0, 0},
		{"loss before a jump", []step{
			{0, got(100, 102, 102+maxGaps+1), nil, nil}, {13 * ms, nothing, []int64{101}, nil},
		}, maxGaps + 1, 0, maxGaps},
		{"a jump", []step{{0, got(100, 100+maxGaps+2), nil, nil}, {time.Second, nothing, nil, nil}}, maxGaps + 1, 0, maxGaps + 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			here = map[int64]bool{}
			tr := &tracker{high: -1, holds: func(seq int64) bool { return here[seq] }}
			tr.start(100)
			for _, s := range row.steps {
				now := start.Add(s.at)
				s.do(tr, now, p)
				var a asks
				tr.ask(&a, []side{0}, now, &[sides]pace{p, p})
				if !slices.Equal(a.of[0], s.ask) || !slices.Equal(a.lost, s.gaveUp) {
					t.Fatalf("at %v: asks %v and gives up %v, want %v and %v", s.at, a.of[0], a.lost, s.ask, s.gaveUp)
				}
			}
			if tr.missing != row.missing || tr.repaired != row.repaired || tr.gone != row.out {
				t.Errorf("missing %d, repaired %d, gone %d, want %d, %d, %d", tr.missing, tr.repaired, tr.gone, row.missing, row.repaired, row.out)
			}
		})
	}
}

// Whatever comes, the gaps stay few, in order and without doubles, and there is an end to the asking.
func TestTrackerHolds(t *testing.T) {
	p := paceOf(10*time.Millisecond, false)
	check := func(moves []struct {
		Kind uint8
		Seq  uint16
		N    uint8
		Wait uint8
	}) bool {
		held := map[int64]bool{}
		tr := &tracker{high: -1, holds: func(s int64) bool { return held[s] }}
		now := start
		var a asks
		order := []side{0, 1}
		tr.start(1000)
		for _, m := range moves {
			seq := int64(m.Seq) % 4000
			now = now.Add(time.Duration(m.Wait) * time.Millisecond)
			switch m.Kind % 8 {
			case 0, 1:
				tr.arrived(seq, side(m.N%2), !held[seq], now, p)
				held[seq] = true
			case 2:
				tr.beat(seq, now, p)
			case 3:
				tr.expect(run{next: seq, end: seq + int64(m.N), side: side(m.Wait % 2), group: m.Wait%3 > 0, told: m.N%2 > 0}, now, p)
			case 4:
				tr.delivered(side(m.Wait%2), seq, int64(m.N%40), now)
			case 5:
				tr.given(seq, side(m.Wait%2), 3, now)
			case 6:
				tr.forsake(side(m.Wait%2), now)
			case 7:
				tr.withdraw(now)
			}
			tr.ask(&a, order[:m.N%3], now, &[sides]pace{p, p})
			if len(tr.runs) > maxRuns || len(tr.rest) > maxRest || len(tr.gaps) > maxGaps || !slices.IsSortedFunc(tr.gaps, func(a, b gap) int { return int(a.seq - b.seq) }) {
				return false
			}
			for i := 1; i < len(tr.gaps); i++ {
				if tr.gaps[i].seq == tr.gaps[i-1].seq {
					return false
				}
			}
		}
		for range 300 { // a group's silence, then its gaps' age, portion by portion
			now = now.Add(repairFor + time.Second)
			tr.ask(&a, order[:1], now, &[sides]pace{p, p})
		}
		return len(tr.gaps)+len(tr.runs)+len(tr.rest) == 0 && tr.due.IsZero()
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 300}); err != nil {
		t.Error(err)
	}
}

// A group whose stream is cut is fetched number by number, however long it is, and not all of it at once.
func TestLongRestOfAGroup(t *testing.T) {
	p := paceOf(100*time.Millisecond, false)
	held := map[int64]bool{}
	tr := &tracker{high: -1, holds: func(n int64) bool { return held[n] }}
	come := func(seq int64, now time.Time) {
		tr.arrived(seq, 0, !held[seq], now, p)
		held[seq] = true
	}
	const length, cut = 4000, 1935
	tr.start(length)
	tr.expect(run{next: 0, end: length, group: true, told: true}, start, p)
	for n := range int64(cut) {
		come(n, start)
	}
	come(length+1, start) // a gap of the live ones
	tr.delivered(0, cut-1, 0, start)
	var a asks
	now := start
	for ; len(held) < length+2 && now.Before(start.Add(time.Minute)); now = now.Add(10 * time.Millisecond) {
		tr.ask(&a, []side{0}, now, &[sides]pace{p, p})
		if len(a.of[0]) > portion+1 {
			t.Fatalf("%d numbers are asked for at once", len(a.of[0]))
		}
		for _, seq := range a.of[0] {
			come(seq, now)
		}
	}
	if len(held) != length+2 || tr.gone != 0 || tr.duplicates != 0 {
		t.Errorf("%d of %d came, %d given up, %d twice", len(held), length+2, tr.gone, tr.duplicates)
	}
}
