// Package problem is the one shape of an error on all of Freshet's HTTP interfaces: problem+json (RFC 9457).
package problem

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// ContentType of an error's body.
const ContentType = "application/problem+json"

// A Problem is an error that a caller over HTTP gets to see. Detail holds no secret, path or address.
type Problem struct {
	Type     string  `json:"type"`  // "/problems/…", stable
	Title    string  `json:"title"` // the same for every problem of the type
	Status   int     `json:"status"`
	Detail   string  `json:"detail,omitempty"`
	Instance string  `json:"instance,omitempty"` // "/problems/log/ID", the id under which the log has it
	Errors   []Field `json:"errors,omitempty"`

	// Next are addresses to go to instead, best first; each becomes a Link: <…>; rel="alternate", too.
	Next []string `json:"next,omitempty"`

	// RetryAfter, where not 0, becomes the Retry-After header, in whole seconds.
	RetryAfter time.Duration `json:"-"`
	// Allow, where set, becomes the Allow header (405).
	Allow string `json:"-"`
}

// A Field names one thing that is wrong, by a pointer into what was sent ("/line/12", "/title").
type Field struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// New returns a problem whose type is /problems/KIND.
func New(status int, kind, title, detail string) *Problem {
	return &Problem{Type: "/problems/" + kind, Title: title, Status: status, Detail: detail}
}

// Invalid returns the problem of one field whose value will not do.
func Invalid(pointer, detail string) *Problem {
	p := New(http.StatusUnprocessableEntity, "invalid", "Not valid", detail)
	p.Errors = []Field{{Pointer: pointer, Detail: detail}}
	return p
}

// Faults are all that is not valid in one request.
type Faults []Field

// Add notes that what stands at pointer will not do.
func (f *Faults) Add(pointer, detail string) {
	*f = append(*f, Field{Pointer: pointer, Detail: detail})
}

// Err returns the problem of all of f, which is told by the first; nil where there is none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	p := Invalid(f[0].Pointer, f[0].Detail)
	p.Errors = f
	return p
}

func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Title + ": " + p.Detail
}

// Write answers w with p and its headers.
func (p *Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	maps.Copy(h, p.GetHeaders())
	w.WriteHeader(p.Status)
	// The peer may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(p)
}
