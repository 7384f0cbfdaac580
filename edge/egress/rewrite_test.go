package egress

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"freshet/cluster/stream"
	"freshet/proto/payload"
)

func flows() []*stream.Flow {
	return stream.New("s", 1, nil, []stream.Format{
		{Track: "v", Kind: stream.Video, RID: "q", Codec: vp8}, {Track: "v", Kind: stream.Video, RID: "h", Rank: 1, Codec: vp8},
	}, func(*stream.Flow) {}).Flows
}

// Pictures of flows that count by themselves are one row to the viewer, over switches and wraps; what is late has its own.
func TestPicturesAreOneRow(t *testing.T) {
	fl := flows()
	r := rewriter{}
	seq := int64(0)
	show := func(id uint16, tl0 uint8, newest bool) (uint16, uint8) {
		seq++
		n := r.name(&payload.Picture{At: 2, Long: true, ID: id, Base: 4, TL0: tl0}, newest)
		return (id + n.id) & 0x7fff, tl0 + n.tl0
	}
	begin := func(i int) { r.begin(fl[i], seq, 0, 0, speedOne, 0) }
	for _, row := range []struct {
		name    string
		flow    int // -1: as before
		id      uint16
		tl0     uint8
		old     bool
		wantID  uint16
		wantTL0 uint8
	}{
		{"the first", 0, 0x7ffd, 250, false, 0x7ffd, 250},
		{"the same picture", -1, 0x7ffd, 250, false, 0x7ffd, 250},
		{"the next", -1, 0x7ffe, 251, false, 0x7ffe, 251},
		{"another layer, which is ahead", 1, 0x1000, 9, false, 0x7fff, 252},
		{"its next", -1, 0x1001, 10, false, 0, 253},
		{"and next", -1, 0x1002, 14, false, 1, 1},
		{"late", -1, 0x1001, 10, true, 0, 253},
		{"back, to what was shown before", 0, 0x7ffd, 250, false, 2, 2},
		{"over its wrap", -1, 0, 253, false, 5, 5},
	} {
		if row.flow >= 0 {
			begin(row.flow)
		}
		if id, tl0 := show(row.id, row.tl0, !row.old); id != row.wantID || tl0 != row.wantTL0 {
			t.Errorf("%s: picture %#x, base layer %d, want %#x and %d", row.name, id, tl0, row.wantID, row.wantTL0)
		}
	}
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
