package whip

import (
	"net/http"
	"time"

	"freshet/proto/problem"
)

// moveLink is the relation of where a publisher hears that it is to move (an extension: RFC 9725, section 4.8). GET is
// answered 204 after a while, and then asked again, or 200 once the stream is placed elsewhere and this node is about to
// leave: the publisher opens another session at the endpoint that it was given, and ends this one when that stands.
const moveLink = "urn:ietf:params:whip:ext:freshet:move"

// moveWait is how long a GET is kept: proxies cut what is silent for half a minute.
const moveWait = 20 * time.Second

// Move implements ingest.Publisher.
func (s *session) Move() { s.move.Do(func() { close(s.moves) }) }

// Backup implements ingest.Publisher.
func (s *session) Backup() bool { return s.backup }

// Links implements rtc.Extender.
func (s *session) Links() map[string]string { return map[string]string{moveLink: "move"} }

// ServeHTTP implements rtc.Extender.
func (s *session) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path != "move" {
		problem.New(http.StatusNotFound, "not-found", "Not found", "a session has nothing but /move below it").Write(w)
		return
	}
	if q.Method != http.MethodGet {
		p := problem.New(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", "this address takes GET")
		p.Allow = "GET, OPTIONS"
		p.Write(w)
		return
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	default:
		p := problem.New(http.StatusTooManyRequests, "too-many", "Too many requests", "somebody waits here already")
		p.RetryAfter = time.Second
		p.Write(w)
		return
	}
	late := time.NewTimer(moveWait)
	defer late.Stop()
	w.Header().Set("Cache-Control", "no-store")
	select {
	case <-s.moves:
		w.WriteHeader(http.StatusOK)
	case <-s.done:
		problem.New(http.StatusNotFound, "not-found", "Not found", "the session is over").Write(w)
	case <-late.C:
		w.WriteHeader(http.StatusNoContent)
	case <-q.Context().Done():
	}
}
