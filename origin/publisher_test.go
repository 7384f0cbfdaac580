package origin_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

// A publisher sends made-up media by WHIP with pion's own client side.
type publisher struct {
	t        testing.TB
	pc       *webrtc.PeerConnection
	outs     []*out
	muted    atomic.Bool
	closed   atomic.Bool
	sending  sync.WaitGroup
	stop     context.CancelFunc
	location string
	etag     string
}

// An out is one layer or track sent.
type out struct {
	track   *webrtc.TrackLocalStaticRTP
	sender  *webrtc.RTPSender
	codec   webrtc.RTPCodecParameters
	wantKey atomic.Bool
	keys    atomic.Int64 // key frames sent
	sent    atomic.Int64 // packets
	plis    atomic.Int64
}

const (
	h264 = "profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1"
	opus = "minptime=10;useinbandfec=1;stereo=1"
)

var videoFeedback = []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}, {Type: "transport-cc"}}

func videoCodec(name, fmtp string) webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{PayloadType: 102, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: "video/" + name, ClockRate: 90000, SDPFmtpLine: fmtp, RTCPFeedback: videoFeedback}}
}

var opusCodec = webrtc.RTPCodecParameters{PayloadType: 109, RTPCodecCapability: webrtc.RTPCodecCapability{
	MimeType: "audio/opus", ClockRate: 48000, Channels: 2, SDPFmtpLine: opus}}

// payloads of a key frame, of one packet each, and of any other frame.
var payloads = map[string][2][]byte{
	"video/H264": {{0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 4, 0x68, 0xce, 0x3c, 0x80, 0, 3, 0x65, 0x88, 0x84}, {0x41, 0x9a, 0x24}},
	"video/VP8":  {{0x10, 0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}, {0x10, 0x51, 0x01, 0x00}},
	"video/VP9":  {{0x08, 0x82, 0x49, 0x83, 0x42}, {0x48, 0x86, 0x00}},
	"video/AV1":  {{0x18, 0x0a, 0x0b, 0x00, 0x00, 0x00, 0x24}, {0x10, 0x32, 0x00, 0x01}},
	"audio/opus": {{0xfc, 1, 2, 3}, {0xfc, 4, 5, 6}},
}

// newPublisher makes a publisher of audio, and of video with a layer for each rid (none: one plain track).
func newPublisher(t testing.TB, video webrtc.RTPCodecParameters, rids ...string) *publisher {
	t.Helper()
	m := &webrtc.MediaEngine{}
	must(t, m.RegisterCodec(video, webrtc.RTPCodecTypeVideo))
	must(t, m.RegisterCodec(opusCodec, webrtc.RTPCodecTypeAudio))
	must(t, webrtc.ConfigureSimulcastExtensionHeaders(m))
	must(t, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: audioLevel}, webrtc.RTPCodecTypeAudio))
	i := &interceptor.Registry{}
	must(t, webrtc.RegisterDefaultInterceptors(m, i))
	p := &publisher{t: t, stop: func() {}}
	i.Add(listener{p})
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(i), webrtc.WithSettingEngine(s)).
		NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	p.pc = pc
	p.add(opusCodec, "")
	if len(rids) == 0 {
		rids = []string{""}
	}
	for _, rid := range rids {
		p.add(video, rid)
	}
	t.Cleanup(p.vanish)
	return p
}

const audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

func (p *publisher) add(c webrtc.RTPCodecParameters, rid string) {
	p.t.Helper()
	var options []func(*webrtc.TrackLocalStaticRTP)
	if rid != "" {
		options = append(options, webrtc.WithRTPStreamID(rid))
	}
	kind := c.MimeType[:5]
	track, err := webrtc.NewTrackLocalStaticRTP(c.RTPCodecCapability, kind, "publisher", options...)
	must(p.t, err)
	o := &out{track: track, codec: c}
	if n := len(p.outs); n > 0 && rid != "" && p.outs[n-1].track.RID() != "" {
		o.sender = p.outs[n-1].sender
		must(p.t, o.sender.AddEncoding(track))
	} else {
		tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		must(p.t, err)
		o.sender = tr.Sender()
	}
	p.outs = append(p.outs, o)
}

// publish opens a session at a node and begins to send.
func (p *publisher) publish(n *node, stream string) *publisher {
	p.t.Helper()
	status, body := p.post(n, stream)
	if status != http.StatusCreated {
		p.t.Fatalf("publish: %d %s", status, body)
	}
	p.connect(body)
	return p
}

// post sends the offer, with all candidates, and returns what came back.
func (p *publisher) post(n *node, stream string) (status int, body string) {
	p.t.Helper()
	complete := webrtc.GatheringCompletePromise(p.pc)
	offer, err := p.pc.CreateOffer(nil)
	must(p.t, err)
	must(p.t, p.pc.SetLocalDescription(offer))
	<-complete
	return p.postSDP(n, stream, p.pc.LocalDescription().SDP)
}

func (p *publisher) postSDP(n *node, stream, sdp string) (status int, body string) {
	p.t.Helper()
	endpoint := n.url + "/whip/" + stream
	q, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader(sdp))
	must(p.t, err)
	q.Header.Set("Content-Type", "application/sdp")
	q.Header.Set("Authorization", "Bearer "+key)
	status, h, body := do(p.t, q)
	p.etag = h.Get("ETag")
	if l := h.Get("Location"); l != "" {
		base, err := url.Parse(endpoint)
		must(p.t, err)
		at, err := base.Parse(l)
		must(p.t, err)
		p.location = at.String()
	}
	return status, body
}

// connect takes the answer and begins to send.
func (p *publisher) connect(answer string) {
	p.t.Helper()
	must(p.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	for _, o := range p.outs {
		p.sending.Go(func() { p.send(ctx, o) })
	}
}

// send sends a frame of one packet each 20 ms: a key frame first, when asked for, and no other.
func (p *publisher) send(ctx context.Context, o *out) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	o.wantKey.Store(true)
	began := time.Now()
	for frame := uint32(0); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if p.pc.ConnectionState() != webrtc.PeerConnectionStateConnected || p.muted.Load() {
			continue
		}
		key := o.wantKey.Swap(false)
		if key {
			o.keys.Add(1)
		}
		o.write(frame, time.Since(began), key)
		frame++
	}
}

// write sends a frame captured at a time since the first. (Time is the wall's: a machine that is busy sends late.)
func (o *out) write(frame uint32, at time.Duration, key bool) {
	kinds := payloads[o.codec.MimeType]
	body := kinds[1]
	if key {
		body = kinds[0]
	}
	pkt := &rtp.Packet{Header: rtp.Header{
		Version: 2, Marker: true, SequenceNumber: uint16(65500 + frame), Timestamp: 4_294_960_000 + uint32(at.Microseconds()*int64(o.codec.ClockRate)/1_000_000),
	}, Payload: body}
	for _, e := range o.sender.GetParameters().HeaderExtensions {
		switch e.URI {
		case "urn:ietf:params:rtp-hdrext:sdes:mid":
			if rid := o.track.RID(); rid != "" {
				_ = pkt.SetExtension(uint8(e.ID), []byte("1"))
			}
		case "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id":
			if rid := o.track.RID(); rid != "" {
				_ = pkt.SetExtension(uint8(e.ID), []byte(rid))
			}
		case audioLevel:
			_ = pkt.SetExtension(uint8(e.ID), []byte{0x80 | 30})
		}
	}
	_ = o.track.WriteRTP(pkt) // fails while the session closes
	o.sent.Add(1)
}

// listen answers key-frame requests that come for an SSRC, until the session closes.
func (p *publisher) listen(r interceptor.RTCPReader) {
	buf := make([]byte, 1500)
	for {
		n, _, err := r.Read(buf, nil)
		if err != nil {
			return
		}
		all, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		for _, packet := range all {
			switch packet := packet.(type) {
			case *rtcp.PictureLossIndication:
				p.wantKey(packet.MediaSSRC)
			case *rtcp.FullIntraRequest:
				p.wantKey(packet.FIR[0].SSRC)
			}
		}
	}
}

func (p *publisher) wantKey(ssrc uint32) {
	for _, o := range p.outs {
		for _, e := range o.sender.GetParameters().Encodings {
			if e.RID == o.track.RID() && uint32(e.SSRC) == ssrc {
				o.plis.Add(1)
				o.wantKey.Store(true)
			}
		}
	}
}

// A listener hands the publisher each stream's RTCP. (pion's readers by rid race with its Close.)
type listener struct{ p *publisher }

func (l listener) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &listening{p: l.p}, nil
}

type listening struct {
	interceptor.NoOp
	p *publisher
}

func (l *listening) BindRTCPReader(r interceptor.RTCPReader) interceptor.RTCPReader {
	l.p.sending.Go(func() { l.p.listen(r) })
	return r
}

// end deletes the session, as a well-behaved publisher does, and returns the status.
func (p *publisher) end() int {
	p.t.Helper()
	q, err := http.NewRequest(http.MethodDelete, p.location, nil)
	must(p.t, err)
	status, _, _ := do(p.t, q)
	p.vanish()
	return status
}

// vanish stops without a word over HTTP.
func (p *publisher) vanish() {
	if p.closed.Swap(true) {
		return
	}
	p.stop()
	_ = p.pc.Close()
	p.sending.Wait()
}

func do(t testing.TB, q *http.Request) (status int, h http.Header, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.DefaultTransport.RoundTrip(q.WithContext(ctx))
	must(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(t, err)
	return r.StatusCode, r.Header, string(b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
