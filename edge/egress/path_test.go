package egress

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

const transportID = 5

func onceASecond(frame int) bool { return frame%30 == 0 }

// transport returns the transport-wide number of a packet that the client got.
func (c *client) transport(i int) uint16 {
	c.r.t.Helper()
	b := c.packets[i].GetExtension(transportID)
	if len(b) != 2 {
		c.r.t.Fatalf("packet %d has no transport-wide number", i)
	}
	return binary.BigEndian.Uint16(b)
}

// pathRig is a viewer of three layers that numbers its packets, and the receiver's side of the feedback.
type pathRig struct {
	*rig
	tape *tape
	c    *client
	rec  *twcc.Recorder
	told int // packets told of
	at   time.Time
	free time.Time // when the path has sent what is under way
	next time.Time // when feedback is due

	silent bool // no sound
	key    func(frame int) bool
}

func newPathRig(t *testing.T) *pathRig {
	r := newRig(t)
	p := r.tape("wide", 1, "q", "h", "f")
	p.size = []int{100, 300, 1000}
	p.due(onceASecond)
	c := r.join(p.s, "one", Form{Type: 96, Transport: transportID}, Form{Type: 111, Transport: transportID})
	return &pathRig{rig: r, tape: p, c: c, rec: twcc.NewRecorder(1), key: onceASecond}
}

// Picture, sound and what is sent again are numbered in one row, without a gap, and the header stays whole.
func TestTransportNumbersAreOneRow(t *testing.T) {
	for _, id := range []uint8{transportID, 200} {
		r := newRig(t)
		p := r.tape("wide", 1, "")
		p.due(onlyFirst)
		c := r.join(p.s, "one", Form{Type: 96, Transport: id, SendTime: 2, Mixed: true}, Form{Type: 111, Transport: id, Mixed: true})
		r.step(500*time.Millisecond, func() { p.due(onlyFirst); p.sound() })
		c.read()
		video, _ := c.video()
		c.send(&rtcp.TransportLayerNack{MediaSSRC: c.v.video.media.SSRC, Nacks: []rtcp.NackPair{{PacketID: video[len(video)-1].SequenceNumber}}})
		r.s.batch.flush()
		c.read()
		seen := map[uint16]uint32{}
		for i := range c.packets {
			b := c.packets[i].GetExtension(id)
			if len(b) != 2 {
				t.Fatalf("id %d: packet %d of SSRC %d has no number", id, i, c.packets[i].SSRC)
			}
			seen[binary.BigEndian.Uint16(b)] = c.packets[i].SSRC
		}
		kinds := map[uint32]bool{}
		for n := range len(c.packets) {
			ssrc, ok := seen[uint16(n)]
			if !ok {
				t.Fatalf("id %d: of %d packets none has number %d", id, len(c.packets), n)
			}
			kinds[ssrc] = true
		}
		if len(kinds) != 3 {
			t.Errorf("id %d: packets of %d SSRCs, want picture, sound and RTX", id, len(kinds))
		}
	}
}

// run plays for d over a path of so many bits a second that drops what waits longer than 200 ms; 20 ms each way.
func (r *pathRig) run(d time.Duration, bps int64) {
	r.step(d, func() {
		r.tape.due(r.key)
		if !r.silent {
			r.tape.sound()
		}
		from := len(r.c.packets)
		r.c.read()
		for i := from; i < len(r.c.packets); i++ {
			p := &r.c.packets[i]
			size := p.MarshalSize()
			if r.free.Before(r.now) {
				r.free = r.now
			}
			if r.free.Sub(r.now) > 200*time.Millisecond {
				continue // no room
			}
			r.free = r.free.Add(time.Duration(int64(size) * 8 * int64(time.Second) / bps))
			if r.at.Before(r.free) {
				r.at = r.free
			}
			r.rec.Record(p.SSRC, r.c.transport(i), r.at.Add(20*time.Millisecond).UnixMicro())
		}
		if !r.now.Before(r.next) {
			r.next = r.now.Add(100 * time.Millisecond)
			if all := r.rec.BuildFeedbackPacket(); len(all) > 0 {
				r.c.send(all...)
				r.told++
			}
		}
	})
}

// shown returns which layer the viewer sees, -1 for none.
func (r *pathRig) shown() int {
	if f := r.c.v.video.flow(); f != nil {
		return f.Format.Rank
	}
	return -1
}

func TestViewerFollowsItsPath(t *testing.T) {
	r := newPathRig(t)
	r.run(5*time.Second, 20_000_000)
	if got := r.shown(); got != 2 {
		t.Fatalf("on a wide path: layer %d, want 2", got)
	}
	if bps := r.c.v.path.BPS(r.s.now); bps == 0 || r.told == 0 {
		t.Fatalf("estimate %d after %d feedbacks", bps, r.told)
	}
	top := r.s.order[0].rates[2].bps
	r.run(2*time.Second, top/2)
	if got := r.shown(); got == 2 {
		t.Errorf("2 s after the path became half the top layer: estimate %d, still layer 2", r.c.v.path.BPS(r.s.now))
	}
	r.run(8*time.Second, 20_000_000)
	if got := r.shown(); got != 2 {
		t.Errorf("8 s after the path is wide again: estimate %d, layer %d, want 2", r.c.v.path.BPS(r.s.now), got)
	}
}

// A large key frame of the layer that is left is the last thing a narrow path needs.
func TestNoKeyFrameOfALayerThatIsLeft(t *testing.T) {
	r := newPathRig(t)
	r.run(5*time.Second, 20_000_000)
	r.key = func(int) bool { return false }
	r.run(500*time.Millisecond, 20_000_000) // a key frame of just now would do
	narrow := r.s.order[0].rates[2].bps / 4
	for end := r.now.Add(2 * time.Second); r.c.v.video.want == nil; {
		if r.now.After(end) {
			t.Fatal("the viewer does not go down")
		}
		r.run(10*time.Millisecond, narrow)
	}
	r.c.packets = nil
	key := r.tape.frame + 2
	r.key = func(frame int) bool { return frame == key }
	r.run(200*time.Millisecond, narrow)
	if got := r.shown(); got == 2 || r.c.v.video.want != nil {
		t.Fatalf("layer %d, on its way elsewhere: %v; want a lower one", got, r.c.v.video.want != nil)
	}
	lower := false
	for i := range r.c.packets {
		p := &r.c.packets[i]
		if p.SSRC != r.c.v.video.media.SSRC || frameOf(p) != key {
			continue
		}
		if layerOf(p) == 2 {
			t.Fatalf("key frame %d of the layer that is left went out", frameOf(p))
		}
		lower = true
	}
	if !lower {
		t.Error("no key frame of a lower layer came")
	}
}

// Frames of three packets tell little of a path. Before the viewer goes up, a few packets of padding do.
func TestProbesBeforeGoingUp(t *testing.T) {
	r := newPathRig(t)
	r.silent = true
	r.run(4*time.Second, 180_000)
	if got := r.shown(); got != 0 {
		t.Fatalf("on a narrow path: layer %d, want 0", got)
	}
	r.run(20*time.Second, 20_000_000)
	probes := r.counted("freshet_egress_probe_packets_total")
	if got := r.shown(); got != 2 || probes == 0 || probes > 200 {
		t.Errorf("20 s after the path is wide: estimate %d, layer %d, %v packets of padding; want 2 and some", r.c.v.path.BPS(r.s.now), got, probes)
	}
	for i := range r.c.packets {
		p := &r.c.packets[i]
		if p.SSRC == r.c.v.video.media.RTXSSRC && (len(p.Payload) != 0 || p.PaddingSize != probePadding) {
			t.Fatalf("a probe with %d bytes of payload and %d of padding", len(p.Payload), p.PaddingSize)
		}
	}
}

func TestHostileFeedback(t *testing.T) {
	r := newPathRig(t)
	r.run(time.Second, 20_000_000)
	before := r.c.v.path.BPS(r.s.now)
	bad := func(b ...byte) {
		sealed, err := r.c.out.EncryptRTCP(nil, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.s.datagram(sealed, r.c.sock.local)
	}
	head := []byte{0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1}
	bad(append(head, 0, 0, 0, 0, 0, 0, 0, 0)...)       // of no packets
	bad(append(head, 0, 0, 0xff, 0xff, 0, 0, 0, 0)...) // of 65,535, in no chunks
	bad(0x8f, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1)       // longer than it is
	bad(append(head, 0x70, 0, 0, 7, 0, 0, 0, 0)...)    // of seven, in no chunks
	if n := r.counted("freshet_egress_hostile_packets_total"); n != 4 {
		t.Errorf("%v counted as hostile, want 4", n)
	}
	bad(append([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1}, 0x70, 0, 0, 2, 0, 0, 0, 0, 0x20, 2, 4, 4)...)
	if n := r.counted("freshet_egress_feedback_unknown_packets_total"); n != 2 {
		t.Errorf("%v packets unknown, want 2", n)
	}
	if after := r.c.v.path.BPS(r.s.now); after != before {
		t.Errorf("estimate %d became %d", before, after)
	}
}

// Viewers behind one address share a path, whatever their ports, and leave nothing behind.
func TestViewersShareTheirAddressesPath(t *testing.T) {
	r := newPathRig(t)
	two := r.join(r.tape.s, "two", Form{Type: 96, Transport: transportID}, Form{Type: 111})
	if len(r.s.paths) != 1 || r.c.v.common != two.v.common || two.v.common.viewers != 2 {
		t.Fatalf("%d paths for two viewers at one address", len(r.s.paths))
	}
	r.s.move(two.v, netip.MustParseAddrPort("127.0.0.2:9"))
	if len(r.s.paths) != 2 || r.c.v.common == two.v.common {
		t.Errorf("%d paths for two addresses", len(r.s.paths))
	}
	r.s.end(two.v, ReasonClosed)
	r.s.end(r.c.v, ReasonClosed)
	if len(r.s.paths) != 0 {
		t.Errorf("%d paths without viewers", len(r.s.paths))
	}
	for _, row := range []struct {
		a, b string
		same bool
	}{{"2001:db8::1", "2001:db8::2", true}, {"2001:db8::1", "2001:db8:0:1::1", false}, {"::ffff:1.2.3.4", "1.2.3.4", true}, {"1.2.3.4", "1.2.3.5", false}} {
		if got := behind(netip.MustParseAddr(row.a)) == behind(netip.MustParseAddr(row.b)); got != row.same {
			t.Errorf("%s and %s: behind one connection %v, want %v", row.a, row.b, got, row.same)
		}
	}
}

// counted returns the metric called name, over all its labels.
func (r *rig) counted(name string) (sum float64) {
	r.t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
