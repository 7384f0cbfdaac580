package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/store"
	"freshet/proto/problem"
)

// newError turns what huma found wrong into a problem. The values that were sent stay out of it: they
// may be passwords or tokens.
func newError(status int, msg string, errs ...error) huma.StatusError {
	kind, title := "bad-request", http.StatusText(status)
	switch {
	case status == http.StatusUnprocessableEntity:
		kind, title = "invalid", "Not valid"
	case status == http.StatusRequestEntityTooLarge:
		kind, title = "too-large", "Body too large"
	case status == http.StatusUnsupportedMediaType:
		kind, title = "content-type", "Wrong content type"
	case status == http.StatusNotFound:
		kind, title = "not-found", "Not found"
	case status == http.StatusBadRequest:
		title = "Bad request"
	case status >= 500:
		kind, msg, errs = "internal", "", nil // what went wrong inside is for the log
	}
	p := problem.New(status, kind, title, msg)
	for _, err := range errs {
		var d huma.ErrorDetailer
		if err == nil || !errors.As(err, &d) {
			continue // only details name a place; other texts may quote what was sent
		}
		e := *d.ErrorDetail()
		if what, at, ok := strings.Cut(e.Message, misreadAt+"body"); ok && e.Location == "body" {
			e.Message, e.Location = what, "body"+at
		}
		if strings.HasPrefix(e.Message, "unexpected property") {
			p.Status, p.Type, p.Title = http.StatusBadRequest, "/problems/bad-request", "Bad request"
		}
		p.Errors = append(p.Errors, problem.Field{Pointer: pointer(e.Location), Detail: e.Message})
	}
	return p
}

// A reporter logs a fault of ours, and returns the id that it stands under.
type reporter func(err error) (id string)

type reporterKey struct{}

// newErrorIn does what newError does, and has our own faults logged.
func newErrorIn(c huma.Context, status int, msg string, errs ...error) huma.StatusError {
	err := newError(status, msg, errs...)
	p, ok := err.(*problem.Problem)
	if !ok || c == nil || p.Status < 500 {
		return err
	}
	all := errors.Join(errs...)
	if errors.Is(all, store.ErrAway) {
		*p = *away()
		c.SetHeader("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds()))) // huma looks for headers in the first error alone
	}
	if report, ok := c.Context().Value(reporterKey{}).(reporter); ok && c.Context().Err() == nil { // else nobody waits for it
		p.Instance = "/problems/log/" + report(all)
	}
	return p
}

// away is the problem of a database that does nothing now.
func away() *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now",
		"The database does not answer. Nothing was changed, or all of it was: look before you try again.")
	p.RetryAfter = 2 * time.Second
	return p
}

// pointer turns huma's "body.edges[0].node" into "/edges/0/node" (RFC 6901); "path.id" becomes "/path/id".
func pointer(location string) string {
	if rest, ok := strings.CutPrefix(location, "body"); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
		location = rest
	} else if location != "" {
		location = "." + location
	}
	return strings.NewReplacer("~", "~0", "/", "~1", ".", "/", "[", "/", "]", "").Replace(location)
}
