package load

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"

	"freshet/cluster/stream"
)

// A fullCrowd plays each viewer by a PeerConnection of its own, as Play does.
type fullCrowd struct {
	cfg     SwarmConfig
	leaving chan struct{}
	all     sync.WaitGroup // of viewers who have joined

	mu      sync.Mutex
	viewers []*fullViewer
	sum     histogram // of delays
}

func newFull(cfg SwarmConfig) (crowd, error) {
	return &fullCrowd{cfg: cfg, leaving: make(chan struct{})}, nil
}

func (c *fullCrowd) run(ctx context.Context) error { <-ctx.Done(); return nil }

func (c *fullCrowd) begin() { c.window((*fullViewer).begin) }
func (c *fullCrowd) end()   { c.window((*fullViewer).end) }

func (c *fullCrowd) window(f func(*fullViewer)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.viewers {
		f(v)
	}
}

func (c *fullCrowd) leave() {
	close(c.leaving)
	c.all.Wait()
}

func (c *fullCrowd) delays() *histogram { return &c.sum }

// A fullViewer is one viewer. mu holds everything below it together: one goroutine a track adds.
type fullViewer struct {
	crowd *fullCrowd
	seat  *seat

	bye     *goodbye
	picture chan struct{}

	mu      sync.Mutex
	meters  []*meter
	readers sync.WaitGroup // Add under mu, while not stopped
	stopped bool           // the record is whole, or will be without pion's help
	sound   bool           // the answer has no picture
	frozen  time.Duration
	steady  bool
	delay   histogram // of the steady window
	mark    SteadyCounts
}

// join implements crowd.
func (c *fullCrowd) join(ctx context.Context, s *seat) bool {
	v := &fullViewer{crowd: c, seat: s, bye: newGoodbye(), picture: make(chan struct{})}
	session, err := v.open(ctx)
	if err == nil {
		picture := time.NewTimer(pictureTimeout)
		defer picture.Stop()
		select {
		case <-v.picture:
		case <-session.lost:
			err = &joinError{EndLost, ErrLost}
		case <-v.bye.said:
			err = &joinError{EndBye, errors.New("the stream ended")}
		case <-picture.C:
			err = &joinError{EndPicture, errors.New("connected, but no whole key frame in time")}
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		if session != nil {
			v.close(session)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.stopped = true
		s.record.fail(ctx, err)
		return false
	}
	c.mu.Lock()
	c.viewers = append(c.viewers, v)
	c.mu.Unlock()
	c.all.Go(func() { v.watch(session) })
	return true
}

// open connects v.
func (v *fullViewer) open(ctx context.Context) (*session, error) {
	codecs, err := offered(PlayConfig{})
	if err != nil {
		return nil, &joinError{EndSelf, err}
	}
	profiles := []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80}
	if v.crowd.cfg.srtp() == SRTPCM {
		profiles = profiles[1:]
	}
	pc, err := newPeer(codecs, lostAfter, func(s *webrtc.SettingEngine) { s.SetSRTPProtectionProfiles(profiles...) })
	if err != nil {
		return nil, &joinError{EndSelf, err}
	}
	ice := v.times(pc)
	pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) { v.track(pc, remote, receiver) })
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			_ = pc.Close() // nothing has begun
			return nil, &joinError{EndSelf, err}
		}
	}
	s, err := open(ctx, pc, v.crowd.cfg.URL, v.crowd.cfg.Token)
	if err == nil {
		a, err := parseLeanAnswer(pc.RemoteDescription().SDP)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.sound = err == nil && !a.video.served()
		return s, nil
	}
	switch {
	case !errors.Is(err, ErrNeverConnected):
		return nil, refusal(err)
	case ice():
		return nil, &joinError{EndDTLS, err}
	}
	return nil, &joinError{EndICE, err}
}

// times notes when pc comes to what. The result says whether ICE did.
func (v *fullViewer) times(pc *webrtc.PeerConnection) (ice func() bool) {
	note := func(to *float64) {
		v.mu.Lock()
		defer v.mu.Unlock()
		if *to == 0 && !v.stopped {
			*to = v.seat.since(time.Now())
		}
	}
	r := &v.seat.record
	pc.OnSignalingStateChange(func(s webrtc.SignalingState) {
		if s == webrtc.SignalingStateStable {
			note(&r.Answer)
		}
	})
	pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		if s == webrtc.ICEConnectionStateConnected {
			note(&r.ICE)
		}
	})
	pc.SCTP().Transport().OnStateChange(func(s webrtc.DTLSTransportState) {
		if s == webrtc.DTLSTransportStateConnected {
			note(&r.DTLS)
		}
	})
	return func() bool { v.mu.Lock(); defer v.mu.Unlock(); return r.ICE > 0 }
}

// watch waits until v is told to leave or is left, and writes its record.
func (v *fullViewer) watch(s *session) {
	end, detail := EndStopped, ""
	select {
	case <-v.crowd.leaving:
	default:
		select {
		case <-v.crowd.leaving:
		case <-s.lost:
			end, detail = EndLost, ErrLost.Error()
		case <-v.bye.said:
			end = EndBye
		}
	}
	if end.failed() {
		v.seat.counts.ended.Add(1)
	}
	v.finish(end, detail)
	v.close(s)
}

// close ends the session and returns when nobody reads any more.
func (v *fullViewer) close(s *session) {
	v.mu.Lock()
	v.stopped = true // OnTrack adds no reader from here on
	v.mu.Unlock()
	s.close()
	v.readers.Wait()
}

// track reads one track until its connection is closed. pion calls it in a goroutine of the track's own.
func (v *fullViewer) track(pc *webrtc.PeerConnection, remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	m := meterOf(remote)
	v.mu.Lock()
	if v.stopped || m.codec.ClockRate == 0 {
		v.mu.Unlock()
		return
	}
	v.readers.Add(2)
	v.meters = append(v.meters, m)
	if m.kind == stream.Video {
		v.seat.record.Codec = m.codec.Name
	}
	v.mu.Unlock()
	go func() {
		defer v.readers.Done()
		v.bye.await(receiver)
	}()
	defer v.readers.Done()
	capture := extensionID(receiver.GetParameters().HeaderExtensions, absCapture)
	var asked time.Time
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		now := time.Now()
		v.seat.counts.packets.Add(1)
		v.seat.counts.bytes.Add(int64(packet.MarshalSize()))
		v.mu.Lock()
		v.add(m, packet, age(packet, capture, now), now)
		ask := m.kind == stream.Video && m.now.keys == 0 && now.Sub(asked) > pliEvery && now.Sub(m.first) > pliAfter
		v.mu.Unlock()
		if ask {
			asked = now
			_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}}) // asked again
		}
	}
}
