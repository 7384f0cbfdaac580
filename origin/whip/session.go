package whip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"

	"freshet/origin/ingest"
	"freshet/proto/sdpfrag"
)

// closeTimeout is how long pion's Close may take before the session ends without it (RELIABILITY, section 2).
const closeTimeout = 5 * time.Second

// A session is one publisher's PeerConnection. Its goroutine (run) ends it and owns the goroutines that
// read its tracks; pion's callbacks and other goroutines only hand over through its channels.
type session struct {
	id      string
	log     *slog.Logger
	metrics *metrics
	pc      *webrtc.PeerConnection
	plan    *plan // its credentials and candidates change under Restart, which rtc calls one at a time
	version int   // of the offer, rises with each restart
	seat    *ingest.Seat
	allowed func() error
	backup  bool            // it calls itself the second of two
	media   []atomic.Uint32 // each flow's SSRC, 0 until its track is here
	repairs []repairs       // each flow's
	ssrcs   atomic.Int32

	tracks    chan track
	rtcps     chan interceptor.RTCPReader
	states    chan webrtc.PeerConnectionState
	gathered  chan struct{}
	keyframes chan int
	closing   chan string
	moves     chan struct{} // closed when the publisher is to move
	move      sync.Once
	asking    chan struct{} // holds whoever waits for that
	connected chan struct{}
	done      chan struct{}
}

type track struct {
	remote *webrtc.TrackRemote
	flow   int
}

func newSession(id string, p *plan, log *slog.Logger, m *metrics) *session {
	return &session{
		id: id, plan: p, log: log, metrics: m, media: make([]atomic.Uint32, len(p.flows)), repairs: make([]repairs, len(p.flows)),
		tracks: make(chan track, len(p.flows)), rtcps: make(chan interceptor.RTCPReader, 2*maxSSRCs),
		states: make(chan webrtc.PeerConnectionState, 16), gathered: make(chan struct{}, 1),
		keyframes: make(chan int, 16), closing: make(chan string, 1), moves: make(chan struct{}), asking: make(chan struct{}, 1),
		connected: make(chan struct{}), done: make(chan struct{}),
	}
}

// open makes the PeerConnection and returns the answer.
func (s *session) open(ctx context.Context, e *engine) (answer string, err error) {
	s.pc, err = e.connection(s.plan, hooks{
		newSSRC: s.newSSRC, repaired: s.repaired, nack: s.metrics.nack, rtcp: s.takeRTCP,
	})
	if err != nil {
		return "", fmt.Errorf("peer connection: %w", err)
	}
	s.pc.OnTrack(s.takeTrack)
	s.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		select {
		case s.states <- state:
		case <-s.done:
		}
	})
	s.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			select {
			case s.gathered <- struct{}{}:
			default:
			}
		}
	})
	return s.answer(ctx)
}

// answer gives pion the plan's offer and returns the answer with all candidates.
func (s *session) answer(ctx context.Context) (string, error) {
	select {
	case <-s.gathered: // of an earlier round
	default:
	}
	s.version++
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: s.plan.text(s.version)}
	if err := s.pc.SetRemoteDescription(offer); err != nil {
		return "", fmt.Errorf("offer: %w", err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	for {
		select {
		case <-s.gathered:
		case <-s.done:
			return "", net.ErrClosed
		case <-ctx.Done():
			return "", fmt.Errorf("candidates: %w", context.Cause(ctx))
		}
		// A signal of the round before may come this late.
		if sdp := s.pc.LocalDescription().SDP; strings.Contains(sdp, "a=candidate:") {
			return sdp, nil
		}
	}
}

// run serves the session until it ends, and frees everything.
func (s *session) run(ctx context.Context) {
	var readers sync.WaitGroup
	reason := s.serve(ctx, &readers)
	s.log.Info("session ended", "reason", reason)
	s.seat.Leave()
	// Aside, since pion's Close has been seen to hang: the session must not.
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if s.pc == nil { // it could not be made
			return
		}
		if err := s.pc.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Debug("close", "err", err)
		}
		readers.Wait()
	}()
	watchdog := time.NewTimer(closeTimeout)
	defer watchdog.Stop()
	select {
	case <-closed:
	case <-watchdog.C:
		s.metrics.stuck.Inc()
		s.log.Error("session did not close in time", "took", closeTimeout)
	}
	close(s.done)
}

// serve does what pion's callbacks and other goroutines hand over, and returns why the session ends.
func (s *session) serve(ctx context.Context, readers *sync.WaitGroup) (reason string) {
	for {
		select {
		case t := <-s.tracks:
			readers.Go(func() { s.readTrack(t) })
		case r := <-s.rtcps:
			readers.Go(func() { s.readRTCP(r) })
		case flow := <-s.keyframes:
			s.askKeyframe(flow)
		case state := <-s.states:
			switch state {
			case webrtc.PeerConnectionStateConnected:
				select {
				case <-s.connected: // again, after a restart
				default:
					close(s.connected)
				}
			case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
				return "connection " + state.String()
			}
			s.log.Debug("connection", "state", state.String())
		case reason := <-s.closing:
			return reason
		case <-ctx.Done():
			return "origin is stopping"
		}
	}
}

// askKeyframe sends a PLI (RFC 4585), or FIR (RFC 5104) where the publisher knows only that.
func (s *session) askKeyframe(flow int) {
	media := s.media[flow].Load()
	if media == 0 {
		return // nothing came yet, and the first to come will be a key frame
	}
	var p rtcp.Packet = &rtcp.PictureLossIndication{MediaSSRC: media}
	c := s.plan.lines[s.plan.flows[flow].line].codec
	if !c.wants("nack pli") && c.wants("ccm fir") {
		s.metrics.firs.Inc()
		p = &rtcp.FullIntraRequest{MediaSSRC: media, FIR: []rtcp.FIREntry{{SSRC: media, SequenceNumber: uint8(time.Now().UnixMilli() / 250)}}}
	} else {
		s.metrics.plis.Inc()
	}
	if err := s.pc.WriteRTCP([]rtcp.Packet{p}); err != nil {
		s.log.Debug("key-frame request", "err", err)
	}
}

// takeTrack is pion's callback for a new track.
func (s *session) takeTrack(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	mid := ""
	if t := receiver.RTPTransceiver(); t != nil {
		mid = t.Mid()
	}
	flow := s.plan.find(mid, remote.RID())
	if flow < 0 || !s.media[flow].CompareAndSwap(0, uint32(remote.SSRC())) {
		return
	}
	select {
	case s.tracks <- track{remote, flow}:
	case <-s.done:
	}
}

// takeRTCP is the interceptors' callback for a new stream.
func (s *session) takeRTCP(r interceptor.RTCPReader) {
	select {
	case s.rtcps <- r:
	default: // more streams than SSRCs are allowed: the session is about to end
	}
}

// newSSRC is SRTP's callback for a new SSRC.
func (s *session) newSSRC() bool {
	if s.ssrcs.Add(1) <= maxSSRCs {
		return true
	}
	s.metrics.refusals.WithLabelValues(string(refusedSSRCs)).Inc()
	s.Close("too many SSRCs")
	return false
}

// RequestKeyframe implements ingest.Publisher.
func (s *session) RequestKeyframe(flow int) {
	select {
	case s.keyframes <- flow:
	default: // the session is that busy; viewers ask again within a second
	}
}

// Trickle implements rtc.Session.
func (s *session) Trickle(_ context.Context, f sdpfrag.Fragment) error {
	select {
	case <-s.done:
		return net.ErrClosed
	default:
	}
	for _, m := range f.Media {
		for _, c := range m.Candidates {
			mid := m.Mid
			// A candidate of a kind that pion does not know is the peer's to waste.
			if err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: "candidate:" + c, SDPMid: &mid}); err != nil {
				s.metrics.candidates.Inc()
			}
		}
	}
	return nil
}

// Restart implements rtc.Session.
func (s *session) Restart(ctx context.Context, f sdpfrag.Fragment) (sdpfrag.Fragment, error) {
	select {
	case <-s.done:
		return sdpfrag.Fragment{}, net.ErrClosed
	default:
	}
	s.plan.ufrag, s.plan.pwd, s.plan.candidates = f.Ufrag, f.Pwd, nil
	for _, m := range f.Media {
		for _, c := range m.Candidates {
			s.plan.addCandidate(c)
		}
	}
	answer, err := s.answer(ctx)
	if errors.Is(err, webrtc.ErrConnectionClosed) { // it ends just now
		err = net.ErrClosed
	}
	if err != nil {
		return sdpfrag.Fragment{}, fmt.Errorf("ice restart: %w", err)
	}
	return fragment(answer, s.plan.lines[0]), nil
}

// Close implements rtc.Session and ingest.Publisher. The first reason counts.
func (s *session) Close(reason string) {
	select {
	case s.closing <- reason:
	default:
	}
}

// Allowed implements ingest.Publisher.
func (s *session) Allowed() error { return s.allowed() }

// Connected implements rtc.Connecter.
func (s *session) Connected() <-chan struct{} { return s.connected }

// Done implements rtc.Session.
func (s *session) Done() <-chan struct{} { return s.done }

// component returns the component of the value of an a=candidate (RFC 8839, section 5.1).
func component(candidate string) string {
	_, rest, _ := strings.Cut(candidate, " ")
	id, _, _ := strings.Cut(rest, " ")
	return id
}

// fragment returns the credentials and candidates of an answer (RFC 8840); with everything bundled they
// stand in the first m-line. pion lists each candidate for RTCP too, though rtcp-mux leaves that unused.
func fragment(answer string, first line) sdpfrag.Fragment {
	m := sdpfrag.Media{Kind: first.kind.String(), Mid: first.mid, End: true}
	var f sdpfrag.Fragment
	for l := range strings.Lines(answer) {
		l = strings.TrimRight(l, "\r\n")
		if v, ok := strings.CutPrefix(l, "a=ice-ufrag:"); ok {
			f.Ufrag = v
		} else if v, ok := strings.CutPrefix(l, "a=ice-pwd:"); ok {
			f.Pwd = v
		} else if v, ok := strings.CutPrefix(l, "a=candidate:"); ok && component(v) == "1" {
			m.Candidates = append(m.Candidates, v)
		}
	}
	f.Media = []sdpfrag.Media{m}
	return f
}
