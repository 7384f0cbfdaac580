package edge_test

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/rtcp"

	"freshet/cluster/stream"
	"freshet/edge"
)

// A viewer gets every packet of the stream from a key frame on, whatever protects it and whatever IP it has.
func TestViewerGetsTheStream(t *testing.T) {
	for _, row := range []struct {
		name  string
		media string
		o     viewerOptions
	}{
		{"GCM", "127.0.0.1:0", viewerOptions{profile: dtls.SRTP_AEAD_AES_128_GCM}},
		{"CM", "127.0.0.1:0", viewerOptions{profile: dtls.SRTP_AES128_CM_HMAC_SHA1_80}},
		{"both offered", "127.0.0.1:0", viewerOptions{}},
		{"IPv6", "[::1]:0", viewerOptions{six: true}},
		{"IPv4 on all addresses", ":0", viewerOptions{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, row.media)
			p := newPublisher("floor", 1, "")
			r.mesh.put(p.s)
			stop := p.run(t, 30)
			v := watch(t, r, "floor", row.o)
			v.video.until(t, 10*time.Second, "100 video packets", func() bool { return len(v.video.packets) > 100 })
			v.audio.until(t, 5*time.Second, "50 audio packets", func() bool { return len(v.audio.packets) > 50 })
			v.video.until(t, 5*time.Second, "sender report", func() bool { return len(v.video.reports) > 0 })
			stop()
			all := v.video.pictures(t)
			if !all[0].key {
				t.Errorf("first frame %d is no key frame", all[0].number)
			}
			for i := 1; i < len(all)-1; i++ {
				if all[i].number != all[i-1].number+1 {
					t.Errorf("frame %d follows %d", all[i].number, all[i-1].number)
				}
			}
			if n := r.Viewers()["floor"]; n != 1 {
				t.Errorf("viewers: got %d, want 1", n)
			}
			v.delete()
			v.video.until(t, 5*time.Second, "BYE", func() bool { return v.video.bye })
			if n := len(r.Viewers()); n != 0 {
				t.Errorf("viewers after DELETE: got %d, want 0", n)
			}
		})
	}
}

// Who joins in the middle of a long group sees its key frame at once and catches up with live without
// a freeze, and the publisher is not asked for a key frame.
func TestJoinFromTheCachedGroup(t *testing.T) {
	for _, row := range []struct {
		name string
		age  time.Duration
	}{{"10 s", 10 * time.Second}, {"1 s", time.Second}, {"200 ms", 200 * time.Millisecond}} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, "127.0.0.1:0")
			p := newPublisher("floor", 1, "")
			p.cache(row.age)
			r.mesh.put(p.s)
			worst := stalls(t)
			stop := p.run(t, 1<<30)
			v := watch(t, r, "floor", viewerOptions{})
			v.video.until(t, 10*time.Second, "live picture", func() bool {
				return len(v.video.packets) > 0 && time.Since(v.video.at[0]) > 3500*time.Millisecond
			})
			stop()
			more := worst()
			all := v.video.pictures(t)
			if !all[0].key || all[0].number != 0 {
				t.Errorf("first frame: %d, key %v, want the cached key frame 0", all[0].number, all[0].key)
			}
			if gap := longestGap(all); gap > 300*time.Millisecond+more {
				t.Errorf("longest gap: got %v, want at most 300 ms", gap)
			}
			for i, f := range all {
				if f.number != i {
					t.Fatalf("frame %d came as number %d", f.number, i)
				}
				if behind := f.at.Sub(p.at(f.number)); f.at.Sub(all[0].at) > 3*time.Second && behind > 500*time.Millisecond+more {
					t.Fatalf("frame %d came %v after it was made, 3 s after the join", f.number, behind)
				}
			}
			// Played as stamped, the stream never runs ahead of what has come by more than a frame or two.
			for _, f := range all {
				played := time.Duration(int64(f.ts-all[0].ts) * int64(time.Second) / 90000)
				if late := f.at.Sub(all[0].at) - played; late > 300*time.Millisecond+more || late < -300*time.Millisecond-more {
					t.Fatalf("frame %d came %v after its timestamp says", f.number, late)
				}
			}
			select {
			case f := <-p.asks:
				t.Errorf("flow %d was asked for a key frame", f)
			default:
			}
		})
	}
}

// Without a usable group the publisher is asked once, and the viewer starts at the key frame that comes.
func TestJoinWithoutAGroupAsksOnce(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	p.frame = 1 // never a key frame by itself
	r.mesh.put(p.s)
	p.start = time.Now()
	for range 5 {
		watch(t, r, "floor", viewerOptions{})
	}
	select {
	case <-p.asks:
	case <-time.After(5 * time.Second):
		t.Fatal("no key frame was asked for")
	}
	p.cache(100 * time.Millisecond)
	if n := len(p.asks); n > 1 {
		t.Errorf("asked %d more times at once", n)
	}
}

// A hole in what was sent is closed by RTX, however often it is asked for within its budget.
func TestRetransmission(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	p.run(t, 30)
	v := watch(t, r, "floor", viewerOptions{})
	v.video.until(t, 10*time.Second, "packets", func() bool { return len(v.video.packets) > 60 })
	v.video.mu.Lock()
	ask := v.video.packets[20]
	v.video.mu.Unlock()
	nack := &rtcp.TransportLayerNack{MediaSSRC: ask.SSRC, Nacks: []rtcp.NackPair{{PacketID: ask.SequenceNumber}}}
	if err := v.pc.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	// pion hands repaired packets to the same track, under their old number.
	v.video.until(t, 5*time.Second, "repaired packet", func() bool {
		n := 0
		for i := range v.video.packets {
			q := &v.video.packets[i]
			if q.SequenceNumber != ask.SequenceNumber {
				continue
			}
			n++
			if q.Timestamp != ask.Timestamp || string(q.Payload) != string(ask.Payload) || q.Marker != ask.Marker {
				t.Errorf("repaired packet differs: %v, want %v", q.Header, ask.Header)
			}
		}
		return n == 2
	})
	if n := r.metric(t, "freshet_egress_resent_packets_total"); n != 1 {
		t.Errorf("resent: got %v, want 1", n)
	}
}

// Going over to another layer breaks neither numbers nor timestamps, begins at a key frame and freezes nothing.
func TestLayerSwitch(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "q", "h", "f")
	r.mesh.put(p.s)
	worst := stalls(t)
	stop := p.run(t, 15)
	v := watch(t, r, "floor", viewerOptions{})
	onLayer := func(want int) {
		t.Helper()
		v.video.until(t, 5*time.Second, "layer "+strconv.Itoa(want), func() bool {
			n := len(v.video.packets)
			return n > 0 && int(v.video.packets[n-1].Payload[8]) == want
		})
	}
	onLayer(2)
	link := v.links[0]
	if !strings.Contains(link, edge.LayerLink) {
		t.Fatalf("Link: got %q, want relation %s", link, edge.LayerLink)
	}
	path := strings.TrimPrefix(link[:strings.Index(link, ">")], "<")
	for _, step := range []struct {
		body string
		want int
	}{{`{"rid":"q"}`, 0}, {`{"rid":"h","audioOnly":false}`, 1}, {`{"rid":"f"}`, 2}, {`{"rid":"q"}`, 0}, {`{"rid":null}`, 2}} {
		if status, _, body := call(t, "POST", r.http.URL+path, "application/json", step.body, nil); status != 204 {
			t.Fatalf("POST %s: got %d %s, want 204", step.body, status, body)
		}
		onLayer(step.want)
	}
	status, _, body := call(t, "GET", r.http.URL+path, "", "", nil)
	if want := `{"active":"f","layers":[{"rid":"q"},{"rid":"h"},{"rid":"f"}]}`; status != 200 || strings.TrimSpace(body) != want {
		t.Errorf("GET layer: got %d %s, want %s", status, body, want)
	}
	stop()
	all := v.video.pictures(t)
	for i := 1; i < len(all); i++ {
		if all[i].layer != all[i-1].layer && !all[i].key {
			t.Errorf("layer %d begins at frame %d, which is no key frame", all[i].layer, all[i].number)
		}
	}
	if gap := longestGap(all); gap > 200*time.Millisecond+worst() {
		t.Errorf("longest gap: got %v, want at most 200 ms", gap)
	}
	for _, body := range []string{"", "{", `{"rid":1}`, `{"rid":"q","x":1}`, `{"rid":"q"}{}`} {
		if status, _, _ := call(t, "POST", r.http.URL+path, "application/json", body, nil); status != 400 {
			t.Errorf("POST %q: got %d, want 400", body, status)
		}
	}
	if status, _, _ := call(t, "POST", r.http.URL+path, "application/json", `{"rid":"x"}`, nil); status != 422 {
		t.Errorf("POST unknown rid: got %d, want 422", status)
	}
}

// Audio alone stops the picture and nothing else.
func TestAudioOnly(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	p.run(t, 15)
	v := watch(t, r, "floor", viewerOptions{})
	v.video.until(t, 10*time.Second, "video", func() bool { return len(v.video.packets) > 10 })
	path := v.location + "/layer"
	if status, _, body := call(t, "POST", path, "application/json", `{"audioOnly":true}`, nil); status != 204 {
		t.Fatalf("POST: got %d %s", status, body)
	}
	// The answer comes after the shard's loop has acted, so what comes now was on its way.
	v.audio.until(t, 5*time.Second, "audio", func() bool { return len(v.audio.packets) > 10 })
	v.video.mu.Lock()
	n := len(v.video.packets)
	v.video.mu.Unlock()
	v.audio.mu.Lock()
	heard := len(v.audio.packets)
	v.audio.mu.Unlock()
	v.audio.until(t, 5*time.Second, "more audio", func() bool { return len(v.audio.packets) > heard+25 })
	v.video.mu.Lock()
	if more := len(v.video.packets) - n; more > 6 {
		t.Errorf("%d video packets came after video was stopped", more)
	}
	v.video.mu.Unlock()
	if status, _, _ := call(t, "POST", path, "application/json", `{"rid":null}`, nil); status != 204 {
		t.Fatalf("POST: got %d", status)
	}
	v.video.until(t, 5*time.Second, "video again", func() bool { return len(v.video.packets) > n+30 })
	v.video.pictures(t)
}

// A new epoch goes on under the viewer's numbers.
func TestEpochChange(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	first := newPublisher("floor", 1, "")
	r.mesh.put(first.s)
	stop := first.run(t, 30)
	v := watch(t, r, "floor", viewerOptions{})
	v.video.until(t, 10*time.Second, "video", func() bool { return len(v.video.packets) > 60 })
	stop()
	second := newPublisher("floor", 2, "")
	second.frame = 1000
	second.start = time.Now().Add(-1000 * time.Second / fps)
	r.mesh.put(second.s)
	stop = second.run(t, 25)
	v.video.until(t, 10*time.Second, "video of the second epoch", func() bool {
		n := len(v.video.packets)
		return n > 200 && binary.BigEndian.Uint32(v.video.packets[n-1].Payload[2:]) > 1030
	})
	stop()
	all := v.video.pictures(t)
	for i := 1; i < len(all); i++ {
		if step := int32(all[i].ts - all[i-1].ts); step > 90000 {
			t.Errorf("timestamp jumps by %d at frame %d", step, all[i].number)
		}
		if all[i].number >= 1000 && all[i-1].number < 1000 && !all[i].key {
			t.Errorf("the second epoch begins at frame %d, no key frame", all[i].number)
		}
	}
	second.s.End(stream.ErrEnded)
	v.video.until(t, 5*time.Second, "BYE", func() bool { return v.video.bye })
}

// PLI is answered from the cached group, at most once a second, and not passed on.
func TestPictureLoss(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	p.cache(time.Second)
	r.mesh.put(p.s)
	stop := p.run(t, 1<<30)
	v := watch(t, r, "floor", viewerOptions{})
	v.video.until(t, 10*time.Second, "live video", func() bool { return len(v.video.reports) > 0 })
	for range 5 {
		if err := v.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: v.video.ssrc}}); err != nil {
			t.Fatal(err)
		}
	}
	keys := func() (n int) {
		for i := range v.video.packets {
			if b := v.video.packets[i].Payload; b[9] == 1 && b[6] == 0 {
				n++
			}
		}
		return n
	}
	v.video.until(t, 5*time.Second, "second key frame", func() bool { return keys() == 2 })
	v.video.until(t, 10*time.Second, "live video again", func() bool { return len(v.video.packets) > 250 })
	stop()
	v.video.pictures(t)
	v.video.mu.Lock()
	if n := keys(); n != 2 {
		t.Errorf("key frames: got %d, want 2", n)
	}
	v.video.mu.Unlock()
	if len(p.asks) > 0 {
		t.Error("the publisher was asked")
	}
}

// While the publisher is silent a viewer hears from its edge at least each 100 ms.
func TestSilence(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	p.cache(200 * time.Millisecond)
	r.mesh.put(p.s)
	v := watch(t, r, "floor", viewerOptions{})
	v.video.until(t, 10*time.Second, "first report", func() bool { return len(v.video.reports) > 0 })
	worst := stalls(t)
	began := time.Now()
	v.video.mu.Lock()
	had := len(v.video.reports)
	v.video.mu.Unlock()
	v.video.until(t, 5*time.Second, "10 more reports", func() bool { return len(v.video.reports) >= had+10 })
	if took := time.Since(began); took > 1500*time.Millisecond+worst() {
		t.Errorf("10 reports took %v, want about 1 s", took)
	}
}

// A browser that gets nothing new asks for a key frame after a while. It is not shown the past again.
func TestPictureLossInSilence(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	p.cache(200 * time.Millisecond)
	r.mesh.put(p.s)
	v := watch(t, r, "floor", viewerOptions{})
	// Reports come each 50 to 100 ms now: 40 of them are past the second after which a publisher counts as silent.
	v.video.until(t, 10*time.Second, "silence", func() bool { return len(v.video.reports) > 40 })
	v.video.mu.Lock()
	had, reports := len(v.video.packets), len(v.video.reports)
	v.video.mu.Unlock()
	if err := v.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: v.video.ssrc}}); err != nil {
		t.Fatal(err)
	}
	v.video.until(t, 5*time.Second, "more reports", func() bool { return len(v.video.reports) > reports+5 })
	v.video.mu.Lock()
	defer v.video.mu.Unlock()
	if n := len(v.video.packets); n != had {
		t.Errorf("%d packets of the past were sent again", n-had)
	}
}

// Sender reports of audio and video name the same moment for what was captured together.
func TestLipSync(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	p.cache(time.Second)
	r.mesh.put(p.s)
	p.run(t, 30)
	v := watch(t, r, "floor", viewerOptions{})
	v.video.until(t, 10*time.Second, "report", func() bool { return len(v.video.reports) > 1 })
	v.audio.until(t, 10*time.Second, "report", func() bool { return len(v.audio.reports) > 1 && len(v.audio.packets) > 10 })
	captured := func(sr *rtcp.SenderReport, ts uint32, rate int64) time.Time {
		const since1900 = 2208988800
		sec, frac := int64(sr.NTPTime>>32)-since1900, int64(sr.NTPTime&0xffffffff)*int64(time.Second)>>32
		return time.Unix(sec, frac).Add(time.Duration(int64(int32(ts-sr.RTPTime)) * int64(time.Second) / rate))
	}
	check := func(got *received, rate int64, of func(b []byte) time.Time) {
		t.Helper()
		got.mu.Lock()
		defer got.mu.Unlock()
		last := got.packets[len(got.packets)-1]
		sr := got.reports[len(got.reports)-1]
		want := of(last.Payload)
		if d := captured(sr, last.Timestamp, rate).Sub(want); d < -5*time.Millisecond || d > 5*time.Millisecond {
			t.Errorf("by its reports the packet was captured %v off", d)
		}
	}
	check(v.video, 90000, func(b []byte) time.Time { return p.at(int(binary.BigEndian.Uint32(b[2:]))) })
	check(v.audio, 48000, func(b []byte) time.Time {
		return p.start.Add(time.Duration(binary.BigEndian.Uint32(b)) * 20 * time.Millisecond)
	})
}
