package naive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
	"go.uber.org/goleak"

	"freshet/bench/load"
	"freshet/bench/peers/naive"
	"freshet/bench/testmesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAllArrives(t *testing.T) {
	for _, c := range []struct {
		name string
		gcm  bool
	}{{"pion's order of ciphers", false}, {"GCM alone", true}} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, naive.Config{GCM: c.gcm})
			// Without a request there is one key frame, which nobody is there to see.
			raw, _ := publish(t, s, load.RawConfig{Audio: true, KeyEvery: 1 << 20, KeyOnAsk: true, Layers: []load.RawLayer{{KeyPackets: 30}}})
			var viewers [3]*viewer
			for i := range viewers {
				viewers[i] = watch(t, s.Ready().WHEP, load.PlayConfig{})
			}
			for i, v := range viewers {
				testmesh.Until(t, "packets for all", testmesh.Patience, func() bool { return v.packets("video") > 200 && v.packets("audio") > 80 })
				if st := s.Stats(); st.Viewers != len(viewers)-i || !st.Publishing {
					t.Errorf("%d viewers are left: %+v", len(viewers)-i, st)
				}
				v.stop()
				r := v.report()
				if len(r.Tracks) != 2 || r.FirstFrame == 0 {
					t.Fatalf("viewer %d: %s", i, r)
				}
				for _, tr := range r.Tracks {
					if tr.Lost != 0 || tr.Damaged != 0 || tr.Repeated != 0 || tr.Stamps == nil || tr.Stamps.Missing != 0 || tr.Stamps.Repeated != 0 {
						t.Errorf("viewer %d, %s: %s", i, tr.Kind, r)
					}
				}
			}
			testmesh.Until(t, "nobody watches", testmesh.Patience, func() bool { return s.Stats().Viewers == 0 })
			st, sent := s.Stats(), raw.Stats() // in this order: the publisher goes on
			if all := sent.Layers[0].Packets + sent.Audio.Packets; st.Received < 280 || st.Received > all {
				t.Errorf("received %d packets, and %d were sent", st.Received, all)
			}
			if st.Sent < 3*280 || st.Sent > 3*st.Received || st.Malformed != 0 || len(st.Refused) != 0 {
				t.Errorf("counts: %+v", st)
			}
			if keys := sent.Layers[0].KeyFrames; keys < 2 || keys > 4 || sent.Layers[0].PLI == 0 {
				t.Errorf("%d key frames for three viewers, asked for %d times", keys, sent.Layers[0].PLI)
			}
		})
	}
}

func TestOneTrackAlone(t *testing.T) {
	s := serve(t, naive.Config{})
	publish(t, s, load.RawConfig{Audio: true})
	v := watch(t, s.Ready().WHEP, load.PlayConfig{NoVideo: true})
	testmesh.Until(t, "sound", testmesh.Patience, func() bool { return v.packets("audio") > 50 })
	v.stop()
	if r := v.report(); len(r.Tracks) != 1 || r.Tracks[0].Lost != 0 {
		t.Errorf("who offered sound alone got %s", r)
	}
}

func TestPublisherLeaves(t *testing.T) {
	s := serve(t, naive.Config{})
	_, stop := publish(t, s, load.RawConfig{})
	v := watch(t, s.Ready().WHEP, load.PlayConfig{})
	testmesh.Until(t, "packets", testmesh.Patience, func() bool { return v.packets("video") > 50 })
	stop()
	if err := v.wait(t); err != nil || v.report().End != "the stream ended" {
		t.Errorf("the viewer ended with %v: %s", err, v.report())
	}
	if st := s.Stats(); st.Publishing || st.Viewers != 0 {
		t.Errorf("after the end: %+v", st)
	}
	status(t, post(t, s.Ready().WHEP, "application/sdp", offer(t)), http.StatusNotFound, "/problems/stream-unknown")

	publish(t, s, load.RawConfig{})
	again := watch(t, s.Ready().WHEP, load.PlayConfig{})
	testmesh.Until(t, "packets of the next publisher", testmesh.Patience, func() bool { return again.packets("video") > 50 })
}

// Who leaves without DELETE, or never comes, is told of by ICE alone: a front keeps the DELETE to itself.
func TestLeavingWithoutAWord(t *testing.T) {
	s := serve(t, naive.Config{})
	target, err := url.Parse(s.Ready().WHIP)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodDelete {
			proxy.ServeHTTP(w, q)
		}
	}))
	t.Cleanup(front.Close)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	_, stop := publish(t, s, load.RawConfig{URL: front.URL + "/whip"})
	gone := watch(t, front.URL+"/whep", load.PlayConfig{})
	stays := watch(t, s.Ready().WHEP, load.PlayConfig{})
	testmesh.Until(t, "packets", testmesh.Patience, func() bool { return gone.packets("video") > 50 && stays.packets("video") > 50 })
	gone.stop()
	if res := post(t, s.Ready().WHEP, "application/sdp", offer(t)); res.StatusCode != http.StatusCreated {
		t.Fatalf("who never comes got %s", res.Status)
	}
	if n := s.Stats().Viewers; n != 3 {
		t.Errorf("%d viewers at once, want 3 still: the front let a DELETE through", n)
	}
	testmesh.Until(t, "two viewers less", testmesh.Patience, func() bool { return s.Stats().Viewers == 1 })
	before := stays.packets("video")
	testmesh.Until(t, "packets for the other", testmesh.Patience, func() bool { return stays.packets("video") > before+50 })
	stop()
	if err := stays.wait(t); err != nil || s.Stats().Publishing {
		t.Errorf("the viewer ended with %v: %+v", err, s.Stats())
	}
}

func TestRefusals(t *testing.T) {
	s := serve(t, naive.Config{}, func(s *naive.Server) { s.Most(3) })
	whip, whep := s.Ready().WHIP, s.Ready().WHEP
	status(t, post(t, whep, "application/sdp", offer(t)), http.StatusNotFound, "/problems/stream-unknown")
	status(t, post(t, whip, "application/sdp", strings.Replace(offer(t), "a=sendrecv\r\n", "a=sendrecv\r\na=simulcast:send q;f\r\n", 1)),
		http.StatusUnprocessableEntity, "/problems/simulcast")
	status(t, post(t, whip, "application/sdp", strings.ReplaceAll(offer(t), "a=sendrecv", "a=recvonly")),
		http.StatusUnprocessableEntity, "/problems/sdp-unsupported")
	if st := s.Stats(); st.Publishing {
		t.Fatalf("who was refused publishes: %+v", st)
	}
	publish(t, s, load.RawConfig{})
	for _, c := range []struct {
		name, url, kind, body string
		status                int
		problem               string
	}{
		{"a second publisher", whip, "application/sdp", offer(t), http.StatusConflict, "/problems/stream-taken"},
		{"another type", whep, "text/plain", offer(t), http.StatusUnsupportedMediaType, "/problems/request"},
		{"too much", whep, "application/sdp", "v=0\r\n" + strings.Repeat("a=x\r\n", 20_000), http.StatusRequestEntityTooLarge, "/problems/request"},
		{"no SDP", whip, "application/sdp", "hello", http.StatusBadRequest, "/problems/sdp-malformed"},
		{"a data channel", whep, "application/sdp", strings.Replace(offer(t), "m=video 9 UDP/TLS/RTP/SAVPF", "m=application 9 UDP/DTLS/SCTP", 1),
			http.StatusUnprocessableEntity, "/problems/sdp-unsupported"},
		{"a codec that is not sent", whep, "application/sdp", strings.ReplaceAll(offer(t), "VP8/90000", "VP7/90000"),
			http.StatusUnprocessableEntity, "/problems/sdp-unsupported"},
	} {
		t.Run(c.name, func(t *testing.T) { status(t, post(t, c.url, c.kind, c.body), c.status, c.problem) })
	}
	if st := s.Stats(); st.Viewers != 0 {
		t.Errorf("who was refused watches: %+v", st)
	}
	for range 2 {
		if res := post(t, whep, "application/sdp", offer(t)); res.StatusCode != http.StatusCreated {
			t.Fatalf("a viewer got %s", res.Status)
		}
	}
	res := post(t, whep, "application/sdp", offer(t))
	status(t, res, http.StatusServiceUnavailable, "/problems/full")
	if res.Header.Get("Retry-After") == "" {
		t.Error("who finds no room is not told when to come again")
	}
	gone, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, strings.Replace(whip, "/whip", "/session/none", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	status(t, do(t, gone), http.StatusNotFound, "/problems/session-unknown")
	want := map[string]int64{
		"stream-unknown": 1, "simulcast": 1, "stream-taken": 1, "request": 2, "sdp-unsupported": 4, "full": 1, "session-unknown": 1,
	}
	got := s.Stats().Refused
	if len(got) != len(want) {
		t.Errorf("refused %v, want %v", got, want)
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("refused for %s: %d, want %d", k, got[k], n)
		}
	}
}

func TestTakenPort(t *testing.T) {
	s := serve(t, naive.Config{})
	u, err := url.Parse(s.Ready().WHIP)
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{u.Host, "8080", "nowhere.invalid:0"} {
		if _, err := naive.New(naive.Config{HTTP: addr}, testLog(t)); err == nil || !strings.HasPrefix(err.Error(), "http: ") {
			t.Errorf("%s: got %v", addr, err)
		}
	}
}

func TestServeTellsWhere(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	s, err := naive.New(naive.Config{HTTP: "127.0.0.1:0"}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	run(t, func(ctx context.Context) error { return s.Serve(ctx, w) })
	var ready naive.Ready
	if err := json.NewDecoder(r).Decode(&ready); err != nil {
		t.Fatal(err)
	}
	if ready.PID != os.Getpid() || !strings.HasPrefix(ready.Version, "pion/webrtc") {
		t.Errorf("got %+v", ready)
	}
	status(t, post(t, ready.WHEP, "application/sdp", offer(t)), http.StatusNotFound, "/problems/stream-unknown")
}

// serve runs a server until the test ends.
func serve(t *testing.T, cfg naive.Config, more ...func(*naive.Server)) *naive.Server {
	t.Helper()
	cfg.HTTP = "127.0.0.1:0"
	s, err := naive.New(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range more {
		f(s)
	}
	run(t, s.Run)
	return s
}

// run runs f until the test ends, or stop is called. Its error must be nil.
func run(t *testing.T, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// publish publishes until the test ends, or stop is called. It returns when s has packets.
func publish(t *testing.T, s *naive.Server, cfg load.RawConfig) (_ *load.Raw, stop func()) {
	t.Helper()
	if cfg.URL == "" {
		cfg.URL = s.Ready().WHIP
	}
	raw, err := load.NewRaw(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	before := s.Stats().Received
	stop = run(t, raw.Run)
	testmesh.Until(t, "on the air", testmesh.Patience, func() bool { return s.Stats().Received > before })
	return raw, stop
}

// A viewer is a Play in the background.
type viewer struct {
	stop func() // and wait
	done chan struct{}

	mu    sync.Mutex
	count map[string]int
	last  load.Report
	err   error
}

func watch(t *testing.T, whep string, cfg load.PlayConfig) *viewer {
	v := &viewer{done: make(chan struct{}), count: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	v.stop = func() { cancel(); <-v.done }
	t.Cleanup(v.stop)
	cfg.URL = whep
	cfg.Packet = func(kind, _ string, _ *rtp.Packet, _ time.Time) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.count[kind]++
	}
	log := testLog(t)
	go func() {
		defer close(v.done)
		err := load.Play(ctx, cfg, func(r load.Report) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.last = r
		}, log)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.err = err
	}()
	return v
}

func (v *viewer) packets(kind string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count[kind]
}

func (v *viewer) report() load.Report {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// wait returns how Play ended, which it must by itself.
func (v *viewer) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-v.done:
	case <-time.After(15 * time.Second):
		t.Fatal("the viewer goes on")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// offer is one of pion's own, to send and receive a picture; nobody stands behind it.
func offer(t *testing.T) string {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	_, err1 := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo)
	o, err2 := pc.CreateOffer(nil)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return o.SDP
}

func post(t *testing.T, url, kind, body string) *http.Response {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", kind)
	return do(t, q)
}

// do sends q over a connection of its own. The body of the answer is closed with the test.
func do(t *testing.T, q *http.Request) *http.Response {
	t.Helper()
	q.Close = true
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// status checks a refusal.
func status(t *testing.T, res *http.Response, want int, problem string) {
	t.Helper()
	var p struct{ Type, Detail string }
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil || res.StatusCode != want || p.Type != problem {
		t.Errorf("got %s, %+v (%v), want %d %s", res.Status, p, err, want, problem)
	}
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
