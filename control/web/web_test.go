package web

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func site(t *testing.T) *Handler {
	t.Helper()
	h, err := New(fstest.MapFS{
		"index.html":               {Data: []byte("<!doctype html>home" + strings.Repeat(" ", 1000))},
		"watch.html":               {Data: []byte("watch")},
		"register.html":            {Data: []byte("register")},
		"pass.html":                {Data: []byte("pass")},
		"unsubscribe.html":         {Data: []byte("unsubscribe")},
		"embed.html":               {Data: []byte("embed")},
		"live.html":                {Data: []byte("live")},
		"join.html":                {Data: []byte("join")},
		"shell.html":               {Data: []byte("shell")},
		"player.js":                {Data: []byte("export {}")},
		"assets/watch-nY3lTzlJ.js": {Data: []byte("1")},
		"assets/base-Csl-BrIC.css": {Data: []byte("a{}")},
		"assets/plain.svg":         {Data: []byte("<svg/>")},
		".gitkeep":                 {},
		"refused.html":             {Data: []byte("refused")},
	}, frames{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// frames lets "listed" stand on https://good.example, "unknown" nowhere, and all else anywhere.
type frames struct{}

func (frames) Frame(_ context.Context, slug, origin string) (string, bool) {
	switch slug {
	case "listed":
		return "'self' http://good.example", origin != "" && origin != "https://good.example"
	case "unknown":
		return "'none'", false
	}
	return "*", false
}

// A site that may not show an event, and says who it is, gets a page that says so; for all others the browser keeps to
// the list.
func TestFrames(t *testing.T) {
	h := site(t)
	for _, c := range []struct{ path, dest, referer, body, ancestors string }{
		{"/embed/listed", "iframe", "https://good.example/news", "embed", "'self' http://good.example"},
		{"/embed/listed/", "iframe", "https://other.example/", "refused", "*"},
		{"/embed/listed", "frame", "https://other.example/", "refused", "*"},
		{"/embed/listed", "object", "https://other.example/", "refused", "*"},
		{"/embed/listed", "iframe", "http://example.com/e/listed", "embed", "'self' http://good.example"}, // our own
		{"/embed/listed", "iframe", "", "embed", "'self' http://good.example"},
		{"/embed/listed", "iframe", "%zz", "embed", "'self' http://good.example"},
		{"/embed/listed", "document", "https://other.example/", "embed", "'self' http://good.example"}, // a link to it
		{"/embed/listed", "", "https://other.example/", "embed", "'self' http://good.example"},
		{"/embed/unknown", "iframe", "https://good.example/", "embed", "'none'"},
		{"/embed/town-hall", "iframe", "https://other.example/", "embed", "*"},
	} {
		w := get(h, c.path, "Sec-Fetch-Dest", c.dest, "Referer", c.referer)
		if w.Code != 200 || w.Body.String() != c.body || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "frame-ancestors "+c.ancestors+"; ") {
			t.Errorf("%+v: %d %s %s", c, w.Code, w.Body, w.Header().Get("Content-Security-Policy"))
		}
		if got := strings.Join(w.Header().Values("Vary"), ", "); got != "Referer, Sec-Fetch-Dest, Accept-Encoding" {
			t.Errorf("Vary: %s", got)
		}
	}
	if w := get(h, "/refused.html"); w.Code != 404 {
		t.Errorf("the page itself has an address: %d", w.Code)
	}
}

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAddresses(t *testing.T) {
	h := site(t)
	const forever, ask = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct {
		path, body, mime, cache string
		status                  int
	}{
		{"/", "<!doctype html>home", "text/html; charset=utf-8", ask, 200},
		{"/e/town-hall", "watch", "text/html; charset=utf-8", ask, 200},
		{"/e/town-hall/", "watch", "text/html; charset=utf-8", ask, 200},
		{"/embed/town-hall", "embed", "text/html; charset=utf-8", ask, 200},
		{"/live/sample", "live", "text/html; charset=utf-8", ask, 200},
		{"/e/town-hall/register", "register", "text/html; charset=utf-8", ask, 200},
		{"/t/AZ-_09", "pass", "text/html; charset=utf-8", ask, 200},
		{"/t/a.b", "", "application/problem+json", "no-store", 404},
		{"/unsubscribe/AZ-_09", "unsubscribe", "text/html; charset=utf-8", ask, 200},
		{"/unsubscribe", "", "application/problem+json", "no-store", 404},
		{"/join", "join", "text/html; charset=utf-8", ask, 200},
		{"/join/123456789", "", "application/problem+json", "no-store", 404},
		{"/setup", "shell", "text/html; charset=utf-8", ask, 200},
		{"/login", "shell", "text/html; charset=utf-8", ask, 200},
		{"/login/link/aB3_-x", "shell", "text/html; charset=utf-8", ask, 200},
		{"/signup", "shell", "text/html; charset=utf-8", ask, 200},
		{"/signup/aB3_-x", "shell", "text/html; charset=utf-8", ask, 200},
		{"/reset", "shell", "text/html; charset=utf-8", ask, 200},
		{"/reset/aB3_-x", "shell", "text/html; charset=utf-8", ask, 200},
		{"/invite/aB3_-x", "shell", "text/html; charset=utf-8", ask, 200},
		{"/calendar", "shell", "text/html; charset=utf-8", ask, 200},
		{"/contacts", "shell", "text/html; charset=utf-8", ask, 200},
		{"/contacts/groups/0198a000-0000-7000-8000-0000000b0050", "shell", "text/html; charset=utf-8", ask, 200},
		{"/events/new", "shell", "text/html; charset=utf-8", ask, 200},
		{"/events/0198a000-0000-7000-8000-00000000e001", "shell", "text/html; charset=utf-8", ask, 200},
		{"/events/0198a000-0000-7000-8000-00000000e001/edit", "shell", "text/html; charset=utf-8", ask, 200},
		{"/events/0198a000-0000-7000-8000-00000000e001/users/", "shell", "text/html; charset=utf-8", ask, 200},
		{"/events/0198a000-0000-7000-8000-00000000e001/other", "", "application/problem+json", "no-store", 404},
		{"/ops/sessions/main", "", "application/problem+json", "no-store", 404},
		{"/events/town-hall", "", "application/problem+json", "no-store", 404},
		{"/ops", "shell", "text/html; charset=utf-8", ask, 200},
		{"/ops/links", "shell", "text/html; charset=utf-8", ask, 200},
		{"/ops/identity", "shell", "text/html; charset=utf-8", ask, 200},
		{"/ops/sessions/0198a000-0000-7000-8000-000000000001", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/profile", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/security", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/members", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/look", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/audit", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/api-keys", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/webhooks", "shell", "text/html; charset=utf-8", ask, 200},
		{"/settings/webhooks/0198a000-0000-7000-8000-0000000000e1", "shell", "text/html; charset=utf-8", ask, 200},
		{"/calendar/x", "", "application/problem+json", "no-store", 404},
		{"/contacts/groups/", "", "application/problem+json", "no-store", 404},
		{"/login/aB3", "", "application/problem+json", "no-store", 404},
		{"/login/link/", "", "application/problem+json", "no-store", 404},
		{"/invite/", "", "application/problem+json", "no-store", 404},
		{"/invite/a/b", "", "application/problem+json", "no-store", 404},
		{"/settings/other", "", "application/problem+json", "no-store", 404},
		{"/settings/profile/x", "", "application/problem+json", "no-store", 404},
		{"/shell.html", "", "application/problem+json", "no-store", 404},
		{"/player.js", "export {}", "text/javascript; charset=utf-8", ask, 200},
		{"/assets/watch-nY3lTzlJ.js", "1", "text/javascript; charset=utf-8", forever, 200},
		{"/assets/base-Csl-BrIC.css", "a{}", "text/css; charset=utf-8", forever, 200},
		{"/assets/plain.svg", "<svg/>", "image/svg+xml", ask, 200},
		{"/e/", "", "application/problem+json", "no-store", 404},
		{"/e/UPPER", "", "application/problem+json", "no-store", 404},
		{"/e/a/b", "", "application/problem+json", "no-store", 404},
		{"/index.html", "", "application/problem+json", "no-store", 404},
		{"/.gitkeep", "", "application/problem+json", "no-store", 404},
		{"/assets/../.gitkeep", "", "application/problem+json", "no-store", 404},
		{"/assets/", "", "application/problem+json", "no-store", 404},
		{"/..%2f..%2fetc/passwd", "", "application/problem+json", "no-store", 404},
	} {
		t.Run(c.path, func(t *testing.T) {
			w := get(h, c.path)
			if w.Code != c.status || !strings.HasPrefix(w.Body.String(), c.body) {
				t.Errorf("got %d %.40q, want %d %q", w.Code, w.Body, c.status, c.body)
			}
			if got := w.Header().Get("Content-Type"); got != c.mime {
				t.Errorf("Content-Type is %q, want %q", got, c.mime)
			}
			if got := w.Header().Get("Cache-Control"); got != c.cache {
				t.Errorf("Cache-Control is %q, want %q", got, c.cache)
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	h := site(t)
	for path, want := range map[string]string{"/": "'none'", "/e/a": "'none'", "/live/a": "'none'", "/login": "'none'", "/embed/a": "*"} {
		csp := get(h, path).Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors "+want+";") {
			t.Errorf("%s: %s, want frame-ancestors %s", path, csp, want)
		}
		for _, bad := range []string{"unsafe-inline", "unsafe-eval", "script-src *"} {
			if strings.Contains(csp, bad) {
				t.Errorf("%s: policy has %s", path, bad)
			}
		}
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "script-src 'self';") {
			t.Errorf("%s: policy is %s", path, csp)
		}
	}
	if got := get(h, "/").Header().Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options is %q", got)
	}
}

func TestRevalidation(t *testing.T) {
	h := site(t)
	tag := get(h, "/").Header().Get("ETag")
	for header, want := range map[string]int{tag: 304, `"other", W/` + tag: 304, "*": 304, `"other"`: 200, "": 200} {
		if got := get(h, "/", "If-None-Match", header).Code; got != want {
			t.Errorf("If-None-Match %s: got %d, want %d", header, got, want)
		}
	}
}

func TestCompression(t *testing.T) {
	h := site(t)
	for accept, want := range map[string]string{"gzip, br": "gzip", "br, gzip;q=0.5": "gzip", "gzip;q=0": "", "br": "", "": ""} {
		w := get(h, "/", "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: got %q, want %q", accept, got, want)
			continue
		}
		body := io.Reader(w.Body)
		if want == "gzip" {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		b, err := io.ReadAll(body)
		if err != nil || !strings.HasPrefix(string(b), "<!doctype html>home") {
			t.Errorf("Accept-Encoding %q: %.30q, %v", accept, b, err)
		}
	}
}

func TestMethods(t *testing.T) {
	w := httptest.NewRecorder()
	site(t).ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: got %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	w = httptest.NewRecorder()
	site(t).ServeHTTP(w, httptest.NewRequest("HEAD", "/", nil))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: got %d with %d bytes, Content-Length %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestWithoutPages(t *testing.T) {
	h, err := New(fstest.MapFS{".gitkeep": {}}, frames{})
	if err != nil {
		t.Fatal(err)
	}
	if w := get(h, "/"); w.Code != 503 || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("got %d %q, want 503 and what to do", w.Code, w.Body)
	}
}

func TestDistIsThere(t *testing.T) {
	if _, err := New(Dist(), frames{}); err != nil {
		t.Fatal(err)
	}
}
