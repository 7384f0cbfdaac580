package load

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"freshet/proto/problem"
)

// A refusal is told whole, and the next offer goes over the same connection.
func TestKnockIsRefused(t *testing.T) {
	next := []string{"https://a.example/whep/s", "https://b.example/whep/s"}
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodPost || q.Header.Get("Authorization") != "Bearer key" || q.ContentLength < 500 {
			t.Errorf("%s, %q, %d bytes", q.Method, q.Header.Get("Authorization"), q.ContentLength)
		}
		w.Header().Set("Link", `</stats>; rel="stats"`)
		p := problem.New(http.StatusServiceUnavailable, "full", "Edge is full", "")
		p.Next, p.RetryAfter = next, 5*time.Second
		p.Write(w)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	k, err := NewKnocker(server.URL, "key")
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for range 5 {
		_, err := k.Knock(t.Context())
		why, ok := errors.AsType[*StatusError](err)
		if !ok || why.Status != http.StatusServiceUnavailable || why.Type != "/problems/full" || why.RetryAfter != 5*time.Second ||
			!slices.Equal(why.Next, next) || !slices.Equal(why.Alternate, next) {
			t.Fatalf("got %+v", err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
