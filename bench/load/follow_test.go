package load_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

// A ranking is a control node of a test: it names edges to whoever joins, but those that failed, and says which leave.
type ranking struct {
	mu     sync.Mutex
	edges  []*testmesh.Node
	leaves chan string
}

func (c *ranking) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.Method == http.MethodGet {
		_, _ = w.Write([]byte("event: beat\ndata: {}\n\n"))
		_ = http.NewResponseController(w).Flush()
		select {
		case node := <-c.leaves:
			_, _ = w.Write([]byte("event: beat\ndata: {\"leaving\":[\"" + node + "\"]}\n\n"))
		case <-q.Context().Done():
		}
		return
	}
	var hint struct{ Failed []string }
	if json.NewDecoder(q.Body).Decode(&hint) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	edges := []map[string]string{}
	for _, e := range c.edges {
		if !slices.Contains(hint.Failed, e.Name) {
			edges = append(edges, map[string]string{"node": e.Name, "whep": e.URL + "/whep"})
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": "", "streams": []map[string]string{{"id": testmesh.Stream}}, "edges": edges})
}

// Who follows an event goes to the next edge before the one that leaves is closed.
func TestFollow(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	m.Publish(load.RawConfig{Rate: 30, KeyEvery: 30, Layers: []load.RawLayer{{Packets: 2, Size: 500}}})
	control := &ranking{edges: []*testmesh.Node{m.Edges[0], m.Edges[1]}, leaves: make(chan string)}
	web := httptest.NewServer(control)
	defer web.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var seen load.Arrivals
	at := make(chan string, 8)
	ended := make(chan load.Followed, 1)
	go func() {
		cfg := load.FollowConfig{API: []string{web.URL}, Slug: "talk", Arrivals: &seen}
		ended <- load.Follow(ctx, cfg, func(node string) { at <- node }, slog.New(slog.DiscardHandler))
	}()
	is := func(want string) {
		t.Helper()
		select {
		case got := <-at:
			if got != want {
				t.Fatalf("at %s, want %s", got, want)
			}
		case <-time.After(testmesh.Patience):
			t.Fatalf("not at %s", want)
		}
	}
	is("edge-1")
	told := time.Now()
	control.leaves <- "edge-1"
	is("edge-2")
	if gap, frames, ok := seen.Longest(stream.Video, told, time.Now()); !ok || gap > time.Second {
		t.Errorf("a pause of %s in %d frames while it moved to another edge in order", gap, frames)
	}
	stop()
	if d := <-ended; d.Err != nil || d.Sessions != 2 || d.Failed != 0 {
		t.Errorf("%+v, want two sessions", d)
	}
}

// An audience tells how long each of its viewers was without a picture, though their edge died.
func TestAudience(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	m.Publish(load.RawConfig{Rate: 30, KeyEvery: 30, Layers: []load.RawLayer{{Packets: 2, Size: 500}}})
	web := httptest.NewServer(&ranking{edges: []*testmesh.Node{m.Edges[1], m.Edges[0]}, leaves: make(chan string)})
	defer web.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	died := false
	r, err := load.Audience(ctx, load.AudienceConfig{
		Follow: load.FollowConfig{API: []string{web.URL}, Slug: "talk"}, Viewers: 3, For: time.Minute, Log: slog.New(slog.DiscardHandler),
		Progress: func(p load.AudienceProgress) {
			switch {
			case !died && p.Seen == 3:
				died = true
				m.Edges[1].Stop()
			case died && p.Moves == 3 && p.Dark == 0:
				stop() // who watches is told what was seen all the same
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Viewers != 3 || r.Seen != 3 || r.Dark != 0 || r.Moved != 3 || r.Ended != 0 {
		t.Errorf("got %+v, want three who saw a picture, and moved", r)
	}
	if w := r.Without; w.P50 <= 0 || w.P50 > w.P95 || w.P95 > w.P99 || w.P99 > w.Max {
		t.Errorf("without frames: %+v", w)
	}
}
