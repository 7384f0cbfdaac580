package pion_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pion/webrtc/v4"
)

// A mirror is a WHIP and WHEP server of one publisher and any number of viewers, only good enough to try
// the clients of this package without Freshet. Its locks and PeerConnections per viewer are pion's examples'
// way, not ours.
type mirror struct {
	t *testing.T

	mu     sync.Mutex
	tracks []*webrtc.TrackLocalStaticRTP
	peers  map[string]*webrtc.PeerConnection
	ready  chan struct{} // closed when both tracks are there
	reads  sync.WaitGroup
}

func newMirror(t *testing.T) (*mirror, *httptest.Server) {
	m := &mirror{t: t, peers: map[string]*webrtc.PeerConnection{}, ready: make(chan struct{})}
	s := httptest.NewServer(m)
	t.Cleanup(func() {
		s.Close()
		m.mu.Lock()
		peers := m.peers
		m.peers = map[string]*webrtc.PeerConnection{}
		m.mu.Unlock()
		for _, pc := range peers {
			_ = pc.Close()
		}
		m.reads.Wait()
	})
	return m, s
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.Method == http.MethodDelete {
		m.mu.Lock()
		pc := m.peers[q.URL.Path]
		delete(m.peers, q.URL.Path)
		m.mu.Unlock()
		if pc == nil {
			http.NotFound(w, q)
			return
		}
		_ = pc.Close()
		return
	}
	offer, _ := io.ReadAll(q.Body)
	answer, path, err := m.open(q.URL.Path, string(offer))
	if err != nil {
		m.t.Errorf("mirror: %v", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

func (m *mirror) open(path, offer string) (answer, session string, err error) {
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", "", err
	}
	m.mu.Lock()
	session = path + "/" + string(rune('a'+len(m.peers)))
	m.peers[session] = pc
	tracks := m.tracks
	m.mu.Unlock()
	if strings.HasPrefix(path, "/whip/") {
		pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { m.reads.Go(func() { m.read(t) }) })
	} else {
		for _, t := range tracks {
			if _, err := pc.AddTrack(t); err != nil {
				return "", "", err
			}
		}
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", "", err
	}
	a, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(a); err != nil {
		return "", "", err
	}
	<-gathered // host candidates alone: no network is waited for
	return pc.LocalDescription().SDP, session, nil
}

func (m *mirror) read(t *webrtc.TrackRemote) {
	local, err := webrtc.NewTrackLocalStaticRTP(t.Codec().RTPCodecCapability, t.Kind().String(), "mirror")
	if err != nil {
		m.t.Errorf("mirror: %v", err)
		return
	}
	m.mu.Lock()
	m.tracks = append(m.tracks, local)
	if len(m.tracks) == 2 {
		close(m.ready)
	}
	m.mu.Unlock()
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		p.Extension, p.Extensions = false, nil // numbered for the other connection
		_ = local.WriteRTP(p)                  // a viewer that is gone
	}
}
