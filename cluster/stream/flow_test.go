package stream

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// vp8 returns an RTP packet that begins a VP8 frame.
func vp8(seq uint16, key bool) []byte {
	frame := []byte{0x10, 0x01, 0, 0}
	if key {
		frame[1] = 0
	}
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: seq, Timestamp: uint32(seq) * 3000, Marker: true}, Payload: frame}
	b, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

func videoFlow(ask func(*Flow)) *Flow {
	formats := []Format{{Track: "v", Kind: Video, Codec: Codec{Name: "VP8", ClockRate: 90000}}}
	return New("a", 1, nil, formats, ask).Flows[0]
}

// However many ask, the publisher is asked once a second, and not just after a key frame.
func TestKeyframeRequestsMerge(t *testing.T) {
	asked := 0
	f := videoFlow(func(*Flow) { asked++ })
	for _, row := range []struct {
		at   time.Duration
		key  bool
		want int
	}{
		{0, false, 1}, {10 * time.Millisecond, false, 1}, {999 * time.Millisecond, false, 1}, {time.Second, false, 2},
		{1100 * time.Millisecond, true, 2}, {2100 * time.Millisecond, true, 2}, {2500 * time.Millisecond, false, 2}, {2600 * time.Millisecond, false, 3},
	} {
		now := start.Add(row.at)
		if row.key {
			if _, err := f.Write(vp8(uint16(row.at/time.Millisecond), true), now); err != nil {
				t.Fatal(err)
			}
		}
		f.RequestKeyframe(now)
		if asked != row.want {
			t.Errorf("at %v: asked %d times, want %d", row.at, asked, row.want)
		}
	}
}

// A wall clock that was set back does not hold requests up until it is where it was.
func TestKeyframeRequestsAfterClockStep(t *testing.T) {
	asked := 0
	f := videoFlow(func(*Flow) { asked++ })
	f.RequestKeyframe(start)
	if _, err := f.Write(vp8(1, true), start.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	f.RequestKeyframe(start.Add(-5 * time.Minute))
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
}

func TestWriteMarksKeyFrames(t *testing.T) {
	f := videoFlow(nil)
	for i, key := range []bool{false, true, false, false, true} {
		if fresh, err := f.Write(vp8(uint16(i), key), start); !fresh || err != nil {
			t.Fatalf("packet %d: %v %v", i, fresh, err)
		}
	}
	if g, ok := f.Ring.Newest(); !ok || uint16(g.First) != 4 {
		t.Errorf("newest group %+v %v, want the one from 4", g, ok)
	}
	if fresh, err := f.Write(vp8(3, false), start); fresh || err != nil {
		t.Errorf("a duplicate was taken: %v %v", fresh, err)
	}
	if _, err := f.Write([]byte{1, 2, 3}, start); err == nil {
		t.Error("three bytes passed as an RTP packet")
	}
}

// What a ring holds from before a layer slept is no group to begin with, unless what came between is
// filled in.
func TestGroupOfBeforeAPause(t *testing.T) {
	second := int64(time.Second)
	type packet struct {
		at  int64
		seq uint16
		key bool
	}
	for _, row := range []struct {
		name    string
		packets []packet
		want    int // sequence number of the group, -1 for none
	}{
		{"no pause", []packet{{0, 10, true}, {second / 4, 11, false}}, 10},
		{"a hole without a pause", []packet{{0, 10, true}, {second / 4, 14, false}}, 10},
		{"a publisher that was silent", []packet{{0, 10, true}, {9 * second, 11, false}}, 10},
		{"a layer that slept", []packet{{0, 10, true}, {9 * second, 700, false}}, -1},
		{"and has a key frame again", []packet{{0, 10, true}, {9 * second, 700, false}, {9 * second, 701, true}}, 701},
		{"whose group came behind what is live", []packet{{0, 10, true}, {9 * second, 700, false}, {9 * second, 650, true}}, 650},
		{"a cut that was mended", []packet{{0, 10, true}, {second, 13, false}, {second, 11, false}, {second, 11, false}, {second, 12, false}}, 10},
		{"a cut that was mended in part", []packet{{0, 10, true}, {second, 13, false}, {second, 11, false}, {second, 11, false}}, -1},
		{"two pauses", []packet{{0, 10, true}, {second, 20, true}, {3 * second, 40, false}}, -1},
		{"over the wrap", []packet{{0, 65530, true}, {9 * second, 100, false}}, -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := videoFlow(func(*Flow) {})
			for _, p := range row.packets {
				if _, err := f.Write(vp8(p.seq, p.key), start.Add(time.Duration(p.at))); err != nil {
					t.Fatal(err)
				}
			}
			got := -1
			if g, ok := f.Group(); ok {
				got = int(uint16(g.First))
			}
			if got != row.want {
				t.Errorf("group: got %d, want %d", got, row.want)
			}
		})
	}
}

// A layer that is let go and wanted again at once may have a hole of a round trip, which is no loss.
func TestGroupOfBeforeAShortSleep(t *testing.T) {
	formats := []Format{{Track: "v", Kind: Video, Rank: 1, Codec: Codec{Name: "VP8", ClockRate: 90000}}}
	for _, row := range []struct {
		name        string
		wantedUntil int // sequence number, of 10 to 500 without 400 to 404, one each 10 ms
		again       int
		want        bool
	}{
		{"wanted all along", 999, 999, true},
		{"wanted again just before", 15, 399, false},
		{"wanted again with the hole", 150, 405, false},
		{"unwanted", 15, 999, false},
		{"wanted again long before", 15, 290, true},
		{"unwanted for too short to be let go", 300, 399, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := New("a", 1, nil, formats, func(*Flow) {}).Flows[0]
			f.Want()
			for seq := 10; seq < 500; seq++ {
				if seq == row.wantedUntil {
					f.Unwant()
				}
				if seq == row.again {
					f.Want()
				}
				if seq >= 400 && seq < 405 {
					continue
				}
				if _, err := f.Write(vp8(uint16(seq), seq == 10), start.Add(time.Duration(seq)*10*time.Millisecond)); err != nil {
					t.Fatal(err)
				}
			}
			if _, ok := f.Group(); ok != row.want {
				t.Errorf("group: got %v, want %v", ok, row.want)
			}
		})
	}
}
