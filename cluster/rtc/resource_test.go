package rtc

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"freshet/proto/problem"
	"freshet/proto/sdpfrag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An echo is a Negotiator whose sessions remember what they were told.
type echo struct {
	mu   sync.Mutex
	all  []*echoed
	fail error
}

type echoed struct {
	offer     Offer
	connected chan struct{}
	done      chan struct{}
	once      sync.Once
	reason    string
	trickled  int
	fail      error // of Restart
}

func (e *echo) Open(_ context.Context, o Offer) (Session, string, error) {
	if e.fail != nil {
		return nil, "", e.fail
	}
	s := &echoed{offer: o, connected: make(chan struct{}), done: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, s)
	return s, "v=0\r\n", nil
}

func (s *echoed) Trickle(_ context.Context, f sdpfrag.Fragment) error {
	for _, m := range f.Media {
		s.trickled += len(m.Candidates)
	}
	return nil
}

func (s *echoed) Restart(_ context.Context, f sdpfrag.Fragment) (sdpfrag.Fragment, error) {
	if isOpen(s.done) {
		return sdpfrag.Fragment{}, net.ErrClosed
	}
	if s.fail != nil {
		return sdpfrag.Fragment{}, s.fail
	}
	return sdpfrag.Fragment{Ufrag: "node", Pwd: strings.Repeat("p", 22)}, nil
}

func (s *echoed) Close(reason string) {
	s.once.Do(func() { s.reason = reason; close(s.done) })
}
func (s *echoed) Done() <-chan struct{}      { return s.done }
func (s *echoed) Connected() <-chan struct{} { return s.connected }

func newTestResource(cfg ResourceConfig, n Negotiator) *Resource {
	return NewResource(cfg, n, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

// call sends one request; headers come in pairs.
func call(r *Resource, method, path, body string, headers ...string) *http.Response {
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, q)
	return w.Result()
}

func open(t testing.TB, r *Resource) (location, etag string) {
	t.Helper()
	a := call(r, "POST", "/"+r.cfg.Kind+"/floor", offer(nil), "Content-Type", contentSDP)
	if a.StatusCode != http.StatusCreated {
		t.Fatalf("POST: %d", a.StatusCode)
	}
	return a.Header.Get("Location"), a.Header.Get("ETag")
}

// offer returns a small offer, changed.
func offer(change func(string) string) string {
	o := strings.Join([]string{
		"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
		"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=rtcp-mux", "a=sendonly",
		"a=ice-ufrag:abcd", "a=ice-pwd:" + strings.Repeat("x", 22), "a=setup:actpass",
		"a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":"),
		"a=rtpmap:111 opus/48000/2", "",
	}, "\r\n")
	if change != nil {
		o = change(o)
	}
	return o
}

// A session's life over HTTP: opened, trickled, restarted under a new ETag, deleted.
func TestSession(t *testing.T) {
	e := &echo{}
	r := newTestResource(ResourceConfig{Kind: WHEP, ICEServers: []string{"stun:stun.example.org"}}, e)
	defer r.CloseAll(t.Context(), "test")
	a := call(r, "POST", "/whep/floor", offer(nil), "Content-Type", contentSDP+"; charset=utf-8", "Authorization", "bearer  secret ")
	location, etag := a.Header.Get("Location"), a.Header.Get("ETag")
	if a.StatusCode != 201 || a.Header.Get("Link") != `<stun:stun.example.org>; rel="ice-server"` || len(e.all) != 1 {
		t.Fatalf("POST: %d %v", a.StatusCode, a.Header)
	}
	s := e.all[0]
	if s.offer.Bearer != "secret" || s.offer.Stream != "floor" || strings.Contains(s.offer.Session, "-") || !strings.Contains(location, s.offer.Session+"-") {
		t.Errorf("offer: %+v, at %s", s.offer, location)
	}
	media := "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
	patch := func(body, match string) *http.Response {
		return call(r, "PATCH", location, body, "Content-Type", contentFragment, "If-Match", match)
	}
	if a := patch("a=ice-ufrag:abcd\r\na=ice-pwd:"+strings.Repeat("x", 22)+"\r\n"+media, etag); a.StatusCode != 204 || s.trickled != 1 {
		t.Errorf("trickle: %d, %d candidates", a.StatusCode, s.trickled)
	}
	restart := "a=ice-ufrag:efgh\r\na=ice-pwd:" + strings.Repeat("y", 22) + "\r\n" + media
	a = patch(restart, `"*"`)
	if a.StatusCode != 200 || a.Header.Get("ETag") == etag || a.Header.Get("Content-Type") != contentFragment {
		t.Errorf("restart: %d %v", a.StatusCode, a.Header)
	}
	if a := patch(media, etag); a.StatusCode != 412 {
		t.Errorf("PATCH with the old ETag: %d", a.StatusCode)
	}
	if a := patch(media, `"other", `+a.Header.Get("ETag")); a.StatusCode != 204 {
		t.Errorf("PATCH with a list of ETags: %d", a.StatusCode)
	}
	if a := call(r, "HEAD", location, ""); a.StatusCode != 200 {
		t.Errorf("HEAD of a WHEP session: %d", a.StatusCode)
	}
	if a := call(r, "DELETE", location, ""); a.StatusCode != 200 || !isOpen(s.done) {
		t.Errorf("DELETE: %d", a.StatusCode)
	}
	if a := call(r, "DELETE", location, ""); a.StatusCode != 404 {
		t.Errorf("second DELETE: %d", a.StatusCode)
	}
}

// A restart that comes as the session ends, or takes too long, is no fault of the node.
func TestRestartFails(t *testing.T) {
	for want, fail := range map[int]error{
		404: fmt.Errorf("restart: %w", net.ErrClosed),
		503: fmt.Errorf("restart: %w", context.DeadlineExceeded),
		500: errors.New("broken"),
	} {
		e := &echo{}
		r := newTestResource(ResourceConfig{Kind: WHIP}, e)
		location, _ := open(t, r)
		e.all[0].fail = fail
		body := "a=ice-ufrag:efgh\r\na=ice-pwd:" + strings.Repeat("y", 22) + "\r\n"
		if a := call(r, "PATCH", location, body, "Content-Type", contentFragment, "If-Match", "*"); a.StatusCode != want {
			t.Errorf("%v: %d, want %d", fail, a.StatusCode, want)
		}
		if err := r.CloseAll(t.Context(), "test"); err != nil {
			t.Error(err)
		}
	}
}

// More candidates than allowed are left out, of the offer and of all fragments together.
func TestCandidatesAreBounded(t *testing.T) {
	e := &echo{}
	r := newTestResource(ResourceConfig{Kind: WHIP}, e)
	defer r.CloseAll(t.Context(), "test")
	body := offer(nil) + strings.Repeat("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", 40)
	a := call(r, "POST", "/whip/floor", body, "Content-Type", contentSDP)
	s := e.all[0]
	if got := strings.Count(s.offer.SDP, "a=candidate"); got != maxCandidates {
		t.Errorf("candidates of the offer: %d", got)
	}
	more := "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
	call(r, "PATCH", a.Header.Get("Location"), more, "Content-Type", contentFragment, "If-Match", "*")
	if s.trickled != 0 {
		t.Errorf("candidates beyond the limit: %d", s.trickled)
	}
}

// A Negotiator's problem goes to the peer as it is; any other error is told to nobody but the log.
func TestErrors(t *testing.T) {
	busy := problem.New(409, "not-live", "Not live", "")
	busy.RetryAfter = 2500 * time.Millisecond
	for _, row := range []struct {
		err    error
		status int
		retry  string
	}{
		{fmt.Errorf("wrapped: %w", busy), 409, "3"},
		{errors.New("the disk is called /dev/secret"), 500, ""},
		{fmt.Errorf("pull: %w", context.DeadlineExceeded), 503, "1"},
	} {
		r := newTestResource(ResourceConfig{Kind: WHEP}, &echo{fail: row.err})
		a := call(r, "POST", "/whep/floor", offer(nil), "Content-Type", contentSDP)
		body := make([]byte, 1000)
		n, _ := a.Body.Read(body)
		if a.StatusCode != row.status || a.Header.Get("Retry-After") != row.retry || strings.Contains(string(body[:n]), "secret") {
			t.Errorf("%v: %d %v %s", row.err, a.StatusCode, a.Header, body[:n])
		}
	}
}

// A session that does not connect is closed after 10 s, one that did is not; ends from below are noticed.
func TestReaping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &echo{}
		r := newTestResource(ResourceConfig{Kind: WHEP}, e)
		open(t, r)
		location, _ := open(t, r)
		close(e.all[1].connected)
		time.Sleep(9 * time.Second)
		if isOpen(e.all[0].done) {
			t.Error("closed too early")
		}
		time.Sleep(3 * time.Second)
		if !isOpen(e.all[0].done) || isOpen(e.all[1].done) {
			t.Errorf("want the first closed (%q) and the second not (%q)", e.all[0].reason, e.all[1].reason)
		}
		e.all[1].Close("from below")
		if a := call(r, "DELETE", location, ""); a.StatusCode != 404 {
			t.Errorf("DELETE of an ended session: %d", a.StatusCode)
		}
		open(t, r)
		if err := r.CloseAll(t.Context(), "test"); err != nil || e.all[2].reason != "test" {
			t.Errorf("close all: %v, %q", err, e.all[2].reason)
		}
		if a := call(r, "POST", "/whep/floor", offer(nil), "Content-Type", contentSDP); a.StatusCode != 503 {
			t.Errorf("POST to a closed resource: %d", a.StatusCode)
		}
	})
}

func TestLimits(t *testing.T) {
	e := &echo{}
	r := newTestResource(ResourceConfig{Kind: WHEP, MaxSessions: 1}, e)
	defer r.CloseAll(t.Context(), "test")
	location, _ := open(t, r)
	a := call(r, "POST", "/whep/floor", offer(nil), "Content-Type", contentSDP)
	if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %d %v", a.StatusCode, a.Header)
	}
	call(r, "DELETE", location, "")
	open(t, r)

	unfinished := newTestResource(ResourceConfig{Kind: WHEP}, &echo{})
	defer unfinished.CloseAll(t.Context(), "test")
	for range maxUnfinished {
		open(t, unfinished)
	}
	if a := call(unfinished, "POST", "/whep/floor", offer(nil), "Content-Type", contentSDP); a.StatusCode != 503 {
		t.Errorf("beyond %d unfinished sessions: %d", maxUnfinished, a.StatusCode)
	}
}

func TestAccepts(t *testing.T) {
	for header, want := range map[string]bool{
		"application/sdp": true, "*/*": true, "application/*": true, "text/html, */*;q=0.1": true,
		"text/html": false, "application/sdp;q=0": false, "application/sdp;q=0.000": false, "application/sdp;q=0.5": true,
	} {
		if got := accepts([]string{header}, contentSDP); got != want {
			t.Errorf("%s: got %v", header, got)
		}
	}
	if !accepts(nil, contentSDP) {
		t.Error("no header takes anything")
	}
}

func TestCertificate(t *testing.T) {
	cert, print, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.Leaf.CheckSignature(x509.ECDSAWithSHA256, cert.Leaf.RawTBSCertificate, cert.Leaf.Signature); err != nil {
		t.Error(err)
	}
	if err := CheckOffer(offer(func(o string) string {
		return strings.Replace(o, strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), print, 1)
	})); err != nil {
		t.Errorf("fingerprint %s: %v", print, err)
	}
}

// CheckOffer never panics, and its verdicts are problems of 400 or 422.
func FuzzCheckOffer(f *testing.F) {
	f.Add(offer(nil))
	f.Add(offer(func(o string) string { return o + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n" }))
	f.Add("v=0\r\n")
	f.Fuzz(func(t *testing.T, o string) {
		err := CheckOffer(o)
		if err == nil {
			if trimmed, _ := trimCandidates(o); countCandidates(trimmed) > maxCandidates {
				t.Fatal("too many candidates are left")
			}
			return
		}
		if p, ok := asProblem(err); !ok || p.Status != 400 && p.Status != 422 {
			t.Fatalf("%v", err)
		}
	})
}
