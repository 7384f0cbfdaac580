package rtc

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An Extender is a Session that offers more below its own URL: a protocol extension of WHIP (RFC 9725,
// section 4.8) or WHEP.
type Extender interface {
	Session
	// Links names what the session offers: relation to path below its URL, for the Link headers of the 201.
	Links() map[string]string
	// ServeHTTP is given requests below the session's URL, with the rest of the path as q.URL.Path.
	http.Handler
}

// addLinks announces what s offers below location.
func addLinks(h http.Header, s Session, location string) {
	if e, ok := s.(Extender); ok {
		links := e.Links()
		for _, rel := range slices.Sorted(maps.Keys(links)) {
			h.Add("Link", "<"+location+"/"+links[rel]+`>; rel="`+rel+`"`)
		}
	}
}

// serveBelow hands a request below a session's URL to the session.
func (r *Resource) serveBelow(w http.ResponseWriter, q *http.Request, stream, name, rest string) error {
	if q.Method == http.MethodOptions {
		return options(w, "GET, POST, OPTIONS")
	}
	x := r.sessions.find(stream, name)
	if x == nil {
		return errNotFound("the session is over or never was")
	}
	e, ok := x.session.(Extender)
	if !ok {
		return errNotFound("there is nothing at this address")
	}
	below := q.Clone(q.Context())
	below.URL = &url.URL{Path: strings.TrimPrefix(rest, "/"), RawQuery: q.URL.RawQuery}
	e.ServeHTTP(w, below)
	return nil
}
