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

func got(seqs ...int64) func(*tracker, time.Time, pace) {
	return func(t *tracker, now time.Time, p pace) {
		for _, s := range seqs {
			t.arrived(s, true, now, p)
		}
	}
}

func nothing(*tracker, time.Time, pace) {}

func TestTracker(t *testing.T) {
	p := paceOf(100 * time.Millisecond) // asks after 12.5 ms, then each 125 ms
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
			{20 * ms, func(t *tracker, _ time.Time, _ pace) { t.given(101) }, nil, nil}, {time.Second, nothing, nil, nil},
		}, 1, 0, 1},
		{"the last", []step{
			{0, got(100), nil, nil}, {50 * ms, func(t *tracker, now time.Time, p pace) { t.beat(101, now, p) }, nil, nil},
			{63 * ms, nothing, []int64{101}, nil}, {80 * ms, got(101), nil, nil},
		}, 1, 1, 0},
		{"group with a hole", []step{
			{0, func(t *tracker, now time.Time, p pace) { t.expect(90, 100, now, p) }, nil, nil},
			{1 * ms, got(100, 90, 91, 93), nil, nil}, {14 * ms, nothing, []int64{92}, nil},
			{20 * ms, got(92, 94, 95, 96, 97, 98, 99), nil, nil}, {time.Second, nothing, nil, nil},
		}, 1, 1, 0},
		{"group that stops", []step{
			{0, func(t *tracker, now time.Time, p pace) { t.expect(90, 100, now, p) }, nil, nil},
			{1 * ms, got(100, 90, 91, 92, 93, 94, 95, 96, 97), nil, nil}, {599 * ms, nothing, nil, nil}, {602 * ms, nothing, []int64{98, 99}, nil},
		}, 2, 0, 0},
		{"group that ends early", []step{
			{0, func(t *tracker, now time.Time, p pace) { t.expect(90, 92, now, p) }, nil, nil},
			{1 * ms, got(90), nil, nil}, {2 * ms, func(t *tracker, now time.Time, _ pace) { t.delivered(now) }, []int64{91}, nil},
		}, 1, 0, 0},
		{"group nobody told of", []step{
			{0, got(100, 90, 92), nil, nil}, {13 * ms, nothing, []int64{91}, nil}, {20 * ms, got(91), nil, nil},
		}, 1, 1, 0},
		{"a jump", []step{{0, got(100, 100+maxGaps+2), nil, nil}, {time.Second, nothing, nil, nil}}, maxGaps + 1, 0, maxGaps + 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			tr := &tracker{high: -1, holds: func(int64) bool { return false }}
			tr.start(100)
			for _, s := range row.steps {
				now := start.Add(s.at)
				s.do(tr, now, p)
				ask, gaveUp := tr.ask(nil, nil, now, p)
				if !slices.Equal(ask, s.ask) || !slices.Equal(gaveUp, s.gaveUp) {
					t.Fatalf("at %v: asks %v and gives up %v, want %v and %v", s.at, ask, gaveUp, s.ask, s.gaveUp)
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
	p := paceOf(10 * time.Millisecond)
	check := func(moves []struct {
		Kind uint8
		Seq  uint16
		N    uint8
		Wait uint8
	}) bool {
		held := map[int64]bool{}
		tr := &tracker{high: -1, holds: func(s int64) bool { return held[s] }}
		now := start
		tr.start(1000)
		for _, m := range moves {
			seq := int64(m.Seq) % 4000
			now = now.Add(time.Duration(m.Wait) * time.Millisecond)
			switch m.Kind % 6 {
			case 0, 1:
				tr.arrived(seq, !held[seq], now, p)
				held[seq] = true
			case 2:
				tr.beat(seq, now, p)
			case 3:
				tr.expect(seq, seq+int64(m.N), now, p)
			case 4:
				tr.delivered(now)
			case 5:
				tr.given(seq)
			}
			tr.ask(nil, nil, now, p)
			if len(tr.gaps) > maxGaps || !slices.IsSortedFunc(tr.gaps, func(a, b gap) int { return int(a.seq - b.seq) }) {
				return false
			}
			for i := 1; i < len(tr.gaps); i++ {
				if tr.gaps[i].seq == tr.gaps[i-1].seq {
					return false
				}
			}
		}
		for range 3 { // a group's silence, then its gaps' age
			now = now.Add(repairFor + time.Second)
			tr.ask(nil, nil, now, p)
		}
		return len(tr.gaps) == 0 && tr.due.IsZero()
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 300}); err != nil {
		t.Error(err)
	}
}
