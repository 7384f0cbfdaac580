package load

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
)

// vp8Packet makes packet n of of packets of a picture.
func vp8Packet(picture, n, of int, key bool) rtp.Packet {
	b := make([]byte, 40)
	if n == 0 {
		b[0] = 0x10
	}
	if !key || n > 0 {
		b[1] = 1
	}
	return rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: uint16(65530 + picture*of + n), Timestamp: uint32(picture) * 3000, Marker: n == of-1},
		Payload: b,
	}
}

func leanOf(p rtp.Packet) leanPacket {
	return leanPacket{seq: p.SequenceNumber, stamp: p.Timestamp, marker: p.Marker, payload: p.Payload}
}

// A lean track, which keeps no packets, comes to what a meter comes to, which does.
func TestLeanTrackAgreesWithMeter(t *testing.T) {
	const of = 3
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &meter{kind: stream.Video, codec: videoCodec("VP8", "")}
		m.frame.codec = m.codec
		l := newLeanTrack(stream.Video, m.codec)
		now := time.Unix(1_800_000_000, 0)
		var late []rtp.Packet
		came := map[int]map[int]bool{} // packets by picture
		give := func(p rtp.Packet) {
			again := p
			picture, n := int(p.Timestamp/3000), int(p.SequenceNumber-65530)%of
			if came[picture] == nil {
				came[picture] = map[int]bool{}
			}
			came[picture][n] = true
			l.add(leanOf(p), now)
			m.add(&again, -1, now, func(assembled) {})
		}
		for picture := range 60 {
			for n := range of {
				p := vp8Packet(picture, n, of, picture%20 == 0)
				switch x := r.IntN(100); {
				case picture == 0: // both begin at a whole picture
					give(p)
				case x < 4: // lost
				case x < 12:
					late = append(late, p)
				case x < 16:
					give(p)
					give(p)
				default:
					give(p)
				}
			}
			now = now.Add(33 * time.Millisecond)
			if r.IntN(3) == 0 || picture%5 == 4 { // before it is given up
				for _, p := range late {
					give(p)
				}
				late = nil
			}
		}
		now = now.Add(time.Second) // what is missing is given up
		for n := range of {
			give(vp8Packet(60, n, of, true))
		}
		// The meter counts two damaged pictures as one where one packet tells of both.
		got := fmt.Sprint(l.frames, l.keys, l.lost(), l.repaired, l.repeated, l.packets, l.pace.freezes)
		want := fmt.Sprint(m.now.frames, m.now.keys, m.order.lost(), m.order.repaired, m.order.repeated, m.now.packets, m.pace.freezes)
		if got != want {
			t.Fatalf("seed %d: frames, keys, lost, repaired, repeated, packets, freezes: got %s, want %s", seed, got, want)
		}
		now = now.Add(holeWait + time.Millisecond) // all holes are waited for together
		l.drain(now)
		var whole, torn int64
		for _, packets := range came {
			if len(packets) == of {
				whole++
			} else {
				torn++
			}
		}
		if l.frames != whole || l.damaged != torn {
			t.Fatalf("seed %d: %d frames, %d damaged, want %d and %d", seed, l.frames, l.damaged, whole, torn)
		}
	}
}

func TestLeanTrackAsksForWhatIsMissing(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLeanTrack(stream.Video, videoCodec("VP8", ""))
	for picture := range 4 {
		for n := range 3 {
			if i := picture*3 + n; i != 4 && i != 5 && i != 8 {
				l.add(leanOf(vp8Packet(picture, n, 3, picture == 0)), now)
			}
		}
	}
	first := 65530
	want := []uint16{uint16(first + 4), uint16(first + 5), uint16((first + 8) & 0xffff)}
	if got := l.holes(make([]uint16, 0, 8)); !slices.Equal(got, want) {
		t.Errorf("missing %v, want %v", got, want)
	}
	if got := l.holes(make([]uint16, 0, 2)); len(got) != 2 {
		t.Errorf("asked for %d numbers with room for 2", len(got))
	}
	if l.wantKey || l.frames != 1 {
		t.Errorf("%d whole pictures, wants a key frame: %v", l.frames, l.wantKey)
	}
	for range 2 { // each hole by itself
		now = now.Add(holeWait)
		l.drain(now)
	}
	if !l.wantKey || l.damaged != 2 || l.lost() != 3 {
		t.Errorf("given up: damaged %d, lost %d, wants a key frame %v", l.damaged, l.lost(), l.wantKey)
	}
	r := l.reception(5)
	if r.TotalLost != 3 || r.FractionLost != 3*256/12 || uint16(r.LastSequenceNumber) != uint16(first+11) {
		t.Errorf("report %+v", r)
	}
	if again := l.reception(5); again.FractionLost != 0 || again.TotalLost != 3 {
		t.Errorf("nothing came since: %+v", again)
	}
}

// Who joins in the middle of a picture has lost nothing, and sees the next whole one.
func TestLeanTrackBeginsInTheMiddle(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLeanTrack(stream.Video, videoCodec("VP8", ""))
	l.add(leanOf(vp8Packet(0, 2, 3, true)), now)
	for n := range 3 {
		l.add(leanOf(vp8Packet(1, n, 3, true)), now)
	}
	if l.frames != 1 || l.keys != 1 || l.damaged != 0 || l.lost() != 0 || l.wantKey {
		t.Errorf("frames %d, keys %d, damaged %d, lost %d", l.frames, l.keys, l.damaged, l.lost())
	}
}

// A sender that jumps makes no loop of the jump's length, and no hole that is waited for.
func TestLeanTrackJump(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLeanTrack(stream.Video, videoCodec("VP8", ""))
	add := func(seq uint16, marker bool) {
		l.add(leanPacket{seq: seq, marker: marker, payload: []byte{0x10, 0, 0, 0}}, now)
	}
	add(10, true)
	add(10+30000, true)
	if l.frames != 2 || l.lost() != 29999 || l.next != l.newest+1 {
		t.Errorf("frames %d, lost %d, %d to be looked at", l.frames, l.lost(), l.newest-l.next+1)
	}
	if l.add(leanPacket{seq: 11, payload: []byte{0x10}}, now) {
		t.Error("a packet older than the window was taken")
	}
}

func TestLeanTrackAllocatesNothing(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLeanTrack(stream.Video, videoCodec("VP8", ""))
	p := leanOf(vp8Packet(0, 0, 1, true))
	n := testing.AllocsPerRun(1000, func() {
		p.seq++
		p.stamp += 3000
		now = now.Add(33 * time.Millisecond)
		l.add(p, now)
	})
	if n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func TestCoarse(t *testing.T) {
	var h coarse
	if h.percentile(0.5) != nil {
		t.Error("a percentile of nothing")
	}
	for i := range 1000 {
		h.add(time.Duration(i) * 100 * time.Microsecond)
	}
	for _, c := range []struct{ q, want float64 }{{0.50, 50}, {0.99, 99}} {
		if got := *h.percentile(c.q); got < c.want*0.95 || got > c.want*1.11 {
			t.Errorf("p%v: got %.1f ms, want %v within 10 %%", 100*c.q, got, c.want)
		}
	}
	h.add(time.Hour) // beyond the last bucket
}

func BenchmarkLeanTrack(b *testing.B) {
	b.ReportAllocs()
	now := time.Unix(1_800_000_000, 0)
	l := newLeanTrack(stream.Video, videoCodec("VP8", ""))
	p := leanOf(vp8Packet(0, 0, 1, true))
	for b.Loop() {
		p.seq++
		p.stamp += 3000
		l.add(p, now)
	}
}
