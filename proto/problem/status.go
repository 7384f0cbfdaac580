package problem

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
)

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes application/json problem+json.
func (p *Problem) ContentType(string) string { return ContentType }

// GetHeaders returns the headers that the status asks for (RELIABILITY: 401, 405, 429, 503).
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="freshet"`)
	}
	if p.Allow != "" {
		h.Set("Allow", p.Allow)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	for _, url := range p.Next {
		h.Add("Link", "<"+url+`>; rel="alternate"`)
	}
	return h
}

// JSON returns the body.
func (p *Problem) JSON() []byte {
	b, _ := json.Marshal(p) // nothing in it can fail
	return b
}
