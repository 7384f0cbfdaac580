package control

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestHosts(t *testing.T) {
	reg := prometheus.NewRegistry()
	h, err := hosts("https://Webcasts.example", []string{"www.webcasts.example"}, reg, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"webcasts.example": 204, "WEBCASTS.example:443": 204, "127.0.0.1:8080": 204, "10.1.2.3": 204, "[::1]:8080": 204,
		"localhost:8080": 204, "www.webcasts.example": 307,
		"evil.example": 421, "webcasts.example.evil.example": 421, "127.0.0.1.evil.example": 421, "": 421,
		"webcasts.example:443:1": 421, "localhost.evil.example": 421, "[::1": 421, "user@webcasts.example": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/watch?a=b", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
		if got := w.Header().Get("Location"); want == 307 && got != "https://Webcasts.example/watch?a=b" {
			t.Errorf("%q leads to %q", host, got)
		}
	}
	open, err := hosts("http://192.0.2.1:8080", nil, reg, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	r.Host = "desk.example"
	if open.ServeHTTP(w, r); w.Code != http.StatusNotFound {
		t.Errorf("no name is known, %q: %d", r.Host, w.Code)
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
		# HELP freshet_control_misdirected_total Requests that named a host which is not this node's.
		# TYPE freshet_control_misdirected_total counter
		freshet_control_misdirected_total 8
	`)); err != nil {
		t.Error(err)
	}
}
