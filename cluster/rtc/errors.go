package rtc

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"freshet/proto/problem"
	"freshet/proto/sdpfrag"
)

// This is the one table of what a resource answers that is not a success; problems of a Negotiator or
// Session pass through as they are.

func errNotFound(detail string) *problem.Problem {
	return problem.New(http.StatusNotFound, "not-found", "Not found", detail)
}

func errMethod(allow string) *problem.Problem {
	p := problem.New(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", "this address takes "+allow)
	p.Allow = allow
	return p
}

func errContentType(want string) *problem.Problem {
	return problem.New(http.StatusUnsupportedMediaType, "content-type", "Wrong content type", "the body must be "+want)
}

func errNotAcceptable() *problem.Problem {
	return problem.New(http.StatusNotAcceptable, "not-acceptable", "Not acceptable", "the answer is "+contentSDP+", which Accept leaves out")
}

func errTooLarge(limit int64) *problem.Problem {
	return problem.New(http.StatusRequestEntityTooLarge, "too-large", "Body too large", "at most "+strconv.FormatInt(limit, 10)+" bytes are read")
}

func errBody() *problem.Problem {
	return problem.New(http.StatusBadRequest, "body", "Body not readable", "the body ended early")
}

func errPreconditionRequired() *problem.Problem {
	return problem.New(http.StatusPreconditionRequired, "precondition-required", "If-Match is missing",
		"send the ETag of the session's last answer, or * to restart ICE")
}

func errPreconditionFailed() *problem.Problem {
	return problem.New(http.StatusPreconditionFailed, "precondition-failed", "ETag is out of date", "ICE was restarted since")
}

func errFragment(err error) *problem.Problem {
	p := problem.New(http.StatusBadRequest, "sdp-fragment-malformed", "SDP fragment not readable", err.Error())
	if at := (*sdpfrag.Error)(nil); errors.As(err, &at) && at.Line > 0 {
		p.Errors = []problem.Field{{Pointer: "/line/" + strconv.Itoa(at.Line), Detail: at.Detail}}
	}
	return p
}

// errCredentials is what a fragment gets that asks for a restart without saying with what.
var errCredentials = errors.New("ice-ufrag and ice-pwd are needed together, of 4 and 22 characters at least")

func errUnavailable(detail string, retry time.Duration) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now", detail)
	p.RetryAfter = retry
	return p
}

// errInternal has nothing to tell but the id under which the log knows more.
func errInternal() *problem.Problem {
	p := problem.New(http.StatusInternalServerError, "internal", "Internal error", "")
	p.Instance = "/problems/log/" + strings.ToLower(rand.Text())
	return p
}

func errMalformed(detail string, fields ...problem.Field) *problem.Problem {
	p := problem.New(http.StatusBadRequest, "sdp-malformed", "SDP not readable", detail)
	p.Errors = fields
	return p
}

func errUnsupported(detail string, fields ...problem.Field) *problem.Problem {
	p := problem.New(http.StatusUnprocessableEntity, "sdp-unsupported", "SDP not supported", detail)
	p.Errors = fields
	return p
}

func asProblem(err error) (*problem.Problem, bool) {
	p := (*problem.Problem)(nil)
	ok := errors.As(err, &p)
	return p, ok
}
