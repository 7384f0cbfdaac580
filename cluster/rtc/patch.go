package rtc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"freshet/proto/sdpfrag"
)

// patch takes candidates (204) or restarts ICE (200 with the node's side, under a new ETag):
// RFC 9725, section 4.3. Credentials other than the peer's last ones ask for a restart.
func (r *Resource) patch(w http.ResponseWriter, q *http.Request, x *exchange) error {
	body, err := read(w, q, contentFragment, maxFragment)
	if err != nil {
		return err
	}
	match := strings.Join(q.Header.Values("If-Match"), ",")
	if strings.TrimSpace(match) == "" {
		return errPreconditionRequired()
	}
	f, err := sdpfrag.Parse(body)
	if err != nil {
		return errFragment(err)
	}
	ctx, cancel := context.WithTimeout(q.Context(), patchTimeout)
	defer cancel()
	// One PATCH at a time: two restarts that cross would answer with each other's ETag.
	select {
	case x.turn <- struct{}{}:
		defer func() { <-x.turn }()
	case <-ctx.Done():
		return errUnavailable("an earlier request of the session is still under way", patchTimeout)
	}
	if !matches(match, x.etag(x.generation)) {
		return errPreconditionFailed()
	}
	if f.Ufrag != "" && f.Ufrag != x.ufrag {
		if !validUfrag(f.Ufrag) || !validPwd(f.Pwd) {
			return errFragment(errCredentials)
		}
		return r.restart(ctx, w, x, f)
	}
	r.metrics.candidates.Add(float64(f.Ignored + x.takeCandidates(&f)))
	if err := x.session.Trickle(ctx, f); err != nil {
		return ended(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// restart runs with x.turn held.
func (r *Resource) restart(ctx context.Context, w http.ResponseWriter, x *exchange, f sdpfrag.Fragment) error {
	x.candidates = 0
	r.metrics.candidates.Add(float64(f.Ignored + x.takeCandidates(&f)))
	answer, err := x.session.Restart(ctx, f)
	if err != nil {
		return ended(err)
	}
	x.generation++
	x.ufrag = f.Ufrag
	r.metrics.restarts.Inc()
	h := w.Header()
	h.Set("Content-Type", contentFragment)
	h.Set("ETag", x.etag(x.generation))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(answer.Append(nil))
	return nil
}

// takeCandidates cuts f down to what maxCandidates leaves the session, and returns how many it cut.
func (x *exchange) takeCandidates(f *sdpfrag.Fragment) (dropped int) {
	for i := range f.Media {
		m := &f.Media[i]
		keep := min(len(m.Candidates), maxCandidates-x.candidates)
		dropped += len(m.Candidates) - keep
		m.Candidates = slices.Clip(m.Candidates[:keep])
		x.candidates += keep
	}
	return dropped
}

// ended turns a session's own "it is over" into the answer for a session that is not there, and one that
// takes too long into "later": neither is a fault of the node.
func ended(err error) error {
	_, ok := asProblem(err)
	switch {
	case ok:
	case isClosed(err):
		return errNotFound("the session is over")
	case errors.Is(err, context.DeadlineExceeded):
		return errUnavailable("the session did not answer in time", time.Second)
	}
	return err
}

// matches says whether an If-Match field takes etag. RFC 9725 shows the wildcard in quotes, RFC 9110
// without: both are taken.
func matches(field, etag string) bool {
	for part := range strings.SplitSeq(field, ",") {
		switch strings.TrimSpace(part) {
		case "*", `"*"`, etag:
			return true
		}
	}
	return false
}
