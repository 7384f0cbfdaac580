package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"

	"freshet/cluster/stream"
)

// How long a connection may take, and when one counts as lost.
const (
	connectTimeout = 10 * time.Second
	lostAfter      = 4 * time.Second // nothing from the other side, not even an answer to STUN
	watchdog       = 5 * time.Second // closing a connection is given up after this
	repairedRID    = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	absCapture     = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
)

// newPeer returns a connection that knows codecs and, beside pion's defaults (NACK, reports, TWCC), the
// extensions for simulcast and capture times. Only host candidates are gathered, loopback among them. Once connected,
// it is lost where nothing has come for as long as lost says. Each of adjust may change settings before the connection is made.
func newPeer(codecs []webrtc.RTPCodecParameters, lost time.Duration, adjust ...func(*webrtc.SettingEngine)) (*webrtc.PeerConnection, error) {
	m := &webrtc.MediaEngine{}
	for _, c := range codecs {
		if err := m.RegisterCodec(c, kindOf(c.MimeType)); err != nil {
			return nil, err
		}
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		for _, uri := range []string{sdp.SDESMidURI, absCapture} {
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return nil, err
			}
		}
	}
	for _, uri := range []string{sdp.SDESRTPStreamIDURI, repairedRID} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	r := &interceptor.Registry{}
	if err := webrtc.ConfigureTWCCHeaderExtensionSender(m, r); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(m, r); err != nil {
		return nil, err
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(lost, connectTimeout, min(time.Second, lost/8))
	s.SetPrflxAcceptanceMinWait(0) // a server's check may come before its answer does, and is no worse a way
	for _, f := range adjust {
		f(&s)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(s)).
		NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
}

// A session is a connected peer and its HTTP resource.
type session struct {
	pc   *webrtc.PeerConnection
	http *exchange
	lost chan struct{} // closed once nothing has come for as long as newPeer was told, or the other side has closed

	answered time.Duration // what the server took for its answer, redirects and all
}

// open gathers, offers, posts and waits until DTLS is up. On error pc is closed.
func open(ctx context.Context, pc *webrtc.PeerConnection, endpoint, bearer string) (*session, error) {
	return openWithin(ctx, exchangeTimeout, pc, endpoint, bearer)
}

// openWithin is open with a bound for the server's answer.
func openWithin(ctx context.Context, answerIn time.Duration, pc *webrtc.PeerConnection, endpoint, bearer string) (_ *session, err error) {
	s := &session{pc: pc, lost: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	connected := make(chan struct{})
	// pion calls this from a new goroutine each time.
	var up, down sync.Once
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			up.Do(func() { close(connected) })
		case webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			down.Do(func() { close(s.lost) })
		}
	})
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return nil, fmt.Errorf("offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return nil, fmt.Errorf("offer: %w", err)
	}
	timeout := time.NewTimer(connectTimeout)
	defer timeout.Stop()
	select {
	case <-gathered:
	case <-timeout.C:
		return nil, fmt.Errorf("gather candidates: %w", ErrNeverConnected)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	asked := time.Now()
	x, answer, err := post(ctx, answerIn, endpoint, bearer, pc.LocalDescription().SDP)
	if err != nil {
		return nil, err
	}
	s.http, s.answered = x, time.Since(asked)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", endpoint, err)
	}
	if err := taken(pc, answer); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", endpoint, err)
	}
	select {
	case <-connected:
		return s, nil
	case <-s.lost:
		return nil, ErrNeverConnected
	case <-timeout.C:
		return nil, ErrNeverConnected
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// taken says what the answer turns down that cannot be done without: anything a publisher sends, and
// everything a viewer asked for. A stream may well have no audio.
func taken(pc *webrtc.PeerConnection, answer string) error {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return err
	}
	refused := ""
	left := 0
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Port.Value == 0 {
			refused = m.MediaName.Media
		} else {
			left++
		}
	}
	sends := len(pc.GetSenders()) > 0 && pc.GetSenders()[0].Track() != nil
	if refused != "" && (sends || left == 0) {
		return fmt.Errorf("the server does not take the %s", refused)
	}
	return nil
}

// close ends the session at both ends. It returns after watchdog at the latest, whatever pion does.
func (s *session) close() {
	if s.http != nil {
		// The server notices by itself if this fails: DTLS is closed just below.
		_ = s.http.delete()
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = s.pc.Close()
	}()
	select {
	case <-closed:
	case <-time.After(watchdog):
	}
}

func kindOf(mime string) webrtc.RTPCodecType {
	if mime == webrtc.MimeTypeOpus {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

var videoFeedback = []webrtc.RTCPFeedback{
	{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"},
}

// parameters says c in pion's words.
func parameters(c stream.Codec, payloadType uint8) webrtc.RTPCodecParameters {
	p := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(payloadType)}
	p.ClockRate, p.Channels, p.SDPFmtpLine = c.ClockRate, c.Channels, c.FMTP
	if c.Name == "opus" {
		p.MimeType = webrtc.MimeTypeOpus
		return p
	}
	p.MimeType, p.RTCPFeedback = "video/"+c.Name, videoFeedback
	return p
}
