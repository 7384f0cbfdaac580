package load_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"

	"freshet/proto/problem"
)

// A mirror is the smallest WHIP and WHEP server there can be: what the one publisher sends goes to all
// viewers, packet by packet. It shares nothing with Freshet's own media path.
type mirror struct {
	t   *testing.T
	web *httptest.Server

	mu      sync.Mutex
	tracks  map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP
	ready   chan struct{} // closed when the publisher's tracks are there
	want    int
	peers   map[string]*webrtc.PeerConnection
	deleted []string
	sources []func()       // ask the publisher for key frames
	count   map[string]int // packets by rid or kind
	next    int
	readers sync.WaitGroup
}

func newMirror(t *testing.T, tracks int) *mirror {
	m := &mirror{
		t: t, want: tracks, tracks: map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP{},
		ready: make(chan struct{}), peers: map[string]*webrtc.PeerConnection{}, count: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /whip/s", m.whip)
	mux.HandleFunc("POST /whep/s", m.whep)
	mux.HandleFunc("DELETE /session/{id}", m.delete)
	m.web = httptest.NewServer(mux)
	t.Cleanup(func() {
		m.web.Close()
		m.mu.Lock()
		peers := m.peers
		m.peers = map[string]*webrtc.PeerConnection{}
		m.mu.Unlock()
		for _, pc := range peers {
			_ = pc.Close()
		}
		m.readers.Wait()
	})
	return m
}

func (m *mirror) url(kind string) string { return m.web.URL + "/" + kind + "/s" }

func (m *mirror) peer() *webrtc.PeerConnection {
	e, r := &webrtc.MediaEngine{}, &interceptor.Registry{}
	err := errors.Join(e.RegisterDefaultCodecs(), webrtc.RegisterDefaultInterceptors(e, r), webrtc.ConfigureSimulcastExtensionHeaders(e))
	if err != nil {
		m.t.Error(err)
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(e), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(s)).
		NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		m.t.Error(err)
	}
	return pc
}

func (m *mirror) whip(w http.ResponseWriter, q *http.Request) {
	if q.Header.Get("Authorization") != "Bearer key" {
		problem.New(401, "unauthorized", "Wrong key", "the stream has another key").Write(w)
		return
	}
	pc := m.peer()
	pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		m.readers.Add(2)
		defer m.readers.Done()
		go func() {
			defer m.readers.Done()
			if remote.RID() != "" {
				return // pion v3 has a race between ReadSimulcast and the next layer's arrival
			}
			// pion answers sender reports only where someone reads them.
			for buf := make([]byte, 1500); ; {
				if _, _, err := receiver.Read(buf); err != nil {
					return
				}
			}
		}()
		m.mu.Lock()
		local := m.tracks[remote.Kind()]
		if local == nil {
			local, _ = webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, remote.Kind().String(), "s")
			m.tracks[remote.Kind()] = local
			if len(m.tracks) == m.want {
				close(m.ready)
			}
		}
		ssrc := uint32(remote.SSRC())
		m.sources = append(m.sources, func() {
			_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
		})
		m.mu.Unlock()
		name := remote.RID()
		if name == "" {
			name = remote.Kind().String()
		}
		for {
			p, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.count[name]++
			m.mu.Unlock()
			p.Extension, p.Extensions = false, nil
			_ = local.WriteRTP(p)
		}
	})
	m.answer(w, q, pc)
}

func (m *mirror) whep(w http.ResponseWriter, q *http.Request) {
	select {
	case <-m.ready:
	case <-q.Context().Done():
		return
	}
	pc := m.peer()
	m.mu.Lock()
	for _, t := range m.tracks {
		if _, err := pc.AddTrack(t); err != nil {
			m.t.Error(err)
		}
	}
	m.mu.Unlock()
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			m.askKeys()
		}
	})
	m.answer(w, q, pc)
}

func (m *mirror) askKeys() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ask := range m.sources {
		ask()
	}
}

func (m *mirror) answer(w http.ResponseWriter, q *http.Request, pc *webrtc.PeerConnection) {
	offer, err := io.ReadAll(q.Body)
	if err == nil {
		err = pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(offer)})
	}
	var sdp webrtc.SessionDescription
	if err == nil {
		sdp, err = pc.CreateAnswer(nil)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err == nil {
		err = pc.SetLocalDescription(sdp)
	}
	if err != nil {
		_ = pc.Close()
		problem.New(422, "sdp-unsupported", "Unusable offer", err.Error()).Write(w)
		return
	}
	<-gathered
	m.mu.Lock()
	m.next++
	id := string(rune('a' + m.next))
	m.peers[id] = pc
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", "/session/"+id)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, pc.LocalDescription().SDP)
}

func (m *mirror) delete(w http.ResponseWriter, q *http.Request) {
	m.mu.Lock()
	id := q.PathValue("id")
	pc := m.peers[id]
	delete(m.peers, id)
	m.deleted = append(m.deleted, id)
	m.mu.Unlock()
	if pc == nil {
		problem.New(404, "session-unknown", "Unknown session", "").Write(w)
		return
	}
	_ = pc.Close()
}

func (m *mirror) packets(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count[name]
}

// drop ends all sessions of the server without a word over HTTP.
func (m *mirror) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, pc := range m.peers {
		_ = pc.Close()
		delete(m.peers, id)
	}
}

func indent(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
