package naive

import (
	"errors"
	"io"
	"net"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// A session is one publisher or one viewer.
type session struct {
	id   string
	pc   *webrtc.PeerConnection
	live *broadcast // what it sends or watches
	owns bool       // it is the publisher's

	mu      sync.Mutex
	lines   []*line                       // what a viewer watches
	tracks  []*webrtc.TrackLocalStaticRTP // of each line
	senders []*webrtc.RTPSender           // of each track
	joined  bool                          // tracks are in their lines
	left    bool                          // for good
}

// negotiate answers x's offer.
func (x *session) negotiate(offer string) (string, error) {
	if !x.owns {
		if err := x.watch(); err != nil {
			return "", err
		}
	}
	if err := x.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	if x.owns {
		if err := x.live.announce(x.pc.GetTransceivers()); err != nil {
			return "", err
		}
	}
	return answer(x.pc)
}

// watch gives x a track of its own for each line. What the viewer did not offer to take stays unbound, and
// costs nothing.
func (x *session) watch() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.left {
		return net.ErrClosed
	}
	for _, l := range x.live.tracks() {
		t, err := webrtc.NewTrackLocalStaticRTP(l.codec, l.kind.String(), "naive")
		if err != nil {
			return err
		}
		sender, err := x.pc.AddTrack(t)
		if err != nil {
			return err
		}
		x.lines, x.tracks, x.senders = append(x.lines, l), append(x.tracks, t), append(x.senders, sender)
	}
	return nil
}

// join lets media flow to a viewer whose connection is up. Of a publisher there is nothing to do.
func (x *session) join() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.owns || x.joined || x.left {
		return
	}
	x.joined = true
	for i, l := range x.lines {
		l.add(x.tracks[i])
	}
	x.live.askKey()
}

// leave takes the viewer out of its lines; it does not come back.
func (x *session) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.left = true
	if !x.joined {
		return
	}
	for i, l := range x.lines {
		l.remove(x.tracks[i])
	}
}

// bye tells a viewer that the stream is over (RFC 3550, section 6.6).
func (x *session) bye() {
	x.mu.Lock()
	defer x.mu.Unlock()
	var sources []uint32
	for _, s := range x.senders {
		for _, e := range s.GetParameters().Encodings {
			sources = append(sources, uint32(e.SSRC))
		}
	}
	if len(sources) > 0 {
		_ = x.pc.WriteRTCP([]rtcp.Packet{&rtcp.Goodbye{Sources: sources}}) // a courtesy: the connection is closed next
	}
}

// readFeedback reads what the viewer says of a track, until the sender is stopped: pion's interceptors answer
// NACKs and count reports only where somebody reads.
func (x *session) readFeedback(s *webrtc.RTPSender, counts *counts) {
	for b := make([]byte, mostRTCP); ; {
		n, _, err := s.Read(b)
		if over(err) {
			return
		}
		var packets []rtcp.Packet
		if err == nil {
			packets, err = rtcp.Unmarshal(b[:n])
		}
		if err != nil {
			counts.malformed.Add(1)
			continue
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				x.live.askKey()
			}
		}
	}
}

// readReports reads what the publisher says of a track, until the connection is closed: pion looks at sender
// reports only where somebody reads.
func readReports(r *webrtc.RTPReceiver) {
	for b := make([]byte, mostRTCP); ; {
		if _, _, err := r.Read(b); over(err) {
			return
		}
	}
}

// mostRTCP is the longest RTCP packet that is read: one datagram of an Ethernet.
const mostRTCP = 1500

// over says whether err ends a stream; pion gives other errors for what it could not make out, and goes on.
func over(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
}
