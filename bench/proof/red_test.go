package proof_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"freshet/bench/load"
	"freshet/bench/testmesh"
	"freshet/proto/rtpq"
)

// redundant publishes sound as RFC 2198 redundancy over Opus, the way Chromium does: each packet carries
// the one before, too. It returns when the connection is up; packets flow until the test ends.
func redundant(t *testing.T, m *testmesh.Mesh) {
	t.Helper()
	codecs := &webrtc.MediaEngine{}
	for typ, c := range map[webrtc.PayloadType]webrtc.RTPCodecCapability{
		111: {MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"},
		63:  {MimeType: "audio/red", ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111"},
	} {
		if err := codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c, PayloadType: typ}, webrtc.RTPCodecTypeAudio); err != nil {
			t.Fatal(err)
		}
	}
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(codecs), webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: "audio/red", ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111"}, "sound", "s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pc.AddTrack(track); err != nil {
		t.Fatal(err)
	}
	connected := make(chan struct{})
	var once atomic.Bool
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected && once.CompareAndSwap(false, true) {
			close(connected)
		}
	})
	exchange(t, pc, m.Origin.WHIP(testmesh.Stream))
	select {
	case <-connected:
	case <-time.After(testmesh.Patience):
		t.Fatal("the publisher did not connect")
	}

	stop := make(chan struct{})
	done := make(chan struct{})
	t.Cleanup(func() { close(stop); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := uint16(1); ; n++ {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			// One block of 20 ms before, then the primary (RFC 2198, section 3).
			before, now := opusLike(n-1), opusLike(n)
			red := []byte{0x80 | 111, 960 >> 6, byte(960&0x3f<<2) | byte(len(before)>>8), byte(len(before)), 111}
			p := &rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 63, SequenceNumber: n, Timestamp: uint32(n) * 960},
				Payload: append(append(red, before...), now...),
			}
			if err := track.WriteRTP(p); err != nil {
				return // closed
			}
		}
	}()
}

// opusLike is a payload that says which it is.
func opusLike(n uint16) []byte { return bytes.Repeat([]byte{byte(n >> 8), byte(n)}, 30) }

// exchange posts pc's offer to endpoint and takes the answer.
func exchange(t *testing.T, pc *webrtc.PeerConnection, endpoint string) {
	t.Helper()
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(pc.LocalDescription().SDP))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/sdp")
	q.Header.Set("Authorization", "Bearer "+testmesh.Key)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %v\n%s", res.Status, err, answer)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}); err != nil {
		t.Fatal(err)
	}
}

// Redundant sound crosses the mesh as it is, and a viewer who does not know RFC 2198 gets plain Opus of it.
func TestRedundantSound(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	redundant(t, m)
	f := m.Origin.WaitLive(testmesh.Stream).Flows[0]
	if !f.Format.RED {
		t.Fatalf("the origin did not keep the redundancy: %+v", f.Format)
	}
	var got, wrong atomic.Int64
	err := load.Play(t.Context(), load.PlayConfig{
		URL: m.Last().WHEP(testmesh.Stream), For: 1500 * time.Millisecond, NoVideo: true,
		Packet: func(_, _ string, p *rtp.Packet, _ time.Time) {
			got.Add(1)
			if n := uint16(p.Payload[0])<<8 | uint16(p.Payload[1]); !bytes.Equal(p.Payload, opusLike(n)) {
				wrong.Add(1)
			}
		},
	}, nil, testmesh.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	if got.Load() < 30 || wrong.Load() > 0 {
		t.Errorf("the viewer got %d packets, %d of them not the sound that was sent", got.Load(), wrong.Load())
	}
	last := m.Last().Table.Get(testmesh.Stream).Flows[0]
	if p := last.Ring.At(last.Ring.Head() - 1); p == nil || p.Type != rtpq.TypeRED {
		t.Errorf("the last edge holds %+v, want redundant packets", p)
	}
}
