package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestRTT(t *testing.T) {
	h := NewRTT(prometheus.NewRegistry())
	ask := func(method, from string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/rtt", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := ask("GET", "203.0.113.7:4711")
	if w.Code != http.StatusNoContent || w.Body.Len() > 0 || w.Header().Get("Timing-Allow-Origin") != "*" ||
		w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := ask("POST", "203.0.113.7:4711"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
		t.Errorf("another method: %d %v", w.Code, w.Header())
	}
	refused := 0
	for range 4 * rttRate.Burst { // faster than the rate fills up again
		if w := ask("GET", "203.0.113.7:4711"); w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("one address is never held to the rate")
	}
	if got := testutil.ToFloat64(h.(*rtt).asked.WithLabelValues(string(rttLimited))); int(got) != refused {
		t.Errorf("%v counted as limited, want %d", got, refused)
	}
	if w := ask("GET", "203.0.114.7:4711"); w.Code != http.StatusNoContent {
		t.Errorf("another address: %d", w.Code)
	}
	if w := ask("GET", "127.0.0.1:4711"); w.Code != http.StatusNoContent {
		t.Errorf("this machine: %d", w.Code)
	}
}
