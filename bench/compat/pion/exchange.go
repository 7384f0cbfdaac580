// Package pion publishes to and plays from Freshet with pion/webrtc v4, which shares no code with the pion
// of the product, and holds what arrives against the clip that was sent, byte for byte.
package pion

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	contentSDP      = "application/sdp"
	contentFragment = "application/trickle-ice-sdpfrag"

	requestTimeout = 10 * time.Second
	maxAnswer      = 64 << 10
)

// A Status is an answer of another status than the one the protocol gives for success.
type Status struct {
	Method string
	Code   int
	Body   string // problem+json where the server follows Freshet's contract
}

func (s *Status) Error() string { return fmt.Sprintf("%s: %d: %s", s.Method, s.Code, s.Body) }

// An Exchange is the HTTP side of one WHIP or WHEP session: RFC 9725 and draft-ietf-wish-whep.
type Exchange struct {
	Session *url.URL
	ETag    string
	bearer  string
}

// Post opens a session by offer and returns the answer. An answer other than 201 is a *Status.
func Post(ctx context.Context, endpoint, bearer, offer string) (*Exchange, string, error) {
	x := &Exchange{bearer: bearer}
	res, body, err := x.do(ctx, http.MethodPost, endpoint, contentSDP, "", offer)
	if err != nil {
		return nil, "", err
	}
	if res.StatusCode != http.StatusCreated {
		return nil, "", &Status{http.MethodPost, res.StatusCode, body}
	}
	if got := res.Header.Get("Content-Type"); got != contentSDP {
		return nil, "", fmt.Errorf("answer is of type %q, want %s", got, contentSDP)
	}
	location := res.Header.Get("Location")
	if location == "" {
		return nil, "", fmt.Errorf("201 without a Location (RFC 9725, section 4.2)")
	}
	if x.Session, err = res.Request.URL.Parse(location); err != nil {
		return nil, "", fmt.Errorf("location: %w", err)
	}
	x.ETag = res.Header.Get("ETag")
	return x, body, nil
}

// Patch sends a trickle ICE fragment (RFC 8840) under the session's ETag. It returns the server's
// fragment after an ICE restart, which also changes the ETag, and nothing after mere candidates.
func (x *Exchange) Patch(ctx context.Context, fragment string) (string, error) {
	res, body, err := x.do(ctx, http.MethodPatch, x.Session.String(), contentFragment, x.ETag, fragment)
	if err != nil {
		return "", err
	}
	switch res.StatusCode {
	case http.StatusNoContent:
		return "", nil
	case http.StatusOK:
		if etag := res.Header.Get("ETag"); etag == "" || etag == x.ETag {
			return "", fmt.Errorf("a restart answered ETag %q after %q (RFC 9725, section 4.3.3)", etag, x.ETag)
		}
		x.ETag = res.Header.Get("ETag")
		return body, nil
	}
	return "", &Status{http.MethodPatch, res.StatusCode, body}
}

// Delete ends the session.
func (x *Exchange) Delete(ctx context.Context) error {
	res, body, err := x.do(ctx, http.MethodDelete, x.Session.String(), "", "", "")
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		return &Status{http.MethodDelete, res.StatusCode, body}
	}
	return nil
}

func (x *Exchange) do(ctx context.Context, method, to, contentType, etag, body string) (*http.Response, string, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if etag != "" {
		req.Header.Set("If-Match", etag)
	}
	if x.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+x.bearer)
	}
	req.Close = true // nothing idles after the session, which is what the leak check looks for
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, "", fmt.Errorf("%s %s: %w", method, to, err)
	}
	return res, string(b), nil
}
