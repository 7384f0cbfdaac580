package load

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

func numbered(seq uint16) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{SequenceNumber: seq}, Payload: []byte{1}}
}

func TestOrderWaitsForRepairsAndGivesUp(t *testing.T) {
	var o order
	now := time.Unix(0, 0)
	var got []uint16
	take := func() (gaps int) {
		for {
			p, gap := o.pop(now)
			if p == nil {
				return gaps
			}
			if gap {
				gaps++
			}
			got = append(got, p.SequenceNumber)
		}
	}
	for _, seq := range []uint16{65534, 65535, 1, 2} { // 0 is missing
		o.add(numbered(seq), now)
		take()
	}
	if want := []uint16{65534, 65535}; !slices.Equal(got, want) {
		t.Fatalf("before the repair: %v, want %v", got, want)
	}
	now = now.Add(100 * time.Millisecond)
	o.add(numbered(0), now)
	if gaps := take(); gaps != 0 || len(got) != 5 {
		t.Fatalf("after the repair: %v, %d gaps", got, gaps)
	}
	if o.add(numbered(1), now) || o.repeated != 1 || o.repaired != 1 || o.lost() != 0 {
		t.Errorf("counts: %d repeated, %d repaired, %d lost", o.repeated, o.repaired, o.lost())
	}
	o.add(numbered(5), now)
	take()
	now = now.Add(holeWait)
	if gaps := take(); gaps != 1 || got[len(got)-1] != 5 || o.lost() != 2 {
		t.Errorf("after the hole was given up: %v, %d gaps, %d lost", got, gaps, o.lost())
	}
}

// Many holes in a second of loss must not add up to many seconds of waiting.
func TestOrderWaitsForHolesTogether(t *testing.T) {
	var o order
	now := time.Unix(0, 0)
	got := 0
	take := func() {
		for p, _ := o.pop(now); p != nil; p, _ = o.pop(now) {
			got++
		}
	}
	for seq := range uint16(40) {
		now = now.Add(25 * time.Millisecond)
		if seq%2 == 0 { // every other one is lost
			o.add(numbered(seq), now)
		}
		take()
	}
	now = now.Add(holeWait)
	take()
	if got != 20 || o.lost() != 19 {
		t.Errorf("%v after the loss: %d packets of 20, %d lost", holeWait, got, o.lost())
	}
}

// TestOrderHandsOutEachOnceAndInOrder holds whatever loss, reordering and repetition there is.
func TestOrderHandsOutEachOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o order
		first := rapid.Uint16().Draw(t, "first")
		moves := rapid.SliceOfN(rapid.IntRange(-20, 40), 1, 300).Draw(t, "moves")
		now, at := time.Unix(0, 0), 0
		seen := map[int]bool{}
		var got []int
		for i, m := range moves {
			if i > 0 {
				at = max(0, at+m)
			}
			now = now.Add(10 * time.Millisecond)
			if fresh := o.add(numbered(first+uint16(at)), now); fresh == seen[at] {
				t.Fatalf("packet %d: fresh %v, seen %v", at, fresh, seen[at])
			}
			seen[at] = true
			for {
				p, _ := o.pop(now)
				if p == nil {
					break
				}
				got = append(got, int(p.SequenceNumber-first))
			}
		}
		highest := 0
		for n := range seen {
			highest = max(highest, n)
		}
		if want := int64(highest + 1 - len(seen)); o.lost() != want {
			t.Fatalf("%d lost, want %d", o.lost(), want)
		}
		for i := 1; i < len(got); i++ {
			if got[i] <= got[i-1] {
				t.Fatalf("out of order: %v", got)
			}
		}
	})
}

func BenchmarkMeter(b *testing.B) {
	m := meter{codec: videoCodec("VP8", "")}
	m.frame.codec = m.codec
	now := time.Unix(0, 0)
	p := numbered(0)
	p.Payload = make([]byte, 1000)
	p.Payload[0], p.Payload[1] = 0x10, 0x11
	p.Marker = true
	b.ReportAllocs()
	for b.Loop() {
		p.SequenceNumber++
		p.Timestamp += 3000
		now = now.Add(33 * time.Millisecond)
		m.add(p, time.Millisecond, now, func(assembled) {})
	}
}
