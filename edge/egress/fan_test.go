package egress

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/proto/rtpq"
)

// Sound that comes while a key frame goes to one viewer after the other does not wait for the last of them.
func TestSoundDoesNotWaitForAKeyFrame(t *testing.T) {
	const viewers, packets = 96, longAll/96 + 1
	r := newRig(t)
	p := r.tape("long", 1, "")
	p.due(onlyFirst)
	var all []*client
	for i := range viewers {
		all = append(all, r.join(p.s, fmt.Sprint("viewer", i), Form{Type: 96}, Form{Type: 111}))
	}
	r.step(100*time.Millisecond, func() { p.due(onlyFirst); p.sound() })
	r.s.round()
	for _, c := range all {
		c.read()
		c.packets = nil
	}
	for i := range packets {
		b := make([]byte, 100)
		b[0], b[1] = 0x10, 0 // VP8: a key frame
		if i > 0 {
			b[0] = 0
		}
		p.write(p.s.Flows[0], marshal(t, rtp.Header{
			SequenceNumber: p.seq[0] + uint16(i), Timestamp: uint32(p.frame) * 3000, PayloadType: rtpq.TypeVideo, Marker: i == packets-1,
		}, b))
	}
	looks, cameAt := 0, 2 // a look at the clock each few viewers, and 4 ms in between
	r.s.egress.deps.Now = func() time.Time {
		if looks++; looks == cameAt {
			p.write(p.s.Flows[1], marshal(t, rtp.Header{SequenceNumber: p.seq[1], Timestamp: uint32(p.seq[1]) * 960, PayloadType: rtpq.TypeOpus}, make([]byte, 92)))
		}
		r.now = r.now.Add(4 * time.Millisecond)
		return r.now
	}
	now := r.now
	r.s.flush(r.s.order[0], now, now.Sub(r.s.started))
	before := 0
	for i, c := range all {
		c.read()
		sound, picture := -1, 0
		for j := range c.packets {
			if c.packets[j].SSRC == c.v.audio.media.SSRC {
				sound = j
			} else {
				picture++
			}
		}
		if sound < 0 || picture != packets {
			t.Fatalf("viewer %d: %d packets of the picture of %d, sound at %d", i, picture, packets, sound)
		}
		if sound == 0 {
			before++
		}
	}
	if want := viewers - clockPackets/packets; before != want {
		t.Errorf("%d viewers had the sound before their picture, want the %d whose turn had not come", before, want)
	}
}

// Sound that has waited for a batch to end goes before the next one's pictures; what has just come goes with them.
func TestSoundThatWaitedGoesFirst(t *testing.T) {
	for _, row := range []struct {
		waited time.Duration
		first  bool
	}{{time.Millisecond, false}, {soundWait, true}} {
		r := newRig(t)
		p := r.tape("waited", 1, "")
		p.due(onlyFirst)
		c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
		r.step(100*time.Millisecond, func() { p.due(onlyFirst); p.sound() })
		r.s.round()
		c.read()
		c.packets = nil
		r.now = p.at(p.frame).Add(-row.waited)
		p.sound()
		r.now = p.at(p.frame)
		p.video(false)
		r.s.round()
		c.read()
		if len(c.packets) < 2 {
			t.Fatalf("%v: %d packets came, want sound and picture", row.waited, len(c.packets))
		}
		if first := c.packets[0].SSRC == c.v.audio.media.SSRC; first != row.first {
			t.Errorf("sound that waited %v: before the picture is %v, want %v", row.waited, first, row.first)
		}
	}
}

// A loop that was held up sends what it owes at once, in fewer and larger messages, but gives up sound of half a second ago.
func TestWhatALateLoopOwes(t *testing.T) {
	for _, row := range []struct {
		late    time.Duration
		rounds  int // until all is sent
		dropped bool
	}{{300 * time.Millisecond, 1, false}, {700 * time.Millisecond, 0, true}} {
		r := newRig(t)
		p := r.tape("late", 1, "")
		p.due(onlyFirst)
		c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
		r.step(100*time.Millisecond, func() { p.due(onlyFirst); p.sound() })
		r.s.round()
		c.read()
		c.packets = nil
		had := p.seq[1]
		for end := r.now.Add(row.late); r.now.Before(end); r.now = r.now.Add(20 * time.Millisecond) {
			p.sound()
		}
		rounds := 0
		for f := r.s.order[0].sources[1]; f.cursor < f.flow.Ring.Head(); rounds++ {
			r.s.round()
		}
		c.read()
		dropped := r.counted("freshet_egress_dropped_packets_total")
		if got := float64(len(c.packets)); got+dropped != float64(p.seq[1]-had) || dropped > 0 != row.dropped {
			t.Errorf("%v late: %v packets of %d sent and %v given up", row.late, got, p.seq[1]-had, dropped)
		}
		if row.rounds > 0 && rounds != row.rounds {
			t.Errorf("%v late: sent in %d rounds, want %d", row.late, rounds, row.rounds)
		}
	}
}
