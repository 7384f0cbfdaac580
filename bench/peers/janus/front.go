// Package janus gives a Janus gateway the WHIP and WHEP that it has not: a publisher is taken by a naive server and
// goes to Janus' streaming plugin as plain RTP, and a viewer's offer is crossed with the one that Janus makes.
// What Janus itself does for a viewer is left as it is: that is what is measured.
package janus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"freshet/bench/load"
	"freshet/bench/peers/naive"
	"freshet/cluster/rtc"
	"freshet/proto/problem"
)

const (
	contentSDP  = "application/sdp"
	mostOffer   = 64 << 10
	mostViewers = 5000
	mostConns   = 1024
	jobsKept    = 1024             // more viewers than that are not hung up on at once
	eventWithin = 10 * time.Second // from a request to the plugin until what comes of it
	stopWithin  = 5 * time.Second
)

// A Front stands before one Janus. Run may be called once.
type Front struct {
	log       *slog.Logger
	gateway   *gateway
	publisher *naive.Server
	listener  net.Listener
	jobs      chan func(context.Context) // for work to start

	mu      sync.Mutex
	source  *source           // nil while nobody has come to watch
	viewers map[string]uint64 // handles by session; 0 while one is opened
}

// New opens a session of Janus, whose HTTP API is at base, and listens on loopback for who publishes and watches.
func New(ctx context.Context, base string, log *slog.Logger) (*Front, error) {
	f := &Front{
		log: log, gateway: newGateway(base), jobs: make(chan func(context.Context), jobsKept), viewers: map[string]uint64{},
	}
	if err := f.gateway.open(ctx); err != nil {
		return nil, err
	}
	var err error
	if f.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if f.publisher, err = naive.New(naive.Config{HTTP: "127.0.0.1:0"}, log); err != nil {
		return nil, errors.Join(err, f.listener.Close())
	}
	return f, nil
}

// WHIP and WHEP are where the Front is found.
func (f *Front) WHIP() string { return f.publisher.Ready().WHIP }
func (f *Front) WHEP() string { return "http://" + f.listener.Addr().String() + "/whep" }

// Run serves until ctx ends, which returns nil, or Janus is gone.
func (f *Front) Run(ctx context.Context) error {
	defer f.gateway.client.CloseIdleConnections()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { f.work(ctx); return nil })
	g.Go(func() error { return f.publisher.Run(ctx) })
	g.Go(func() error { return f.serve(ctx) })
	g.Go(func() error { return f.gateway.poll(ctx, f.hung) })
	return g.Wait()
}

// work starts what requests and events have begun and do not wait for, and returns when all that has ended.
func (f *Front) work(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case job := <-f.jobs:
			running.Go(func() { job(ctx) })
		case <-ctx.Done():
			return
		}
	}
}

// begin has work start job. It returns false where too much waits already.
func (f *Front) begin(job func(context.Context)) bool {
	select {
	case f.jobs <- job:
		return true
	default:
		return false
	}
}

// serve answers viewers until ctx ends.
func (f *Front) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /whep", func(w http.ResponseWriter, q *http.Request) {
		if err := f.whep(w, q); err != nil {
			asProblem(err).Write(w)
		}
	})
	mux.HandleFunc("DELETE /session/{id}", f.remove)
	web := &http.Server{
		Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(netutil.LimitListener(f.listener, mostConns)) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if web.Shutdown(stop) != nil {
		_ = web.Close() // who has not finished by now is cut off
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// whep opens a viewer's session.
func (f *Front) whep(w http.ResponseWriter, q *http.Request) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, q.Body, mostOffer))
	if err != nil {
		return problem.New(http.StatusRequestEntityTooLarge, "too-large", "Body too large", err.Error())
	}
	offer := string(b)
	if err := rtc.CheckOffer(offer); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(q.Context(), 2*eventWithin)
	defer cancel()
	session, answer, err := f.seat(ctx, offer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentSDP)
	w.Header().Set("Location", "/session/"+session)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // Janus hangs up on a peer that is gone
	return nil
}

// seat has Janus answer offer with the source that there is. Where that is over, it waits for its end and begins another.
func (f *Front) seat(ctx context.Context, offer string) (session, answer string, err error) {
	for {
		s, err := f.sourceFor(offer)
		if err != nil {
			return "", "", err
		}
		select {
		case <-s.ready:
		case <-s.ended:
			return "", "", s.err
		case <-ctx.Done():
			return "", "", ctx.Err()
		}
		kinds, err := s.taken(offer)
		if err != nil {
			return "", "", err
		}
		session = rand.Text()
		if err := f.reserve(session); err != nil {
			return "", "", err
		}
		handle, answer, err := f.watch(ctx, offer, kinds)
		f.settle(session, handle)
		if err == nil || !s.passed(ctx) {
			return session, answer, err
		}
	}
}

// watch has the plugin send kinds to who made offer. Where it does not, the handle is closed again.
func (f *Front) watch(ctx context.Context, offer string, kinds []string) (handle uint64, answer string, err error) {
	handle, events, err := f.gateway.attach(ctx)
	if err != nil {
		return 0, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.gateway.detach(context.WithoutCancel(ctx), handle))
			handle = 0
		}
	}()
	if _, err := f.gateway.message(ctx, handle, map[string]any{"request": "watch", "id": mountpoint, "media": kinds}, nil); err != nil {
		return handle, "", err
	}
	theirs, err := await(ctx, events, func(e reply) bool { return e.JSEP != nil })
	if err != nil {
		return handle, "", err
	}
	forViewer, forGateway, err := cross(offer, theirs.JSEP.SDP)
	if err != nil {
		return handle, "", problem.New(http.StatusUnprocessableEntity, "sdp-unsupported", "SDP not supported", err.Error())
	}
	if _, err := f.gateway.message(ctx, handle, map[string]any{"request": "start"}, &jsep{Type: "answer", SDP: forGateway}); err != nil {
		return handle, "", err
	}
	if _, err := await(ctx, events, func(e reply) bool { return e.Janus == "event" }); err != nil {
		return handle, "", err
	}
	return handle, forViewer, nil
}

// await returns the first event that is meant, or what the plugin complains of.
func await(ctx context.Context, events <-chan reply, meant func(reply) bool) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, eventWithin)
	defer cancel()
	for {
		select {
		case e := <-events:
			if err := pluginError(e); err != nil || meant(e) {
				return e, err
			}
		case <-ctx.Done():
			return reply{}, fmt.Errorf("janus: no event: %w", ctx.Err())
		}
	}
}

// reserve takes a place for a session, settle fills it, or gives it back where there is no handle.
func (f *Front) reserve(session string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.viewers) >= mostViewers {
		p := problem.New(http.StatusServiceUnavailable, "full", "Full", "")
		p.RetryAfter = time.Second
		return p
	}
	f.viewers[session] = 0
	return nil
}

func (f *Front) settle(session string, handle uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if handle == 0 {
		delete(f.viewers, session)
		return
	}
	f.viewers[session] = handle
}

// remove ends a session for who has its address.
func (f *Front) remove(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	handle := f.viewers[q.PathValue("id")]
	if handle != 0 {
		delete(f.viewers, q.PathValue("id"))
	}
	f.mu.Unlock()
	if handle == 0 {
		problem.New(http.StatusNotFound, "session-unknown", "Unknown session", "").Write(w)
		return
	}
	if err := f.gateway.detach(q.Context(), handle); err != nil {
		asProblem(err).Write(w)
	}
}

// hung forgets the viewer on whom Janus has hung up. poll calls it.
func (f *Front) hung(handle uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for session, h := range f.viewers {
		if h == handle {
			delete(f.viewers, session)
			// At worst Janus keeps an empty handle.
			f.begin(func(ctx context.Context) { _ = f.gateway.detach(ctx, handle) })
			return
		}
	}
}

// asProblem is what a viewer gets to see of err: what is not its own fault is Janus'.
func asProblem(err error) *problem.Problem {
	var p *problem.Problem
	var s *load.StatusError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &s) && s.Status == http.StatusNotFound:
		p = problem.New(http.StatusNotFound, "stream-unknown", "Nobody publishes", "")
		p.RetryAfter = time.Second
		return p
	}
	return problem.New(http.StatusBadGateway, "janus", "Janus does not take it", err.Error())
}
