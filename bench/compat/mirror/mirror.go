// Package mirror is a WHIP and WHEP server that is not Freshet: one PeerConnection of pion v4 for each
// peer, packets copied from one to the others. The clients of this module are tried against it first, so
// that a fault is known for a client's or for Freshet's. It is good for a handful of viewers.
package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"
)

// Stream and Key are what a mirror lets publish.
const (
	Stream = "mirror"
	Key    = "mirror-key"
)

// maxOffer is the most that is read of an offer.
const maxOffer = 64 << 10

// A Mirror serves one stream. All methods may be called from any goroutine.
type Mirror struct {
	listener net.Listener
	log      *slog.Logger

	mu        sync.Mutex
	peers     map[string]*webrtc.PeerConnection // by path of the session
	publisher *webrtc.PeerConnection
	tracks    []*webrtc.TrackLocalStaticRTP // of the publisher
	ssrcs     []webrtc.SSRC                 // of the publisher's video
	reads     sync.WaitGroup
}

// New listens on a free port of loopback.
func New(log *slog.Logger) (*Mirror, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &Mirror{listener: l, log: log, peers: map[string]*webrtc.PeerConnection{}}, nil
}

// Line is what `freshet up --output json` would print.
func (m *Mirror) Line() string {
	base := "http://" + m.listener.Addr().String()
	type node map[string]string
	b, _ := json.Marshal(map[string]any{ // strings alone: it cannot fail
		"api": base + "/api/v1", "stream": Stream, "key": Key,
		"origins": []node{{"node": "mirror", "whip": base + "/whip"}},
		"edges":   []node{{"node": "mirror", "whep": base + "/whep"}},
	})
	return string(b)
}

// Run serves until ctx ends. It returns when all sessions and goroutines have ended.
func (m *Mirror) Run(ctx context.Context) error {
	s := &http.Server{Handler: m, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn)}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	err := s.Serve(m.listener)
	m.mu.Lock()
	peers := m.peers
	m.peers = nil
	m.mu.Unlock()
	for _, pc := range peers {
		_ = pc.Close()
	}
	m.reads.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// ServeHTTP takes offers, DELETE, and the question whether the stream is live.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Expose-Headers", "Location, ETag, Link")
	endpoint := q.URL.Path == "/whip/"+Stream || q.URL.Path == "/whep/"+Stream
	switch {
	case q.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case q.Method == http.MethodGet && q.URL.Path == "/api/v1/streams/"+Stream:
		m.mu.Lock()
		live := len(m.tracks) > 0
		m.mu.Unlock()
		h.Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":%q,"live":%t}`, Stream, live)
	case q.Method == http.MethodPost && endpoint:
		m.post(w, q)
	case q.Method == http.MethodDelete:
		m.end(w, q.URL.Path)
	case q.Method == http.MethodPatch:
		w.WriteHeader(http.StatusNoContent) // candidates: this machine's are known, and checks of others are answered
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (m *Mirror) post(w http.ResponseWriter, q *http.Request) {
	publishes := strings.HasPrefix(q.URL.Path, "/whip/")
	if publishes && q.Header.Get("Authorization") != "Bearer "+Key {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	offer, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxOffer))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	session := q.URL.Path + "/" + uuid.NewString()
	pc, answer, err := m.open(publishes, string(offer))
	if err != nil {
		m.log.Error("offer", "err", err)
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	m.mu.Lock()
	open := m.peers != nil
	if open {
		m.peers[session] = pc
	}
	m.mu.Unlock()
	if !open {
		_ = pc.Close()
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", session)
	w.Header().Set("ETag", `"`+session+`"`)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

func (m *Mirror) end(w http.ResponseWriter, session string) {
	m.mu.Lock()
	pc := m.peers[session]
	delete(m.peers, session)
	if pc != nil && pc == m.publisher {
		m.publisher, m.tracks, m.ssrcs = nil, nil, nil
	}
	m.mu.Unlock()
	if pc == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = pc.Close()
}
