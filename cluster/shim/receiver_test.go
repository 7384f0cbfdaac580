package shim

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// A receiver keeps its bound through any sequence of numbers, and counts each hole out once.
func FuzzReceiver(f *testing.F) {
	f.Add(uint64(1), uint32(0))
	f.Add(uint64(2), uint32(1<<32-500))
	f.Fuzz(func(t *testing.T, seed uint64, start uint32) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := newReceiver(silent{})
		now := int64(1)
		r.begin(1, start, 0, now)
		seq := start
		for range 400 {
			now += rnd.Int64N(3 * ms)
			switch rnd.IntN(8) {
			case 0:
				seq += uint32(rnd.IntN(1100))
			case 1:
				r.tail(seq+uint32(rnd.IntN(5)), now)
			case 2:
				r.data(seq-uint32(rnd.IntN(2000)), rnd.IntN(2) == 0, now)
			case 3:
				r.ask(now, 20*ms)
			default:
				r.data(seq, false, now)
				seq++
			}
			open := 0
			for i, h := range r.holes {
				if !h.filled {
					open++
				}
				if i > 0 && !before(r.holes[i-1].seq, h.seq) {
					t.Fatalf("holes out of order: %d, %d", r.holes[i-1].seq, h.seq)
				}
			}
			if len(r.holes) > maxMissing || open != r.open {
				t.Fatalf("%d holes, %d open, counted %d", len(r.holes), open, r.open)
			}
			if out := r.reordered + r.repaired + r.repairedLate + r.gaveUp; r.missing != out+uint64(open) {
				t.Fatalf("%d missing, %d accounted for, %d open", r.missing, out, open)
			}
		}
	})
}

type silent struct{}

func (silent) transmit([]byte, []byte) error { return nil }
func (silent) control([]byte) bool           { return true }

// asks is an outlet that keeps the spans of NACKs.
type asks struct {
	spans []span
	other [][]byte
}

func (a *asks) transmit(b, _ []byte) error {
	a.other = append(a.other, append([]byte(nil), b...))
	return nil
}

func (a *asks) control(b []byte) bool {
	if kind(binary.BigEndian.Uint32(b)>>24) != kindNack {
		a.other = append(a.other, append([]byte(nil), b...))
		return true
	}
	for b = b[headerLen:]; len(b) > 0; {
		var s span
		s, b = parseSpan(b)
		a.spans = append(a.spans, s)
	}
	return true
}

// A gap is asked for at once, after 2 and 12 ms, and again 1.2 round trips and 5 ms after the first time; what is
// never sent again is given up 4 round trips and 100 ms after it was missed.
func TestAsk(t *testing.T) {
	out := &asks{}
	r := newReceiver(out)
	now := int64(1)
	r.begin(1, 100, 0, now)
	r.data(100, false, now)
	r.data(104, false, now)
	var at []int64
	for r.due != never {
		now = max(now, r.due)
		n := len(out.spans)
		r.ask(now, 100*ms)
		if len(out.spans) == n {
			continue
		}
		at = append(at, (now-1)/ms)
		if s := out.spans[n]; len(out.spans) != n+1 || s != (span{101, 3}) {
			t.Errorf("asked for %v after %d ms", out.spans[n:], at[len(at)-1])
		}
	}
	want := []int64{0, 2, 12, 125, 127, 137, 250, 252, 262, 375, 377, 387, 500}
	if !slices.Equal(at, want) {
		t.Errorf("asked after %v ms, want %v", at, want)
	}
	if r.gaveUp != 3 || r.missing != 3 {
		t.Errorf("%d missing, %d given up, want 3", r.missing, r.gaveUp)
	}
}

// What came by itself after all was late, not lost: the next gap is asked for after as long and a quarter more.
// Where it came by a resend, nothing is learnt.
func TestReordering(t *testing.T) {
	out := &asks{}
	r := newReceiver(out)
	now := int64(1)
	r.begin(1, 100, 0, now)
	r.data(101, false, now)
	r.ask(now, 100*ms)
	if up, repaired := r.data(100, true, now+8*ms); !up || !repaired {
		t.Errorf("a resend: up %v, repaired %v", up, repaired)
	}
	r.data(103, false, now)
	r.ask(now, 100*ms)
	if len(out.spans) != 2 {
		t.Errorf("asked for %v", out.spans)
	}
	now += 8 * ms
	if up, repaired := r.data(102, false, now); !up || repaired {
		t.Errorf("a late original: up %v, repaired %v", up, repaired)
	}
	if up, _ := r.data(102, true, now); up {
		t.Error("a duplicate went up")
	}
	r.data(105, false, now)
	if n := len(out.spans); n != 2 {
		t.Errorf("asked for %v", out.spans)
	}
	r.ask(now+10*ms-1, 100*ms)
	if n := len(out.spans); n != 2 {
		t.Errorf("asked for %v at once", out.spans[2:])
	}
	r.ask(now+10*ms, 100*ms)
	if n := len(out.spans); n != 3 {
		t.Errorf("asked for %v after 10 ms", out.spans[2:])
	}
	r.data(104, false, now+100*ms)
	if r.wait > maxWait {
		t.Errorf("waits %d ms", r.wait/ms)
	}
	for seq := uint32(106); seq < 30000; seq++ {
		r.data(seq, false, now)
	}
	if r.wait > minWait {
		t.Errorf("still waits %d µs after 30,000 packets in order", r.wait/1000)
	}
	want := receiveCounts{missing: 3, reordered: 2, repaired: 1, duplicates: 1}
	if got := r.receiveCounts; got != want {
		t.Errorf("counts are %+v, want %+v", got, want)
	}
}

// A stream heard first in its youth began with 0; later it begins where it is heard. Of what the lobby saw
// nothing is asked for.
func TestBegin(t *testing.T) {
	for _, row := range []struct {
		name  string
		next  uint32
		seen  uint64
		start uint32 // number of the first packet followed
		want  []span
	}{
		{"new", 0, 0, 0, nil},
		{"young", 2, 0, 2, []span{{0, 2}}},
		{"seen in part", 4, 0b1010, 4, []span{{0, 1}, {2, 1}}},
		{"seen", 3, 0b111, 3, nil},
		{"seen, then a gap", 1, 1, 3, []span{{1, 2}}},
		{"63", 63, 0, 63, []span{{0, 63}}},
		{"grown up", 64, 0, 64, nil},
		{"before the wrap", 1<<32 - 1, 0, 1<<32 - 1, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			out := &asks{}
			r := newReceiver(out)
			r.begin(1, row.next, row.seen, 1)
			if up, _ := r.data(row.start, false, 1); !up {
				t.Error("the packet did not go up")
			}
			r.ask(1, 0)
			if !slices.Equal(out.spans, row.want) {
				t.Errorf("asked for %v, want %v", out.spans, row.want)
			}
		})
	}
}

// Numbers run on through the wrap, a jump of more than a thousand begins anew, and what is far behind is old.
func TestNumbers(t *testing.T) {
	out := &asks{}
	r := newReceiver(out)
	r.begin(1, 1<<32-2, 0, 1)
	for _, seq := range []uint32{1<<32 - 2, 1<<32 - 1, 0, 2} {
		if up, _ := r.data(seq, false, 1); !up {
			t.Errorf("%d did not go up", seq)
		}
	}
	if up, _ := r.data(1, true, 1); !up || r.missing != 1 {
		t.Errorf("up %v, %d missing", up, r.missing)
	}
	if up, _ := r.data(5000, false, 1); !up || r.missing != 1 {
		t.Errorf("after a jump: up %v, %d missing", up, r.missing)
	}
	if up, _ := r.data(4000, false, 1); up {
		t.Error("what came before the jump went up")
	}
	r.tail(5001+1024, 1)
	if r.missing != 1+1024 {
		t.Errorf("%d missing, want 1025", r.missing)
	}
	r.tail(5001, 1)
	r.tail(6025, 1)
	r.tail(9000, 1)
	if r.missing != 1+1024 || r.next != 9000 {
		t.Errorf("%d missing, next %d", r.missing, r.next)
	}
	// A thousand alternate numbers are as many spans: more than one NACK.
	out.spans = nil
	r.begin(1, 10000, 0, 1)
	for i := range uint32(1000) {
		r.data(10001+2*i, false, 1)
	}
	r.ask(1, 0)
	if len(out.spans) != 1000 {
		t.Errorf("%d spans, want 1000", len(out.spans))
	}
}
