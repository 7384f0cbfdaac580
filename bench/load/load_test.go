package load_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"freshet/bench/load"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs f until the test ends, or stop is called; both return when f has. Its error must be nil.
func start(t *testing.T, f func(context.Context) error) (stop func()) {
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

func TestSampleThroughForeignServer(t *testing.T) {
	m := newMirror(t, 2)
	var last load.PublishReport
	stop := start(t, func(ctx context.Context) error {
		return load.Publish(ctx, load.PublishConfig{
			URL: m.url("whip"), Key: "key", Report: func(r load.PublishReport) { last = r },
		}, testLog(t))
	})
	var final load.Report
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := load.Play(ctx, load.PlayConfig{URL: m.url("whep"), For: 20 * time.Second}, func(r load.Report) {
		t.Log(r)
		if final = r; frames(r, "video") > 100 && frames(r, "audio") > 150 {
			cancel()
		}
	}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if !final.Final || len(final.Tracks) != 2 {
		t.Fatalf("final report: %s", indent(final))
	}
	for _, tr := range final.Tracks {
		switch tr.Kind {
		case "video":
			if tr.Codec != "H264" || tr.Width != 640 || tr.Height != 360 || tr.KeyFrames == 0 || tr.FrameRate < 20 {
				t.Errorf("video: %+v", tr)
			}
		case "audio":
			if tr.Codec != "opus" || tr.FrameRate < 40 {
				t.Errorf("audio: %+v", tr)
			}
		}
		if tr.Lost != 0 || tr.Damaged != 0 {
			t.Errorf("%s: lost or damaged on loopback: %+v", tr.Kind, tr)
		}
	}
	if !last.Final || last.Frames < 100 || last.KeyRequests == 0 || last.RTT <= 0 || last.RTT > time.Second {
		t.Errorf("publisher: %+v", last)
	}
	if len(m.deleted) != 2 {
		t.Errorf("deleted sessions: %v, want both", m.deleted)
	}
}

func frames(r load.Report, kind string) int64 {
	for _, tr := range r.Tracks {
		if tr.Kind == kind {
			return tr.Frames
		}
	}
	return 0
}

func TestRawSimulcast(t *testing.T) {
	m := newMirror(t, 1)
	raw, err := load.NewRaw(load.RawConfig{URL: m.url("whip"), Key: "key", KeyEvery: 1000, KeyOnAsk: true, Layers: []load.RawLayer{
		{RID: "q", Width: 320, Height: 180, Packets: 1, Size: 400}, {RID: "h", Packets: 2}, {RID: "f", Width: 1280, Height: 720},
	}}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, raw.Run)
	testmesh.Until(t, "all three layers", testmesh.Patience, func() bool { return m.packets("q") > 30 && m.packets("h") > 60 && m.packets("f") > 120 })
	m.askKeys()
	testmesh.Until(t, "key frames for the asking", testmesh.Patience, func() bool {
		for _, l := range raw.Stats().Layers {
			if l.PLI == 0 || l.KeyFrames < 2 {
				return false
			}
		}
		return true
	})
	testmesh.Until(t, "feedback", testmesh.Patience, func() bool {
		var twcc int64 // it speaks of the whole transport, and is sent to any one of the layers
		reported := true
		for _, l := range raw.Stats().Layers {
			twcc += l.TWCC
			reported = reported && l.Reports > 0
		}
		return twcc > 0 && reported
	})
	raw.Silence(true)
	stop()
}

func TestRawSendsTheProofsLayers(t *testing.T) {
	m := newMirror(t, 2)
	cfg := load.Simulcast()
	cfg.URL, cfg.Key, cfg.KeyOnAsk = m.url("whip"), "key", false
	raw, err := load.NewRaw(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, raw.Run)
	testmesh.Until(t, "two groups", testmesh.Patience, func() bool { return raw.Stats().Layers[0].KeyFrames == 3 })
	stop()
	s := raw.Stats()
	// Two whole groups, and of the third what left before stop: the first picture at least.
	for i, want := range []struct{ group, key int64 }{{59 + 9, 9}, {59*3 + 25, 25}, {59*9 + 56, 56}} {
		l := s.Layers[i]
		if rest := l.Packets - 2*want.group; rest < 0 || rest > want.group || l.Skipped != 0 {
			t.Errorf("layer %d: %+v, want two groups of %d packets and a part of the third", i, l, want.group)
		}
	}
	if s.Audio.Packets < 200 {
		t.Errorf("%d packets of sound in 4 s", s.Audio.Packets)
	}
	for _, c := range []struct {
		name string
		cfg  load.RawConfig
	}{
		{"a pace under the rate", load.RawConfig{PaceBPS: 500_000}},
		{"fewer than no packets", load.RawConfig{Layers: []load.RawLayer{{Packets: -1}}}},
		{"a key frame of none", load.RawConfig{Layers: []load.RawLayer{{KeyPackets: -1}}}},
	} {
		if _, err := load.NewRaw(c.cfg, testLog(t)); err == nil {
			t.Errorf("%s was taken", c.name)
		}
	}
}

func TestRawStamps(t *testing.T) {
	m := newMirror(t, 2)
	raw, err := load.NewRaw(load.RawConfig{URL: m.url("whip"), Key: "key", Audio: true, KeyEvery: 15}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	start(t, raw.Run)
	var mu sync.Mutex
	stamps := map[string][]load.Stamp{}
	var final load.Report
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var arrivals load.Arrivals
	err = load.Play(ctx, load.PlayConfig{
		URL: m.url("whep"), For: 20 * time.Second, Arrivals: &arrivals,
		Packet: func(kind, _ string, p *rtp.Packet, _ time.Time) {
			mu.Lock()
			defer mu.Unlock()
			if s, ok := load.ReadStamp(p.Payload); ok {
				stamps[kind] = append(stamps[kind], s)
			}
			if len(stamps["video"]) > 100 && len(stamps["audio"]) > 50 {
				cancel()
			}
		},
	}, func(r load.Report) { final = r }, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, frames, _ := arrivals.Longest(stream.Video, time.Time{}, time.Now()); frames < 20 {
		t.Errorf("%d frames remembered", frames)
	}
	for _, kind := range []string{"video", "audio"} {
		got := stamps[kind]
		if len(got) < 50 {
			t.Errorf("%s: %d stamps", kind, len(got))
		}
		for i := 1; i < len(got); i++ {
			if got[i].Count <= got[i-1].Count {
				t.Errorf("%s: packet %d after %d", kind, got[i].Count, got[i-1].Count)
			}
		}
	}
	for _, tr := range final.Tracks {
		if tr.Delay == nil || tr.Delay.P50 <= 0 || tr.Delay.P50 > time.Second {
			t.Errorf("%s: delay %+v", tr.Kind, tr.Delay)
		}
		if s := tr.Stamps; s == nil || s.Packets < 50 || s.Missing != 0 || s.Repeated != 0 {
			t.Errorf("%s: stamps %+v", tr.Kind, s)
		}
		t.Logf("%s: delay %+v", tr.Kind, *tr.Delay)
	}
}

// What a server does not offer is said once, and the rest goes on.
func TestServerWithoutExtensions(t *testing.T) {
	m := newMirror(t, 2)
	raw, err := load.NewRaw(load.RawConfig{URL: m.url("whip"), Key: "key", Audio: true}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	start(t, raw.Run)
	choice := make(chan string, 1)
	choice <- "q"
	var said strings.Builder
	reports := 0
	err = load.Play(t.Context(), load.PlayConfig{URL: m.url("whep"), For: 3500 * time.Millisecond, Stats: true, Layer: choice},
		func(r load.Report) {
			if reports++; r.Path != nil {
				t.Errorf("a path out of nothing: %+v", r.Path)
			}
		}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{`msg="no statistics of the path"`, "no choice of layers"} {
		if n := strings.Count(said.String(), what); n != 1 {
			t.Errorf("%q was said %d times, want once:\n%s", what, n, said.String())
		}
	}
	if reports < 3 {
		t.Errorf("%d reports", reports)
	}
}

func TestRefusalsAreClear(t *testing.T) {
	m := newMirror(t, 1)
	lost := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, m.url("whip"), http.StatusFound)
	}))
	defer lost.Close()
	for _, c := range []struct{ name, url, key, want string }{
		{"wrong key", m.url("whip"), "no", "401 Unauthorized: Wrong key: the stream has another key"},
		{"no such page", m.url("none"), "key", "404 Not Found"},
		{"a redirect that loses the offer", lost.URL, "key", "must use 307 or 308"},
		{"no scheme", "localhost:1", "key", "want http://"},
		{"nobody there", "http://127.0.0.1:1/whip/s", "key", "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := load.Publish(t.Context(), load.PublishConfig{URL: c.url, Key: c.key}, testLog(t))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}

func TestRedirectKeepsOfferAndKey(t *testing.T) {
	m := newMirror(t, 1)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, m.url("whip"), http.StatusTemporaryRedirect)
	}))
	defer front.Close()
	raw, err := load.NewRaw(load.RawConfig{URL: front.URL, Key: "key"}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	start(t, raw.Run)
	testmesh.Until(t, "packets through the redirect", testmesh.Patience, func() bool { return m.packets("video") > 10 })
}

func TestServerGone(t *testing.T) {
	m := newMirror(t, 1)
	raw, err := load.NewRaw(load.RawConfig{URL: m.url("whip"), Key: "key"}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- raw.Run(t.Context()) }()
	testmesh.Until(t, "on the air", testmesh.Patience, func() bool { return m.packets("video") > 10 })
	m.drop()
	select {
	case err := <-done:
		if !errors.Is(err, load.ErrLost) {
			t.Errorf("got %v, want ErrLost", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the publisher did not notice")
	}
}

// TestServerKnownByItsCheck has a server's check of the way tell where it is, which one that is no lite agent may do before
// its answer tells: the publisher is on the air at once all the same.
func TestServerKnownByItsCheck(t *testing.T) {
	m := newMirror(t, 1)
	inner := m.web.Config.Handler
	candidates := regexp.MustCompile(`(?m)^a=candidate:.*\n`)
	m.web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, q)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(candidates.ReplaceAll(answer.Body.Bytes(), nil))
	})
	const lasts = 50 * time.Millisecond
	begun := time.Now()
	if err := load.Publish(t.Context(), load.PublishConfig{URL: m.url("whip"), Key: "key", For: lasts}, testLog(t)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun) - lasts; took > 800*time.Millisecond {
		t.Errorf("it took %s to go on the air and leave", took)
	}
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
