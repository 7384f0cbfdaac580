package rtc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/trace"
)

// The two kinds of resource, also the first part of their paths.
const (
	WHIP = "whip"
	WHEP = "whep"
)

const (
	maxOffer    = 64 << 10 // RELIABILITY section 4: body of a POST
	maxFragment = 8 << 10  // and of a PATCH

	// openTimeout is how long a Negotiator has for an answer; an edge may have to pull the stream first.
	openTimeout = 10 * time.Second
	// patchTimeout is how long a Session has for candidates or a restart: no network is waited for.
	patchTimeout = 5 * time.Second
	// settleTimeout is how long a DELETE waits for its session's end, which takes some milliseconds.
	settleTimeout = time.Second
)

// ResourceConfig says what a Resource serves.
type ResourceConfig struct {
	Kind        string   // WHIP or WHEP
	ICEServers  []string // URLs told to peers by Link rel=ice-server; most meshes need none
	MaxSessions int      // at once, on this node; 0 is no limit
}

// A Resource is the HTTP side of WHIP (RFC 9725) or WHEP (draft-ietf-wish-whep-04): it opens sessions
// by its Negotiator and gives each a URL under which the peer sends candidates, restarts ICE and ends it.
// All methods may be called from any goroutine. It starts none; a timer looks after open sessions.
type Resource struct {
	cfg        ResourceConfig
	negotiator Negotiator
	log        *slog.Logger
	metrics    *metrics
	sessions   *registry
}

// NewResource returns a resource of cfg.Kind in front of n.
func NewResource(cfg ResourceConfig, n Negotiator, log *slog.Logger, reg prometheus.Registerer) *Resource {
	m := newMetrics(cfg.Kind, reg)
	return &Resource{cfg: cfg, negotiator: n, log: log, metrics: m, sessions: newRegistry(cfg.MaxSessions, m)}
}

// ServeHTTP serves /{kind}/{stream}, /{kind}/{stream}/{session} and what an Extender has below.
func (r *Resource) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	// Any page may publish or watch with a key or token of its own; no cookie is ever looked at.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "Location, Link, ETag, Retry-After, Accept-Patch, WWW-Authenticate")
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	if err := r.serve(rec, q); err != nil {
		r.fail(rec, q, err)
	}
	r.metrics.requests.WithLabelValues(method(q.Method), strconv.Itoa(rec.status)).Inc()
}

func (r *Resource) serve(w http.ResponseWriter, q *http.Request) error {
	parts := strings.SplitN(strings.TrimPrefix(q.URL.Path, "/"), "/", 4)
	trace.Route(q, "/"+r.cfg.Kind+[...]string{"", "/{stream}", "/{stream}/{session}", "/{stream}/{session}/…"}[len(parts)-1])
	if parts[0] != r.cfg.Kind || len(parts) < 2 || !validStream(parts[1]) {
		return errNotFound("there is nothing at this address")
	}
	if len(parts) == 2 {
		return r.serveEndpoint(w, q, parts[1])
	}
	if len(parts) == 4 {
		return r.serveBelow(w, q, parts[1], parts[2], parts[3])
	}
	return r.serveSession(w, q, parts[1], parts[2])
}

// serveEndpoint serves the address to which offers are posted.
func (r *Resource) serveEndpoint(w http.ResponseWriter, q *http.Request, stream string) error {
	allow := "POST, OPTIONS"
	if r.cfg.Kind == WHEP {
		allow = "HEAD, POST, OPTIONS"
	}
	switch {
	case q.Method == http.MethodPost:
		return r.post(w, q, stream)
	case q.Method == http.MethodOptions:
		w.Header().Set("Accept-Post", contentSDP)
		return options(w, allow)
	case q.Method == http.MethodHead && r.cfg.Kind == WHEP:
		w.Header().Set("Accept-Post", contentSDP)
		return nil
	}
	return errMethod(allow)
}

// serveSession serves the address of one session.
func (r *Resource) serveSession(w http.ResponseWriter, q *http.Request, stream, name string) error {
	allow := "PATCH, DELETE, OPTIONS"
	if r.cfg.Kind == WHEP {
		allow = "HEAD, PATCH, DELETE, OPTIONS"
	}
	switch q.Method {
	case http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
	default:
		return errMethod(allow)
	}
	if q.Method == http.MethodOptions { // a preflight carries nothing that could be refused
		w.Header().Set("Accept-Patch", contentFragment)
		return options(w, allow)
	}
	if q.Method == http.MethodHead && r.cfg.Kind == WHIP {
		return errMethod(allow)
	}
	x := r.sessions.find(stream, name)
	if x == nil {
		return errNotFound("the session is over or never was")
	}
	switch q.Method {
	case http.MethodPatch:
		return r.patch(w, q, x)
	case http.MethodDelete:
		if r.sessions.remove(x) {
			x.session.Close("peer deleted the session")
			settle(q.Context(), x.session)
		}
		return nil
	}
	return nil
}

// settle waits until s has ended, so that what comes after the answer to DELETE, such as a publisher with
// another codec, finds its place free. A session that takes longer than settleTimeout is not waited for.
func settle(ctx context.Context, s Session) {
	ctx, stop := context.WithTimeout(ctx, settleTimeout)
	defer stop()
	select {
	case <-s.Done():
	case <-ctx.Done():
	}
}

// options answers both a plain OPTIONS and a browser's preflight.
func options(w http.ResponseWriter, allow string) error {
	h := w.Header()
	h.Set("Allow", allow)
	h.Set("Access-Control-Allow-Methods", allow)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// CloseAll ends all sessions and refuses new ones from then on. It returns when the last has ended, or
// with ctx's error.
func (r *Resource) CloseAll(ctx context.Context, reason string) error {
	for i, x := range r.sessions.shut(reason) {
		select {
		case <-x.session.Done():
		case <-ctx.Done():
			return fmt.Errorf("close sessions, %d ended: %w", i, context.Cause(ctx))
		}
	}
	return nil
}

// fail answers with err, and logs it where it is not the peer's own fault.
func (r *Resource) fail(w http.ResponseWriter, q *http.Request, err error) {
	p, ok := asProblem(err)
	if !ok && errors.Is(err, context.Canceled) && q.Context().Err() != nil {
		// The peer hung up; the status is for the metrics only.
		p = errUnavailable("the request was given up", time.Second)
	} else if !ok {
		p = errInternal()
		r.log.ErrorContext(q.Context(), "request failed", "kind", r.cfg.Kind, "method", q.Method, "remote", q.RemoteAddr, "id", p.Instance, "err", err)
	}
	p.Write(w)
}

// A recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// validStream says whether id is a stream's id: 1 to 64 of [a-z0-9-].
func validStream(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
