// Package whip takes publishers in by WHIP (RFC 9725): it reduces their offers to what Freshet carries,
// answers by pion/webrtc, and hands their packets to the stream's seat in package ingest.
package whip

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/rtc"
	"freshet/origin/ingest"
	"freshet/proto/problem"
)

// A Gate says who may publish, by a bearer or else a ticket: nil, or a *problem.Problem of 401 for a wrong one, 403 for a
// closed stream, 404 for an unknown one, 421 for one of another origin, 503 while that is not known. Still is asked again and
// again while the publisher is here: it answers from memory.
type Gate interface {
	Admit(stream, bearer, ticket string, now time.Time) (still func() error, err error)
}

// Config of an Endpoint.
type Config struct {
	Media     string       // UDP host:port that all publishers' media shares; port 0 takes a free one
	Advertise []netip.Addr // under which publishers reach Media, where the node's own addresses are not
}

// Deps are what an Endpoint is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Gate    Gate
	Ingest  *ingest.Ingest
}

// An Endpoint is the rtc.Negotiator of publishers.
type Endpoint struct {
	deps    Deps
	metrics *metrics
	engine  *engine
	starts  chan *session
	stopped chan struct{}
}

// New binds the media port.
func New(cfg Config, d Deps) (*Endpoint, error) {
	e, err := newEngine(cfg.Media, cfg.Advertise, newLogs(d.Log))
	if err != nil {
		return nil, err
	}
	return &Endpoint{deps: d, metrics: newMetrics(d.Metrics), engine: e, starts: make(chan *session), stopped: make(chan struct{})}, nil
}

// Addr returns where media comes in.
func (e *Endpoint) Addr() netip.AddrPort { return e.engine.addr }

// Run serves sessions, one goroutine each, until ctx ends; then it ends them and gives back the port.
func (e *Endpoint) Run(ctx context.Context) error {
	var sessions sync.WaitGroup
	defer func() {
		close(e.stopped)
		sessions.Wait()
		if err := e.engine.close(); err != nil {
			e.deps.Log.Debug("close media port", "err", err)
		}
	}()
	for {
		select {
		case s := <-e.starts:
			e.metrics.sessions.Inc()
			sessions.Go(func() {
				defer e.metrics.sessions.Dec()
				s.run(ctx)
			})
		case <-ctx.Done():
			return nil
		}
	}
}

// Open implements rtc.Negotiator.
func (e *Endpoint) Open(ctx context.Context, o rtc.Offer) (rtc.Session, string, error) {
	still, err := e.deps.Gate.Admit(o.Stream, o.Bearer, o.Ticket, time.Now())
	if err != nil {
		e.metrics.refusals.WithLabelValues(string(refusedKey)).Inc()
		return nil, "", err
	}
	p, err := newPlan(o.SDP)
	if err != nil {
		e.metrics.refusals.WithLabelValues(string(refusedOffer)).Inc()
		return nil, "", err
	}
	log := e.deps.Log.With("stream", o.Stream, "session", o.Session, "remote", o.Remote.Addr())
	s := newSession(o.Session, p, log, e.metrics)
	s.allowed, s.backup = still, o.Backup
	if s.seat, err = e.deps.Ingest.Join(ctx, o.Stream, o.Session, p.formats(), s); err != nil {
		e.metrics.refusals.WithLabelValues(string(refusedSeat)).Inc()
		return nil, "", err
	}
	answer, err := s.open(ctx, e.engine)
	if err == nil {
		select {
		case e.starts <- s:
			log.InfoContext(ctx, "session opened", "flows", len(p.flows), "codec", p.lines[0].codec.Name)
			return s, answer, nil
		case <-e.stopped:
			err = stopped()
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	s.Close("not opened")
	s.run(ctx)
	return nil, "", fmt.Errorf("open session: %w", err)
}

func stopped() error {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now", "the node is stopping")
	p.RetryAfter = time.Second
	return p
}
