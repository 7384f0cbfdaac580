package naive

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/pion/webrtc/v3"

	"freshet/cluster/rtc"
	"freshet/proto/problem"
)

const (
	contentSDP = "application/sdp"
	mostOffer  = 64 << 10
	readyWait  = 5 * time.Second // of a viewer, for the publisher's first packets
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) *refusal{
		"POST /whip": s.whip, "POST /whep": s.whep, "DELETE /session/{id}": s.remove,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, q *http.Request) {
			if r := h(w, q); r != nil {
				s.counts.refused[r.cause].Add(1)
				r.Write(w)
			}
		})
	}
	return mux
}

// whip opens the publisher's session.
func (s *Server) whip(w http.ResponseWriter, q *http.Request) *refusal {
	offer, r := readOffer(w, q)
	if r != nil {
		return r
	}
	if strings.Contains(offer, "\na=simulcast:") {
		return refuse(causeLayers, "each viewer gets all that is sent: send one layer")
	}
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return refuse(causeOffer, err.Error())
	}
	x := &session{pc: pc, live: newBroadcast(pc), owns: true}
	if r := s.open(w, x, offer); r != nil {
		return r
	}
	s.during(x, x.live.askKeys)
	s.log.Info("publisher joined", "session", x.id)
	return nil
}

// whep opens a viewer's session.
func (s *Server) whep(w http.ResponseWriter, q *http.Request) *refusal {
	offer, r := readOffer(w, q)
	if r != nil {
		return r
	}
	s.mu.Lock()
	live := s.live
	s.mu.Unlock()
	if live == nil {
		return refuse(causeNobody, "")
	}
	late := time.NewTimer(readyWait)
	defer late.Stop()
	select {
	case <-live.ready:
	case <-live.ended:
		return refuse(causeNobody, "the publisher left")
	case <-late.C:
		return refuse(causeNotYet, "the publisher has not sent all the tracks of its offer")
	case <-q.Context().Done():
		return refuse(causeStopping, "")
	}
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return refuse(causeOffer, err.Error())
	}
	x := &session{pc: pc, live: live}
	if r := s.open(w, x, offer); r != nil {
		return r
	}
	for _, sender := range x.senders {
		s.during(x, func() { x.readFeedback(sender, &s.counts) })
	}
	return nil
}

// remove ends a session for who has its address.
func (s *Server) remove(w http.ResponseWriter, q *http.Request) *refusal {
	s.mu.Lock()
	x := s.sessions[q.PathValue("id")]
	s.mu.Unlock()
	if x == nil {
		return refuse(causeUnknown, "")
	}
	s.end(x, "deleted")
	w.WriteHeader(http.StatusOK)
	return nil
}

// open answers the offer of x and lists it. Where it is refused, x has ended.
func (s *Server) open(w http.ResponseWriter, x *session, offer string) *refusal {
	if r := s.admit(x); r != nil {
		closePeer(x.pc)
		return r
	}
	// pion calls both from a goroutine of their own each time.
	x.pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		if l := x.live.add(remote); l != nil {
			s.during(x, func() { l.forward(remote, &s.counts) })
			s.during(x, func() { readReports(receiver) })
		}
	})
	x.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			x.join()
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			s.end(x, "connection "+state.String())
		}
	})
	text, err := x.negotiate(offer)
	if err != nil {
		s.end(x, "offer refused")
		return refuse(causeOffer, err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", contentSDP)
	h.Set("Location", "/session/"+x.id)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, text) // a peer that is gone never connects, and is forgotten
	return nil
}

// readOffer returns the SDP of a request.
func readOffer(w http.ResponseWriter, q *http.Request) (string, *refusal) {
	if got, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || got != contentSDP {
		return "", refuseWith(causeOther, http.StatusUnsupportedMediaType, "the body must be "+contentSDP)
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, q.Body, mostOffer))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return "", refuseWith(causeOther, http.StatusRequestEntityTooLarge, "an offer has at most 64 KiB")
	}
	if err != nil {
		return "", refuse(causeOther, "the body ended early")
	}
	if err := rtc.CheckOffer(string(b)); err != nil {
		if p := (*problem.Problem)(nil); errors.As(err, &p) {
			return "", &refusal{p, causeOffer}
		}
		return "", refuse(causeOffer, err.Error())
	}
	return string(b), nil
}
