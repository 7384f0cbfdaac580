package problem

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// What Write sets and what GetHeaders returns are the headers that RELIABILITY, section 3, asks for.
func TestHeaders(t *testing.T) {
	for _, row := range []struct {
		p    Problem
		want http.Header
	}{
		{Problem{Status: 404}, http.Header{}},
		{Problem{Status: 401}, http.Header{"Www-Authenticate": {`Bearer realm="freshet"`}}},
		{Problem{Status: 405, Allow: "GET, POST"}, http.Header{"Allow": {"GET, POST"}}},
		{Problem{Status: 429, RetryAfter: 1100 * time.Millisecond}, http.Header{"Retry-After": {"2"}}},
		{Problem{Status: 503, RetryAfter: time.Second, Next: []string{"https://a", "https://b"}},
			http.Header{"Retry-After": {"1"}, "Link": {`<https://a>; rel="alternate"`, `<https://b>; rel="alternate"`}}},
	} {
		if got := row.p.GetHeaders(); !maps.EqualFunc(got, row.want, slices.Equal) {
			t.Errorf("%d: got %v, want %v", row.p.Status, got, row.want)
		}
		w := httptest.NewRecorder()
		row.p.Write(w)
		for name, want := range row.want {
			if got := w.Header().Values(name); !slices.Equal(got, want) {
				t.Errorf("%d: %s is %v, want %v", row.p.Status, name, got, want)
			}
		}
		var again Problem
		if err := json.Unmarshal(w.Body.Bytes(), &again); err != nil || again.Status != row.p.Status || w.Header().Get("Content-Type") != ContentType {
			t.Errorf("%d: %v, %+v, %v", row.p.Status, err, again, w.Header())
		}
	}
}
