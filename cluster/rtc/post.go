package rtc

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"freshet/proto/sdpfrag"
)

const (
	contentSDP      = "application/sdp"
	contentFragment = sdpfrag.ContentType
)

// post opens a session: 201 with the answer, or the reason why not.
func (r *Resource) post(w http.ResponseWriter, q *http.Request, stream string) error {
	body, err := read(w, q, contentSDP, maxOffer)
	if err != nil {
		return err
	}
	if !accepts(q.Header.Values("Accept"), contentSDP) {
		return errNotAcceptable()
	}
	if err := CheckOffer(string(body)); err != nil {
		return err
	}
	if err := r.sessions.reserve(); err != nil {
		return err
	}
	x := newExchange(stream)
	sdp, dropped := trimCandidates(string(body))
	r.metrics.candidates.Add(float64(dropped))
	// A copy: what is kept of the session must not keep the whole offer with it.
	x.ufrag, x.candidates = strings.Clone(iceUfrag(sdp)), countCandidates(sdp)
	remote, _ := netip.ParseAddrPort(q.RemoteAddr) // the server's own writing; a test's may be empty
	query := q.URL.Query()
	offer := Offer{Session: x.id, Stream: stream, Bearer: bearer(q), Ticket: query.Get("ticket"), Backup: query.Get("backup") == "1", Standby: query.Get("standby"), SDP: sdp, Remote: remote}

	ctx, cancel := context.WithTimeout(q.Context(), openTimeout)
	defer cancel()
	began := time.Now()
	s, answer, err := r.negotiator.Open(ctx, offer)
	if err != nil {
		r.sessions.giveBack()
		if _, ok := asProblem(err); !ok && errors.Is(err, context.DeadlineExceeded) {
			return errUnavailable("the session did not open in time", time.Second)
		}
		return err
	}
	r.metrics.opening.Observe(time.Since(began).Seconds())
	x.session = s
	if !r.sessions.admit(x, time.Now()) {
		s.Close("node is stopping")
		return errUnavailable("the node is stopping", time.Second)
	}
	h := w.Header()
	h.Set("Content-Type", contentSDP)
	location := "/" + r.cfg.Kind + "/" + stream + "/" + x.name()
	h.Set("Location", location)
	addLinks(h, s, location)
	h.Set("ETag", x.etag(0))
	h.Set("Accept-Patch", contentFragment)
	h.Set("Cache-Control", "no-store")
	for _, url := range r.cfg.ICEServers {
		h.Add("Link", "<"+url+`>; rel="ice-server"`)
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // a peer that is gone is reaped as unfinished
	return nil
}

// read returns q's body, which must be of the content type want and at most limit bytes.
func read(w http.ResponseWriter, q *http.Request, want string, limit int64) ([]byte, error) {
	if got, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || got != want {
		return nil, errContentType(want)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, errTooLarge(limit)
	}
	if err != nil {
		return nil, errBody()
	}
	return body, nil
}

// accepts says whether an Accept header's values let a peer take want. No header takes anything.
func accepts(values []string, want string) bool {
	if len(values) == 0 {
		return true
	}
	major, _, _ := strings.Cut(want, "/")
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		got, params, err := mime.ParseMediaType(part)
		if err != nil || got != want && got != major+"/*" && got != "*/*" {
			continue
		}
		if weight := strings.TrimRight(params["q"], "0"); weight == "" && params["q"] != "" || weight == "0." {
			continue // q=0 refuses
		}
		return true
	}
	return false
}

// bearer returns the token of the Authorization header, empty where there is none or of another scheme.
func bearer(q *http.Request) string {
	scheme, token, ok := strings.Cut(q.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
