package janus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"freshet/bench/load"
	"freshet/bench/peers/janus"
	"freshet/bench/testmesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A gateway answers like Janus, but has no media: it takes all requests up to the first watch, which it refuses.
type gateway struct {
	web *httptest.Server

	mu      sync.Mutex
	handles map[string]bool
	next    int
	events  chan string
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{handles: map[string]bool{}, events: make(chan string, 10)}
	g.web = httptest.NewServer(g)
	t.Cleanup(g.web.Close)
	return g
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.Method == http.MethodGet {
		select {
		case e := <-g.events:
			fmt.Fprintf(w, `[%s]`, e)
		case <-q.Context().Done():
		}
		return
	}
	b, err := io.ReadAll(q.Body)
	var m struct {
		Janus string
		Body  struct{ Request string }
	}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := q.URL.Path[strings.LastIndex(q.URL.Path, "/")+1:]
	g.mu.Lock()
	defer g.mu.Unlock()
	switch m.Janus + " " + m.Body.Request {
	case "create ":
		fmt.Fprint(w, `{"janus":"success","data":{"id":7}}`)
	case "attach ":
		g.next++
		g.handles[fmt.Sprint(g.next)] = true
		fmt.Fprintf(w, `{"janus":"success","data":{"id":%d}}`, g.next)
	case "detach ":
		delete(g.handles, id)
		fmt.Fprint(w, `{"janus":"success"}`)
	case "message create":
		fmt.Fprint(w, `{"janus":"success","plugindata":{"data":{"streaming":"created","stream":{"ports":[{"mid":"audio","port":9},{"mid":"video","port":9}]}}}}`)
	case "message destroy":
		fmt.Fprint(w, `{"janus":"success","plugindata":{"data":{"streaming":"destroyed"}}}`)
	case "message watch":
		g.events <- fmt.Sprintf(`{"janus":"event","sender":%s,"plugindata":{"data":{"error_code":455,"error":"no such mountpoint"}}}`, id)
		fmt.Fprint(w, `{"janus":"ack"}`)
	default:
		fmt.Fprint(w, `{"janus":"error","error":{"code":1,"reason":"what?"}}`)
	}
}

func (g *gateway) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.handles)
}

func TestFrontWithoutMedia(t *testing.T) {
	g := newGateway(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	f, err := janus.New(t.Context(), g.web.URL+"/janus", log)
	if err != nil {
		t.Fatal(err)
	}
	run(t, f.Run)
	play := func(cfg load.PlayConfig, want string) {
		t.Helper()
		cfg.URL, cfg.For = f.WHEP(), 10*time.Second
		if err := load.Play(t.Context(), cfg, nil, log); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
	play(load.PlayConfig{NoVideo: true}, "422 Unprocessable Entity: SDP not supported: the first viewer must take VP8 and Opus")
	play(load.PlayConfig{}, "404 Not Found: Nobody publishes")
	raw, err := load.NewRaw(load.RawConfig{URL: f.WHIP(), Audio: true}, log)
	if err != nil {
		t.Fatal(err)
	}
	run(t, raw.Run)
	<-raw.Connected()
	testmesh.Until(t, "a refusal of Janus itself", testmesh.Patience, func() bool {
		err := load.Play(t.Context(), load.PlayConfig{URL: f.WHEP(), For: 10 * time.Second}, nil, log)
		return err != nil && strings.Contains(err.Error(), "502 Bad Gateway: Janus does not take it: janus: no such mountpoint")
	})
	play(load.PlayConfig{Codecs: []string{"VP8"}}, "Janus sends one payload type to all")
	if n := g.open(); n != 1 {
		t.Errorf("%d handles are open, want the source's alone", n)
	}
}

func TestNoJanus(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"an error", `{"janus":"error","error":{"code":403,"reason":"not you"}}`, "janus: create: not you"},
		{"no JSON", `hello`, "janus: invalid"},
		{"too much", strings.Repeat(" ", 300<<10), "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.answer) }))
			t.Cleanup(web.Close)
			_, err := janus.New(t.Context(), web.URL+"/janus", slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}

// run runs f until the test ends. Its error must be nil.
func run(t *testing.T, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
