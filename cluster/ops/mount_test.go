package ops

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"freshet/proto/problem"
)

func TestMount(t *testing.T) {
	reg := NewRegistry("edge-1", "edge", "v1.2.3")
	notReady := errors.New("no upstream")
	var ready error
	mux := http.NewServeMux()
	Mount(mux, reg, func() error { return ready })
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	if w := get("/metrics"); w.Code != 200 || !strings.Contains(w.Body.String(), `freshet_build_info{go="go1`) ||
		!strings.Contains(w.Body.String(), `node="edge-1",role="edge",version="v1.2.3"} 1`) ||
		!strings.Contains(w.Body.String(), "go_goroutines") || !strings.Contains(w.Body.String(), "process_open_fds") {
		t.Errorf("metrics: %d %.2000s", w.Code, w.Body)
	}
	if w := get("/healthz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("healthz: %d %s", w.Code, w.Body)
	}
	if w := get("/readyz"); w.Code != 200 || w.Body.String() != "ready\n" {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	ready = notReady
	w := get("/readyz")
	var p problem.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 503 || p.Type != "/problems/not-ready" || p.Detail != "no upstream" ||
		w.Header().Get("Retry-After") != "1" || w.Header().Get("Content-Type") != problem.ContentType {
		t.Errorf("readyz while not ready: %d %v %s (%v)", w.Code, w.Header(), w.Body, err)
	}
	if w := get("/healthz"); w.Code != 200 {
		t.Errorf("healthz while not ready: %d", w.Code)
	}
	if problems, err := testutil.GatherAndLint(reg, "freshet_build_info"); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestProfilesAreForThisMachine(t *testing.T) {
	mux := http.NewServeMux()
	Mount(mux, NewRegistry("a", "edge", "dev"), func() error { return nil })
	for _, row := range []struct {
		remote, host, forwarded string
		status                  int
	}{
		{"127.0.0.1:1234", "127.0.0.1:8080", "", 200},
		{"127.9.9.9:1234", "localhost", "", 200},
		{"[::1]:1234", "[::1]:8080", "", 200},
		{"[::ffff:127.0.0.1]:1234", "localhost:8080", "", 200},
		{"192.0.2.1:1234", "127.0.0.1:8080", "", 404},
		{"[2001:db8::1]:1234", "localhost", "", 404},
		{"127.0.0.1:1234", "freshet.example", "", 404},
		{"127.0.0.1:1234", "localhost", "192.0.2.1", 404},
		{"", "localhost", "", 404},
	} {
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap?debug=1", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.RemoteAddr, r.Host = row.remote, row.host
			if row.forwarded != "" {
				r.Header.Set("X-Forwarded-For", row.forwarded)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != row.status {
				t.Errorf("%s from %q as %q (forwarded %q): %d, want %d", path, row.remote, row.host, row.forwarded, w.Code, row.status)
			}
		}
	}
}
