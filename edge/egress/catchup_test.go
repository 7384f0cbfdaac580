package egress

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

// contiguous fails on a gap in numbers or a timestamp that goes back. It returns the frames in order.
func contiguous(t *testing.T, c *client) (frames []int) {
	t.Helper()
	all, _ := c.video()
	for i := range all {
		if i > 0 {
			if all[i].SequenceNumber != all[i-1].SequenceNumber+1 {
				t.Fatalf("number %d follows %d", all[i].SequenceNumber, all[i-1].SequenceNumber)
			}
			if int32(all[i].Timestamp-all[i-1].Timestamp) < 0 {
				t.Fatalf("timestamp %d follows %d", all[i].Timestamp, all[i-1].Timestamp)
			}
		}
		if n := frameOf(&all[i]); len(frames) == 0 || frames[len(frames)-1] != n {
			frames = append(frames, n)
		}
	}
	return frames
}

// The way from a cached group to live, to the millisecond: no machine is in the way here.
func TestCatchUp(t *testing.T) {
	for _, age := range []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 11 * time.Second} {
		t.Run(age.String(), func(t *testing.T) {
			r := newRig(t)
			p := r.tape("floor", 1, "")
			p.due(onlyFirst)
			p.record(age, onlyFirst)
			joined := r.now
			c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
			c.read()
			r.step(4*time.Second, func() { p.due(onlyFirst); c.read() })
			frames := contiguous(t, c)
			for i, n := range frames {
				if n != i {
					t.Fatalf("frame %d came as number %d", n, i)
				}
			}
			all, at := c.video()
			if at[0] != joined {
				t.Errorf("the key frame came %v after the join, want at once", at[0].Sub(joined))
			}
			for i := range all {
				if i > 0 && at[i].Sub(at[i-1]) > 40*time.Millisecond {
					t.Errorf("packet %d came %v after the one before", i, at[i].Sub(at[i-1]))
				}
				played := time.Duration(all[i].Timestamp-all[0].Timestamp) * time.Second / 90000
				if late := at[i].Sub(joined) - played; age > atOnce && (late < -45*time.Millisecond || late > 45*time.Millisecond) {
					t.Fatalf("frame %d came %v after its timestamp says", frameOf(&all[i]), late)
				}
				if behind := at[i].Sub(p.at(frameOf(&all[i]))); at[i].Sub(joined) > catchUpIn && behind > 45*time.Millisecond {
					t.Fatalf("frame %d came %v after it was made", frameOf(&all[i]), behind)
				}
			}
			if p.asked != 0 {
				t.Errorf("the publisher was asked %d times", p.asked)
			}
			if c.v.video.catch != nil || c.v.video.src == nil {
				t.Error("the viewer is not live")
			}
		})
	}
}

// A packet missing from the cached group is waited for, then passed; when it comes after all it goes out
// once, in its place.
func TestHoleInTheCachedGroup(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration // when the missing packet comes; 0: never
	}{{"comes in time", 100 * time.Millisecond}, {"comes late", 400 * time.Millisecond}, {"never comes", 0}} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t)
			p := r.tape("floor", 1, "")
			p.video(true)
			missing := p.packet(0, 1, false)
			p.video(false, 1)
			p.video(false)
			c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
			came := false
			r.step(time.Second, func() {
				p.due(onlyFirst)
				if !came && row.after != 0 && r.now.Sub(p.start) >= row.after {
					p.write(p.s.Flows[0], missing)
					came = true
				}
				c.read()
			})
			r.step(5*time.Millisecond, c.read) // the last frame written
			all, at := c.video()
			want := p.frame * perFrame
			if row.after == 0 {
				want--
			}
			if len(all) != want {
				t.Errorf("packets: got %d, want %d", len(all), want)
			}
			var worst time.Duration
			for i := 1; i < len(at); i++ {
				worst = max(worst, at[i].Sub(at[i-1]))
			}
			if worst > holeWait+15*time.Millisecond && row.after != 400*time.Millisecond {
				t.Errorf("longest wait: got %v, want at most %v", worst, holeWait)
			}
		})
	}
}

// When a new group pushes the cached one out of the ring in mid-catch-up, the viewer goes on with the new one.
func TestGroupGoneInMidCatchUp(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	keys := func(n int) bool { return n == 0 || n == 303 }
	p.due(keys)
	p.record(10*time.Second, keys)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	r.step(4*time.Second, func() { p.due(keys); c.read() })
	frames := contiguous(t, c)
	skipped := false
	for i := 1; i < len(frames); i++ {
		if frames[i] != frames[i-1]+1 {
			if frames[i] != 303 || skipped {
				t.Fatalf("frame %d follows %d", frames[i], frames[i-1])
			}
			skipped = true
		}
	}
	if last := frames[len(frames)-1]; last < p.frame-2 {
		t.Errorf("last frame: got %d, want %d or so", last, p.frame-1)
	}
	_, at := c.video()
	for i := 1; i < len(at); i++ {
		if gap := at[i].Sub(at[i-1]); gap > 200*time.Millisecond {
			t.Errorf("gap of %v", gap)
		}
	}
}

// A loop that was held up for longer than 500 ms drops what it missed and goes on at the next key frame.
func TestFallBehind(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	keys := func(n int) bool { return n%60 == 0 }
	p.due(keys)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	r.step(500*time.Millisecond, func() { p.due(keys); c.read() })
	p.record(700*time.Millisecond, keys) // no round meanwhile
	r.step(3*time.Second, func() { p.due(keys); c.read() })
	frames := contiguous(t, c)
	for i := 1; i < len(frames); i++ {
		if frames[i] != frames[i-1]+1 && !keys(frames[i]) {
			t.Errorf("frame %d follows %d and is no key frame", frames[i], frames[i-1])
		}
	}
	if last := frames[len(frames)-1]; last < p.frame-2 {
		t.Errorf("last frame: got %d, want %d or so", last, p.frame-1)
	}
}

// Packets out of order keep their place by number, each goes out once, and a NACK after a switch still
// finds a packet of the layer before.
func TestReorderingAndOldNACK(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "q", "h")
	keys := func(n int) bool { return n%15 == 0 }
	p.due(keys)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	r.step(300*time.Millisecond, func() { p.due(keys); c.read() })
	swapped := [][]byte{p.packet(1, 0, false), p.packet(1, 1, false), p.packet(1, 2, false)}
	p.video(false, 0, 1, 2)
	for _, i := range []int{2, 0, 0, 1} {
		p.write(p.s.Flows[1], swapped[i])
		r.step(10*time.Millisecond, c.read)
	}
	contiguous(t, c)
	all, _ := c.video()
	old := all[len(all)-4]
	c.v.asked = Selection{Fixed: true, RID: "q"}
	r.s.now = r.now.Sub(r.s.started)
	r.s.adapt(c.v, r.s.now)
	r.step(time.Second, func() { p.due(keys); c.read() })
	contiguous(t, c)
	if c.v.video.src.flow.Format.RID != "q" {
		t.Fatalf("layer: got %q, want q", c.v.video.src.flow.Format.RID)
	}
	c.send(&rtcp.ReceiverReport{SSRC: 1}, &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: old.SSRC, Nacks: []rtcp.NackPair{{PacketID: old.SequenceNumber}}})
	r.s.batch.flush()
	c.read()
	again, _ := c.of(c.v.video.media.RTXSSRC)
	if len(again) != 1 {
		t.Fatalf("retransmissions: got %d, want 1", len(again))
	}
	osn := uint16(again[0].Payload[0])<<8 | uint16(again[0].Payload[1])
	if again[0].PayloadType != 97 || osn != old.SequenceNumber || string(again[0].Payload[2:]) != string(old.Payload) || again[0].Timestamp != old.Timestamp {
		t.Errorf("retransmission %v of %d, want %v", again[0].Header, osn, old.Header)
	}
	// The same NACK at once means nothing new; later it does.
	c.send(&rtcp.ReceiverReport{SSRC: 1}, &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: old.SSRC, Nacks: []rtcp.NackPair{{PacketID: old.SequenceNumber}}})
	r.s.batch.flush()
	c.read()
	if again, _ := c.of(c.v.video.media.RTXSSRC); len(again) != 1 {
		t.Errorf("retransmissions after a NACK repeated at once: got %d, want 1", len(again))
	}
}

// The answer to the video's sender report tells the round trip though audio has had one since, and a NACK
// that comes again within it is not answered twice.
func TestRoundTrip(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	for i, f := range p.s.Flows { // each has its own clock, so reports of one moment differ
		f.SetClock(stream.Clock{At: r.now.Add(time.Duration(i) * time.Second)})
	}
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	audio := p.s.Flows[len(p.s.Flows)-1]
	p.write(audio, marshal(t, rtp.Header{PayloadType: rtpq.TypeOpus}, []byte{1}))
	r.step(1500*time.Millisecond, func() { p.due(onlyFirst); c.read() })
	r.s.sendReport(c.v, r.s.now)
	r.s.batch.flush()
	c.read()
	ssrc := c.v.video.media.SSRC
	var lsr uint32
	for _, x := range c.reports {
		if sr, ok := x.(*rtcp.SenderReport); ok && sr.SSRC == ssrc {
			lsr = uint32(sr.NTPTime >> 16)
		}
	}
	r.now = r.now.Add(100 * time.Millisecond)
	r.s.now = r.now.Sub(r.s.started)
	c.send(&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: ssrc, LastSenderReport: lsr}}})
	all, _ := c.video()
	for range 2 {
		c.send(&rtcp.ReceiverReport{SSRC: 1}, &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: all[0].SequenceNumber}}})
		r.now = r.now.Add(50 * time.Millisecond)
		r.s.now = r.now.Sub(r.s.started)
	}
	r.s.batch.flush()
	c.read()
	if again, _ := c.of(c.v.video.media.RTXSSRC); len(again) != 1 {
		t.Errorf("retransmissions to two NACKs within a round trip: got %d, want 1", len(again))
	}
}

// Who asks for everything again gets no more than its share.
func TestRetransmissionBudget(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	r.step(time.Second, func() { p.due(onlyFirst); c.read() })
	all, _ := c.video()
	sent := 0
	for i := range all {
		sent += len(all[i].Payload)
	}
	for range 100 {
		r.step(15*time.Millisecond, nil)
		nack := &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: all[0].SSRC}
		for i := range all {
			nack.Nacks = append(nack.Nacks, rtcp.NackPair{PacketID: all[i].SequenceNumber})
		}
		c.send(&rtcp.ReceiverReport{SSRC: 1}, nack)
		r.s.batch.flush()
		c.read()
	}
	again, _ := c.of(c.v.video.media.RTXSSRC)
	bytes := 0
	for i := range again {
		bytes += len(again[i].Payload)
	}
	if limit := bucketSize + sent/bucketShare; bytes > limit || bytes < bucketSize/2 {
		t.Errorf("resent %d bytes, want at most %d and more than %d", bytes, limit, bucketSize/2)
	}
}

// Where the publisher's timestamps jump ahead, who is still catching up goes on with the others, not an hour later.
func TestCatchUpAcrossAJump(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.record(time.Second, onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	jump := func() {
		b := p.packet(0, 0, false)
		binary.BigEndian.PutUint32(b[4:], 3600*90000+uint32(p.frame)*3000)
		b[1] |= 0x80
		p.write(p.s.Flows[0], b)
		p.seq[0]++
		p.frame++
	}
	r.step(5*time.Second, func() {
		for !p.at(p.frame).After(r.now) {
			jump()
		}
		c.read()
	})
	if c.v.video.catch != nil {
		t.Fatal("still catching up after 5 s")
	}
	contiguous(t, c)
}
