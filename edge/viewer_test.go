package edge_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

// viewer is a WHEP client on pion, without interceptors: it sees what is on the wire.
type viewer struct {
	t        testing.TB
	pc       *webrtc.PeerConnection
	location string
	etag     string
	links    []string
	video    *received
	audio    *received
	opened   time.Time
}

type viewerOptions struct {
	profile dtls.SRTPProtectionProfile
	six     bool
	noVideo bool
	noAudio bool
	bearer  string
	standby bool
}

// received is what came on one track.
type received struct {
	mu      sync.Mutex
	packets []rtp.Packet
	at      []time.Time
	ssrc    uint32
	reports []*rtcp.SenderReport
	bye     bool
	more    chan struct{}
}

func newReceived() *received { return &received{more: make(chan struct{})} }

func (r *received) add(p *rtp.Packet, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := *p
	c.Payload = append([]byte(nil), p.Payload...)
	r.packets, r.at = append(r.packets, c), append(r.at, now)
	r.tell()
}

func (r *received) tell() {
	close(r.more)
	r.more = make(chan struct{})
}

func (r *received) heard(all []rtcp.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range all {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			if p.SSRC == r.ssrc { // a compound carries the reports of both tracks
				r.reports = append(r.reports, p)
			}
		case *rtcp.Goodbye:
			r.bye = true
		}
	}
	r.tell()
}

// until waits until ok holds, and fails the test after d.
func (r *received) until(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(d)
	for {
		r.mu.Lock()
		more, good := r.more, ok()
		r.mu.Unlock()
		if good {
			return
		}
		select {
		case <-more:
		case <-timeout:
			r.mu.Lock()
			n := len(r.packets)
			r.mu.Unlock()
			t.Fatalf("no %s within %v, %d packets came", what, d, n)
		}
	}
}

func newAPI(t testing.TB, o viewerOptions) *webrtc.API {
	t.Helper()
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetInterfaceFilter(func(i string) bool { return i == "lo" })
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if o.six {
		// pion leaves ::1 out when it gathers; a mux bound to it does not ask.
		c, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
		if err != nil {
			t.Fatal(err)
		}
		mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: c})
		t.Cleanup(func() { _ = mux.Close(); _ = c.Close() })
		se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP6})
		se.SetICEUDPMux(mux)
	}
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if o.profile != 0 {
		se.SetSRTPProtectionProfiles(o.profile)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(se), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
}

func watch(t testing.TB, r *rig, id string, o viewerOptions) *viewer {
	t.Helper()
	v := &viewer{t: t, video: newReceived(), audio: newReceived()}
	pc, err := newAPI(t, o).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	v.pc = pc
	begun := make(chan struct{}) // DTLS has, so ICE's transport stands
	begin := sync.OnceFunc(func() { close(begun) })
	pc.SCTP().Transport().OnStateChange(func(webrtc.DTLSTransportState) { begin() })
	t.Cleanup(func() {
		// pion writes the transport without the lock its Close reads it under.
		if pc.RemoteDescription() != nil {
			select {
			case <-begun:
			case <-time.After(time.Second):
			}
		}
		_ = pc.Close()
	})
	for _, k := range []struct {
		kind webrtc.RTPCodecType
		skip bool
	}{{webrtc.RTPCodecTypeAudio, o.noAudio}, {webrtc.RTPCodecTypeVideo, o.noVideo}} {
		if k.skip {
			continue
		}
		if _, err := pc.AddTransceiverFromKind(k.kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	pc.OnTrack(v.read)
	v.open(r, id, o)
	return v
}

// read runs in a goroutine of pion's, which ends with the connection.
func (v *viewer) read(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	to := v.video
	if track.Kind() == webrtc.RTPCodecTypeAudio {
		to = v.audio
	}
	to.mu.Lock()
	to.ssrc = uint32(track.SSRC())
	to.mu.Unlock()
	go func() { // ends with the connection
		for {
			all, _, err := receiver.ReadRTCP()
			if err != nil {
				return
			}
			to.heard(all)
		}
	}()
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		to.add(p, time.Now())
	}
}

func (v *viewer) open(r *rig, id string, o viewerOptions) {
	v.t.Helper()
	offer, err := v.pc.CreateOffer(nil)
	if err != nil {
		v.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	if err := v.pc.SetLocalDescription(offer); err != nil {
		v.t.Fatal(err)
	}
	<-gathered
	v.opened = time.Now()
	if o.standby {
		id += "?standby=warm"
	}
	status, header, body := call(v.t, "POST", r.http.URL+"/whep/"+id, "application/sdp", v.pc.LocalDescription().SDP, map[string]string{"Authorization": "Bearer " + o.bearer})
	if status != http.StatusCreated {
		v.t.Fatalf("POST: got %d, want 201: %s", status, body)
	}
	v.location, v.etag, v.links = r.http.URL+header.Get("Location"), header.Get("ETag"), header.Values("Link")
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: body}); err != nil {
		v.t.Fatalf("answer: %v\n%s", err, body)
	}
}

func (v *viewer) delete() {
	v.t.Helper()
	if status, _, body := call(v.t, "DELETE", v.location, "", "", nil); status != http.StatusOK {
		v.t.Fatalf("DELETE: got %d, want 200: %s", status, body)
	}
}

func call(t testing.TB, method, url, contentType, body string, headers map[string]string) (int, http.Header, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		q.Header.Set("Content-Type", contentType)
	}
	for k, v := range headers {
		if strings.TrimSpace(v) != "Bearer" {
			q.Header.Set(k, v)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.Header, string(b)
}

// picture is one frame as the viewer put it together.
type picture struct {
	number int
	layer  int
	key    bool
	whole  bool
	ts     uint32
	at     time.Time // when its last packet came
}

// pictures puts the frames together in the order of their numbers, and fails on any gap or jump in
// numbers, and on timestamps that go backwards.
func (r *received) pictures(t testing.TB) (all []picture) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	bySeq := map[uint16]int{}
	for i, p := range r.packets {
		if j, twice := bySeq[p.SequenceNumber]; twice {
			t.Fatalf("number %d came twice: packets %d and %d of %d", p.SequenceNumber, j, i, len(r.packets))
		}
		bySeq[p.SequenceNumber] = i
	}
	first := r.packets[0].SequenceNumber
	for n := range len(r.packets) {
		i, ok := bySeq[first+uint16(n)]
		if !ok {
			t.Fatalf("number %d is missing: %d of %d", first+uint16(n), n, len(r.packets))
		}
		p := &r.packets[i]
		if len(p.Payload) < frameHeader {
			t.Fatalf("packet %d has %d bytes", n, len(p.Payload))
		}
		number, packet, of := int(binary.BigEndian.Uint32(p.Payload[2:])), int(p.Payload[6]), int(p.Payload[7])
		if last := len(all) - 1; last < 0 || all[last].number != number || all[last].ts != p.Timestamp {
			if last >= 0 && !all[last].whole {
				t.Errorf("frame %d (layer %d) ends early, %d follows", all[last].number, all[last].layer, number)
			}
			if last >= 0 && int32(p.Timestamp-all[last].ts) <= 0 {
				t.Errorf("timestamp goes from %d to %d at frame %d", all[last].ts, p.Timestamp, number)
			}
			all = append(all, picture{number: number, layer: int(p.Payload[8]), key: p.Payload[9] == 1, ts: p.Timestamp})
			if packet != 0 {
				t.Errorf("frame %d begins with packet %d", number, packet)
			}
		}
		f := &all[len(all)-1]
		f.at = r.at[i]
		f.whole = packet == of-1
		if f.whole != p.Marker {
			t.Errorf("frame %d packet %d of %d: marker %v", number, packet, of, p.Marker)
		}
	}
	return all
}

// longestGap returns the longest time between two frames.
func longestGap(all []picture) (gap time.Duration) {
	for i := 1; i < len(all); i++ {
		gap = max(gap, all[i].at.Sub(all[i-1].at))
	}
	return gap
}
