package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/proto/problem"
)

// Limits of one HTTP exchange.
const (
	exchangeTimeout = 10 * time.Second
	closeTimeout    = 2 * time.Second // a DELETE is a courtesy: the server reaps sessions by itself
	maxAnswer       = 64 << 10
	maxRedirects    = 5
)

// A StatusError is an answer that was not the one hoped for.
type StatusError struct {
	Method, URL string
	Status      int
	Detail      string        // from problem+json where there was one, else the beginning of a text body; printable
	RetryAfter  time.Duration // 0 where the server did not say
	Type        string        // of problem+json, as the server wrote it
	Next        []string      // where else to go, by problem+json
	Alternate   []string      // and by the Link headers
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// An exchange is the HTTP side of one WHIP or WHEP session.
type exchange struct {
	client  *http.Client
	shared  bool // with other exchanges
	bearer  string
	session *url.URL // where DELETE goes
	layer   *url.URL // where a layer can be asked for; nil where it cannot
	move    *url.URL // where a publisher hears that it is to go elsewhere; nil where it does not
	stats   *url.URL // where the way of the stream is told; nil where it is not
}

// post sends the offer and returns the answer. Redirects that keep the method (307, 308) are followed with
// the body; the bearer goes along only within the same host, as net/http has it, since a redirect that
// needs it elsewhere carries its own ticket (RFC 9725, section 4.5). ICE servers in Link are not used:
// host candidates are all that a tester on the server's own network needs.
func post(ctx context.Context, within time.Duration, endpoint, bearer, offer string) (x *exchange, answer string, err error) {
	client := newClient(1)
	client.Timeout = within
	x, answer, err = postBy(ctx, client, endpoint, bearer, offer)
	if err != nil {
		client.CloseIdleConnections()
		return nil, "", err
	}
	x.shared = false
	return x, answer, nil
}

// newClient returns a client that keeps up to idle connections to a host.
func newClient(idle int) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: idle, IdleConnTimeout: time.Minute},
		CheckRedirect: checkRedirect,
		Timeout:       exchangeTimeout,
	}
}

// postBy is post with a client that others use too; its owner closes its connections.
func postBy(ctx context.Context, client *http.Client, endpoint, bearer, offer string) (x *exchange, answer string, err error) {
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, "", fmt.Errorf("address: %w", err)
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, "", fmt.Errorf("address %q: want http://… or https://…", endpoint)
	}
	x = &exchange{bearer: bearer, client: client, shared: true}
	defer func() {
		if err != nil {
			x = nil
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(offer))
	if err != nil {
		return x, "", err
	}
	req.Header.Set("Content-Type", "application/sdp")
	req.Header.Set("Accept", "application/sdp")
	x.authorize(req)
	res, err := x.client.Do(req)
	if err != nil {
		return x, "", silent(base, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or of no interest
	if res.StatusCode != http.StatusCreated {
		return x, "", statusError(res)
	}
	if mt, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); mt != "application/sdp" {
		return x, "", fmt.Errorf("POST %s: the answer is %q, want application/sdp", redacted(res.Request.URL), mt)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return x, "", fmt.Errorf("POST %s: read the answer: %w", redacted(res.Request.URL), err)
	}
	if len(body) > maxAnswer {
		return x, "", fmt.Errorf("POST %s: the answer is longer than %d bytes", redacted(res.Request.URL), maxAnswer)
	}
	if x.session, err = res.Location(); err != nil {
		return x, "", fmt.Errorf("POST %s: no usable Location (RFC 9725, section 4.2): %w", redacted(res.Request.URL), err)
	}
	x.layer = linkTo(res.Header.Values("Link"), layerLink, x.session)
	x.move = linkTo(res.Header.Values("Link"), moveLink, x.session)
	x.stats = linkTo(res.Header.Values("Link"), statsLink, x.session)
	return x, string(body), nil
}

// A silentError is the error of a request that was not answered.
type silentError struct {
	host  string // whom it was sent to in the end
	moved bool   // by a redirect
	err   *url.Error
}

func (e *silentError) Error() string { return fmt.Sprintf("POST to %s: %v", e.host, e.err.Err) }
func (e *silentError) Unwrap() error { return e.err }

// silent says in other words what net/http says of a request to base: with the host alone, since the address that a redirect
// leads to may have a ticket in it.
func silent(base *url.URL, err error) error {
	var failed *url.Error
	if !errors.As(err, &failed) {
		return err
	}
	to, wrong := url.Parse(failed.URL)
	if wrong != nil {
		to = base
	}
	return &silentError{to.Host, to.Host != base.Host, failed}
}

// leave has delete do nothing.
func (x *exchange) leave() { x.session = nil }

// delete ends the session at the server. It takes no context: it is wanted most when that has ended.
func (x *exchange) delete() error {
	if !x.shared {
		defer x.client.CloseIdleConnections()
	}
	if x.session == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, x.session.String(), nil)
	if err != nil {
		return err
	}
	x.authorize(req)
	res, err := x.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or of no interest
	// 404 and 410: the server was first.
	if res.StatusCode >= 300 && res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusGone {
		return statusError(res)
	}
	return nil
}

// layerLink is the relation of the layer selection (draft-ietf-wish-whep, extensions).
const layerLink = "urn:ietf:params:whep:ext:core:layer"

// choose asks for the layer rid, or with an empty one for what the server thinks best.
func (x *exchange) choose(ctx context.Context, rid string) error {
	if x.layer == nil {
		return errors.New("the server offers no choice of layers")
	}
	body := []byte(`{"rid":null}`)
	if rid != "" {
		var err error
		if body, err = json.Marshal(map[string]string{"rid": rid}); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.layer.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	x.authorize(req)
	res, err := x.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or of no interest
	if res.StatusCode >= 300 {
		return statusError(res)
	}
	return nil
}

func (x *exchange) authorize(req *http.Request) {
	if x.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+x.bearer)
	}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	switch first := via[0]; {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case req.Method != first.Method:
		return errors.New("the server redirects in a way that loses the offer; it must use 307 or 308")
	case first.URL.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("the server redirects from https to http")
	}
	return nil
}

func statusError(res *http.Response) error {
	e := &StatusError{Method: res.Request.Method, URL: redacted(res.Request.URL), Status: res.StatusCode}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 && s < 3600 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	e.Alternate = slices.Collect(targets(res.Header.Values("Link"), "alternate"))
	body, err := io.ReadAll(io.LimitReader(res.Body, 8<<10))
	if err != nil {
		return e // the status alone says most of it
	}
	mt, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	var p problem.Problem
	switch {
	case mt == problem.ContentType && json.Unmarshal(body, &p) == nil:
		e.Type, e.Next = p.Type, p.Next
		e.Detail = p.Error()
		for _, f := range p.Errors {
			e.Detail += fmt.Sprintf("; %s: %s", f.Pointer, f.Detail)
		}
	case mt == "text/plain":
		e.Detail = strings.TrimSpace(string(body[:min(len(body), 200)]))
	}
	e.Detail = printable(e.Detail)
	return e
}

// redacted is u without what may be secret: a ticket in the query, a password.
func redacted(u *url.URL) string {
	c := *u
	c.RawQuery, c.User, c.Fragment = "", nil, ""
	return c.String()
}

// printable keeps a stranger's text from steering the terminal it is shown on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
}
