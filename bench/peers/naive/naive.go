// Package naive is a WHIP and WHEP server as who knows pion/webrtc v3 and nothing else would write it: one
// PeerConnection and one TrackLocalStaticRTP a viewer and track, pion's default interceptors, the publisher's
// packets written to one viewer after the other. It is what the bench compares an edge with on every machine,
// so it is neither held back nor made better than pion's usual way; it shares nothing with Freshet's media path.
//
// It carries one stream of any codecs that pion knows. It takes no simulcast, no trickled candidates and no keys.
package naive

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v3"
	"golang.org/x/net/netutil"
)

// Limits of what is taken from outside.
const (
	mostSessions = 5000 // some 3 MB each: more do not fit the machines that it is measured on
	mostConns    = 1024 // of HTTP, at one time
	stopWithin   = 5 * time.Second
)

// Config says where a server listens.
type Config struct {
	HTTP string // host:port; media is at the same host, on ports of the system's choice
	GCM  bool   // offer AES_128_GCM alone, not what pion's default order comes to
}

// A Ready says where a server is found.
type Ready struct {
	WHIP    string `json:"whip"`
	WHEP    string `json:"whep"`
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// A Server is one stream with its publisher and viewers. Run may be called once, Stats at any time.
type Server struct {
	log      *slog.Logger
	listener net.Listener
	api      *webrtc.API
	most     int // sessions
	counts   counts

	mu       sync.Mutex
	stopped  bool
	live     *broadcast          // nil while nobody publishes
	sessions map[string]*session // by id, the publisher's among them
	work     sync.WaitGroup      // what sessions have running; Add under mu, for a session that is in sessions
}

// counts may be written from anywhere.
type counts struct {
	received, sent, failed, malformed atomic.Int64
	refused                           [causes]atomic.Int64
}

// Stats are counts since the server began.
type Stats struct {
	Publishing bool
	Viewers    int              // now, those that are still connecting among them
	Received   int64            // packets of the publisher
	Sent       int64            // packets handed to pion for a viewer
	Failed     int64            // of those, the ones that it did not take
	Malformed  int64            // RTCP that did not parse
	Refused    map[string]int64 // requests, by cause
}

// New listens. An error is of the address.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	host, _, err := net.SplitHostPort(cfg.HTTP)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	api, err := newAPI(host, cfg.GCM)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", cfg.HTTP)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	return &Server{log: log, listener: l, api: api, most: mostSessions, sessions: map[string]*session{}}, nil
}

// Serve writes the server's Ready as a line of JSON on w and runs it.
func (s *Server) Serve(ctx context.Context, w io.Writer) error {
	if err := json.NewEncoder(w).Encode(s.Ready()); err != nil {
		return errors.Join(err, s.listener.Close())
	}
	return s.Run(ctx)
}

// Ready says where the server is found.
func (s *Server) Ready() Ready {
	base := "http://" + s.listener.Addr().String()
	return Ready{WHIP: base + "/whip", WHEP: base + "/whep", PID: os.Getpid(), Version: version()}
}

// Stats returns the counts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{
		Publishing: s.live != nil, Viewers: len(s.sessions),
		Received: s.counts.received.Load(), Sent: s.counts.sent.Load(),
		Failed: s.counts.failed.Load(), Malformed: s.counts.malformed.Load(), Refused: map[string]int64{},
	}
	if s.live != nil {
		st.Viewers--
	}
	for c := range causes {
		if n := s.counts.refused[c].Load(); n > 0 {
			st.Refused[c.String()] = n
		}
	}
	return st
}

// Run serves until ctx ends, which returns nil once everybody has been told.
func (s *Server) Run(ctx context.Context) error {
	web := &http.Server{
		Handler:     s.routes(),
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends the waiting of viewers too
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),

		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(netutil.LimitListener(s.listener, mostConns)) }()
	var err error
	select {
	case err = <-served:
		_ = web.Close() // and those that it serves
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if web.Shutdown(stop) != nil {
			_ = web.Close() // who has not finished by now is cut off
		}
		if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
			err = failed
		}
	}
	s.mu.Lock()
	s.stopped = true
	var left []*session
	for _, x := range s.sessions {
		left = append(left, x)
	}
	s.mu.Unlock()
	var all sync.WaitGroup
	for _, x := range left {
		all.Go(func() { s.end(x, "the server stops") })
	}
	all.Wait()
	s.work.Wait()
	st := s.Stats()
	s.log.Info("stopped", "received", st.Received, "sent", st.Sent, "failed", st.Failed, "malformed", st.Malformed, "refused", st.Refused)
	return err
}

// admit lists a new session; nil says that it may be.
func (s *Server) admit(x *session) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return refuse(causeStopping, "the server stops")
	case len(s.sessions) >= s.most:
		return refuse(causeFull, fmt.Sprintf("%d sessions are all that it takes", s.most))
	case x.owns && s.live != nil:
		return refuse(causeTaken, "somebody publishes already")
	case !x.owns && s.live != x.live:
		return refuse(causeNobody, "the publisher left")
	}
	if x.owns {
		s.live = x.live
	}
	x.id = rand.Text()
	s.sessions[x.id] = x
	return nil
}

// during runs f while Run lasts, unless x has ended.
func (s *Server) during(x *session, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[x.id] == x {
		s.work.Go(f)
	}
}

// end ends x if it has not ended, and with a publisher all who watch. It returns when their connections are closed.
func (s *Server) end(x *session, why string) {
	s.mu.Lock()
	if s.sessions[x.id] != x {
		s.mu.Unlock()
		return
	}
	delete(s.sessions, x.id)
	gone := []*session{x}
	if x.owns {
		s.live = nil
		for _, v := range s.sessions {
			gone = append(gone, v)
		}
		clear(s.sessions)
	}
	s.work.Add(len(gone))
	s.mu.Unlock()
	if x.owns {
		s.log.Info("publisher left", "session", x.id, "reason", why, "viewers", len(gone)-1)
		close(x.live.ended)
	}
	var all sync.WaitGroup
	for _, v := range gone {
		all.Go(func() {
			defer s.work.Done()
			v.leave()
			if x.owns && v != x {
				v.bye()
			}
			closePeer(v.pc)
		})
	}
	all.Wait()
}
