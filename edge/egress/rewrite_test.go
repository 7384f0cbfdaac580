package egress

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"freshet/cluster/stream"
)

func flows() []*stream.Flow {
	return stream.New("s", 1, nil, []stream.Format{
		{Track: "v", Kind: stream.Video, RID: "q", Codec: vp8}, {Track: "v", Kind: stream.Video, RID: "h", Rank: 1, Codec: vp8},
	}, func(*stream.Flow) {}).Flows
}

// Whatever the rings deliver and however often a viewer is moved about: no number is given twice, and
// what find says of a number is the packet that had it.
func TestNumbersAreGivenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fl := flows()
		r := rewriter{high: rapid.Int64Range(0, 1<<15).Draw(t, "start")}
		type origin struct {
			flow *stream.Flow
			seq  int64
		}
		given := map[int64]origin{}
		now := mono(0)
		var flow *stream.Flow
		var first int64
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += time.Millisecond
			if flow == nil || rapid.IntRange(0, 9).Draw(t, "switch") == 0 {
				flow = fl[rapid.IntRange(0, 1).Draw(t, "flow")]
				first = rapid.Int64Range(1<<16, 1<<20).Draw(t, "first")
				r.begin(flow, first, 0, 0, speedOne, now)
			}
			seq := first + rapid.Int64Range(-3, 40).Draw(t, "seq")
			n, _, ok := r.place(seq, uint32(seq), false, now)
			if !ok {
				continue
			}
			if before, twice := given[n]; twice {
				t.Fatalf("number %d was given to %v and to %d", n, before, seq)
			}
			given[n] = origin{flow, seq}
			if s, got, ok := r.find(uint16(n)); !ok || got != seq || s.flow != flow {
				t.Fatalf("number %d is found as %d %v, want %d", n, got, ok, seq)
			}
		}
	})
}

// Timestamps in a catch-up never go back and meet live without a jump.
func TestTimestampsOfACatchUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := segment{
			key: rapid.Uint32().Draw(t, "key"), base: rapid.Uint32().Draw(t, "base"),
			speed: uint32(rapid.IntRange(speedOne+1, 7*speedOne).Draw(t, "speed")),
		}
		bend := uint32(rapid.IntRange(0, 12*90000).Draw(t, "bend"))
		before := s.timestamp(s.key + bend)
		s.straighten(s.key + bend)
		if got := s.timestamp(s.key + bend); got != before {
			t.Fatalf("the bend moves from %d to %d", before, got)
		}
		last := s.timestamp(s.key)
		for ts := uint32(0); ts < bend+9000; ts += 3000 {
			out := s.timestamp(s.key + ts)
			if int32(out-last) < 0 {
				t.Fatalf("timestamp %d follows %d", out, last)
			}
			last = out
		}
		if d := s.timestamp(s.key+bend+3000) - s.timestamp(s.key+bend); d != 3000 {
			t.Fatalf("a live frame takes %d ticks, want 3000", d)
		}
	})
}

// A viewer who began with a catch-up and watches for half a day gets timestamps that run with the media,
// beyond the 6.6 hours after which differences of them turn negative.
func TestTimestampsOfALongDay(t *testing.T) {
	const second, gap = 90000, 10
	r := rewriter{}
	r.begin(flows()[0], 1, 7, 100, 5*speedOne, 0)
	r.place(1, 7, true, 0)
	key := uint32(7)
	r.segs[0].straighten(key + 8*second)
	_, last, _ := r.place(2, key+8*second, true, 0)
	ts := key + 8*second
	for n := int64(3); n < 14*3600/gap; n++ {
		ts += gap * second
		_, out, ok := r.place(n, ts, true, 0)
		if !ok || out-last != gap*second {
			t.Fatalf("after %d s: timestamp moves by %d in %d ticks", n*gap, int32(out-last), gap*second)
		}
		last = out
	}
}

// Where the publisher's timestamps jump back after a catch-up, they run with the media from there.
func TestTimestampsJumpBack(t *testing.T) {
	r := rewriter{}
	r.begin(flows()[0], 1, 50_000_000, 100, 5*speedOne, 0)
	r.place(1, 50_000_000, true, 0)
	r.segs[0].straighten(50_090_000)
	_, last, _ := r.place(2, 1000, true, 0)
	for n := int64(3); n < 30_000; n++ {
		_, out, ok := r.place(n, 1000+uint32(n-2)*3000, true, 0)
		if !ok || out-last != 3000 {
			t.Fatalf("packet %d: timestamp moves by %d, want 3000", n, int32(out-last))
		}
		last = out
	}
}
