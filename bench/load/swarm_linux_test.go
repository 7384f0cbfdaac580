package load_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// onAir starts a mesh of an origin and an edge, and a publisher whose packets are stamped.
func onAir(t *testing.T) *testmesh.Mesh {
	t.Helper()
	m := testmesh.New(t, testmesh.Chain(1))
	m.Publish(load.RawConfig{Audio: true, KeyEvery: 30, KeyOnAsk: true})
	return m
}

func swarm(t *testing.T, cfg load.SwarmConfig) *load.SwarmResult {
	t.Helper()
	r, err := load.Swarm(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	return r
}

func TestLeanViewersSeeEverything(t *testing.T) {
	m := onAir(t)
	cfg := load.SwarmConfig{URL: m.Last().WHEP(testmesh.Stream), Viewers: 5, Ramp: 50, For: time.Second, PID: os.Getpid()}
	few := swarm(t, cfg)
	cfg.Viewers, cfg.For = 50, 2*time.Second
	if testing.Short() {
		cfg.Viewers = 25 // as many as an edge with the race detector serves beside other tests
	}
	r := swarm(t, cfg)
	// What found no room here, on a busy machine, is no loss of the server's.
	if r.Joined != cfg.Viewers || r.Failed != 0 || r.Lost > r.Dropped {
		t.Errorf("joined %d, failed %d, lost %d (%d here), want %d, 0, 0", r.Joined, r.Failed, r.Lost, r.Dropped, cfg.Viewers)
	}
	for _, v := range r.Viewers {
		steps := []float64{0, v.Answer, v.ICE, v.DTLS, v.FirstPacket, v.FirstPicture}
		for i := 1; i < len(steps); i++ {
			if steps[i] <= 0 || steps[i] < steps[i-1] {
				t.Errorf("viewer %d: answer, ICE, DTLS, packet, picture at %v", v.Viewer, steps[1:])
				break
			}
		}
		if v.Lost > v.Dropped || v.End != load.EndStopped || v.SRTP != load.SRTPGCM || v.Codec != "VP8" || v.Forged != 0 {
			t.Errorf("viewer %d: %+v", v.Viewer, v)
		}
		// 4 packets 30 times a second, and 50 of sound.
		if got := v.Steady.Packets; v.Frames < 60 || v.KeyFrames < 2 || got < 200 || got > 600 {
			t.Errorf("viewer %d: %d frames, %d keys, %d packets in the steady window", v.Viewer, v.Frames, v.KeyFrames, got)
		}
		if v.DelayP50 == nil || *v.DelayP50 > 1000 {
			t.Errorf("viewer %d: delay %v", v.Viewer, v.DelayP50)
		}
	}
	if r.Delay == nil || int64(r.Delay.N) != r.Steady.Packets {
		t.Errorf("delay %+v of %d packets", r.Delay, r.Steady.Packets)
	}
	if s := r.Server; s == nil || s.CPUSeconds <= 0 || s.RSS <= 0 || s.Threads < 1 || s.MicrosPerPacket <= 0 {
		t.Errorf("server: %+v", s)
	}
	// The mesh runs in this process too, so this holds for both ends.
	if grew := r.Own.Goroutines - few.Own.Goroutines; grew > 20 {
		t.Errorf("%d goroutines more for %d viewers more", grew, cfg.Viewers-few.Joined)
	}
	testmesh.Until(t, "no viewers", testmesh.Patience, func() bool { return m.Last().Edge.Viewers()[testmesh.Stream] == 0 })
}

func TestLeanCM(t *testing.T) {
	m := onAir(t)
	r := swarm(t, load.SwarmConfig{URL: m.Last().WHEP(testmesh.Stream), Viewers: 4, For: time.Second, SRTP: load.SRTPCM})
	if r.Joined != 4 || r.Failed != 0 || r.Lost != 0 || r.Viewers[0].SRTP != load.SRTPCM || r.Viewers[0].Forged != 0 {
		t.Errorf("joined %d, failed %d, lost %d, SRTP %s", r.Joined, r.Failed, r.Lost, r.Viewers[0].SRTP)
	}
}

func TestFilteredViewersCountWithoutReading(t *testing.T) {
	m := onAir(t)
	r := swarm(t, load.SwarmConfig{URL: m.Last().WHEP(testmesh.Stream), Viewers: 10, For: 2 * time.Second, Mode: load.ModeFiltered})
	if r.Joined != 10 || r.Failed != 0 {
		t.Errorf("joined %d, failed %d", r.Joined, r.Failed)
	}
	for _, v := range r.Viewers {
		if s := v.Steady; s.Filtered < 200 || s.Packets != s.Filtered || v.Frames < 5 || v.Dropped != 0 {
			t.Errorf("viewer %d: %+v, %d frames, %d dropped", v.Viewer, s, v.Frames, v.Dropped)
		}
	}
}

func TestFullViewers(t *testing.T) {
	m := onAir(t)
	r := swarm(t, load.SwarmConfig{URL: m.Last().WHEP(testmesh.Stream), Viewers: 3, Ramp: 20, For: time.Second, Mode: load.ModeFull})
	if r.Joined != 3 || r.Failed != 0 || r.Lost != 0 {
		t.Errorf("joined %d, failed %d, lost %d", r.Joined, r.Failed, r.Lost)
	}
	for _, v := range r.Viewers {
		if v.Answer <= 0 || v.ICE <= 0 || v.DTLS <= 0 || v.FirstPacket <= 0 || v.FirstPicture < v.FirstPacket || v.Frames < 30 ||
			v.Steady.Packets < 100 || v.DelayP99 == nil || v.End != load.EndStopped {
			t.Errorf("viewer %d: %+v", v.Viewer, v)
		}
	}
}

// A pion server opens DTLS itself, checks by itself and has no group to begin with.
func TestSwarmsWatchAForeignServer(t *testing.T) {
	m := newMirror(t, 2)
	raw, err := load.NewRaw(load.RawConfig{URL: m.url("whip"), Key: "key", Audio: true, KeyEvery: 15}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	start(t, raw.Run)
	testmesh.Until(t, "on the air", testmesh.Patience, func() bool { return m.packets("video") > 10 })
	for _, mode := range []load.Mode{load.ModeLean, load.ModeFull} {
		r := swarm(t, load.SwarmConfig{URL: m.url("whep"), Viewers: 3, For: time.Second, Mode: mode})
		if r.Joined != 3 || r.Failed != 0 || r.Lost != 0 {
			t.Errorf("%s: joined %d, failed %d, lost %d", mode, r.Joined, r.Failed, r.Lost)
		}
	}
}

// Viewers of a swarm that publishes see what it publishes.
func TestSwarmPublishes(t *testing.T) {
	m := newMirror(t, 2)
	var last load.SwarmProgress
	r := swarm(t, load.SwarmConfig{
		URL: m.url("whep"), WHIP: m.url("whip"), Key: "key", Viewers: 2, For: time.Second,
		Progress: func(p load.SwarmProgress) { last = p },
	})
	if r.Joined != 2 || r.Delay == nil {
		t.Errorf("joined %d, delay %v", r.Joined, r.Delay)
	}
	if last.Joined != 2 || last.Viewers != 2 || last.PacketRate <= 0 {
		t.Errorf("progress: %+v", last)
	}
	if _, err := load.Swarm(t.Context(), load.SwarmConfig{
		URL: m.url("whep"), WHIP: m.url("whip"), Key: "no", Viewers: 1, For: time.Second,
	}); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a publisher who was refused: %v", err)
	}
}

// A server that treats viewers badly, each in another way: each ends with its cause, and nobody else does.
func TestOneBadSessionIsOneViewers(t *testing.T) {
	m := onAir(t)
	edge, err := url.Parse(m.Last().URL)
	if err != nil {
		t.Fatal(err)
	}
	garbage := newGarbage(t)
	const well = 10
	var posts atomic.Int64
	mischief := []func(w http.ResponseWriter, answer []byte) []byte{
		func(w http.ResponseWriter, _ []byte) []byte {
			w.Header().Del("Content-Length")
			w.WriteHeader(http.StatusServiceUnavailable)
			return nil
		},
		func(w http.ResponseWriter, _ []byte) []byte { return []byte("v=0\r\nnothing") },
		// The certificate is another's: the viewer closes in the middle of the handshake.
		func(w http.ResponseWriter, b []byte) []byte {
			return regexp.MustCompile(`(?m)^a=fingerprint:sha-256 ..`).ReplaceAll(b, []byte("a=fingerprint:sha-256 00"))
		},
		// Nothing but garbage comes from there.
		func(w http.ResponseWriter, b []byte) []byte {
			return regexp.MustCompile(` \d+ typ host`).ReplaceAll(b, []byte(" "+garbage+" typ host"))
		},
		// Late, and right.
		func(w http.ResponseWriter, b []byte) []byte { time.Sleep(time.Second); return b },
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(edge) }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n := int64(0)
		if q.Method == http.MethodPost {
			n = posts.Add(1) - well
		}
		if n < 1 || int(n) > len(mischief) {
			proxy.ServeHTTP(w, q)
			return
		}
		rec := httptest.NewRecorder()
		proxy.ServeHTTP(rec, q)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Header().Del("Content-Length")
		body := mischief[n-1](w, rec.Body.Bytes())
		if body != nil {
			w.WriteHeader(rec.Code)
		}
		_, _ = w.Write(body)
	}))
	defer front.Close()
	r := swarm(t, load.SwarmConfig{
		URL: front.URL + "/whep/" + testmesh.Stream, Viewers: well + len(mischief), Ramp: 50, For: time.Second,
	})
	for end, want := range map[load.End]int{load.EndRefused: 1, load.EndAnswer: 1, load.EndDTLS: 1, load.EndICE: 1} {
		if got := r.Failures[end]; got != want {
			t.Errorf("%s: %d viewers, want %d", end, got, want)
		}
	}
	if r.Joined != well+1 || r.Failed != 4 {
		t.Errorf("joined %d, failed %d", r.Joined, r.Failed)
	}
	late := 0
	for _, v := range r.Viewers {
		if v.End != load.EndStopped {
			continue
		}
		if v.Lost != 0 || v.Damaged != 0 || v.Steady.Packets < 100 {
			t.Errorf("viewer %d was not left in peace: %+v", v.Viewer, v)
		}
		if v.Answer > 1000 {
			late++
		}
	}
	if late == 0 {
		t.Error("nobody was answered late")
	}
	if r.Packets == 0 || r.Late.Max > 500 {
		t.Errorf("started up to %.0f ms late: someone was waited for", r.Late.Max)
	}
}

// newGarbage answers each datagram with some that look like STUN, DTLS, RTP and nothing, and returns its port.
func newGarbage(t *testing.T) string {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		var b [2048]byte
		for {
			n, from, err := c.ReadFrom(b[:])
			if err != nil {
				return
			}
			request := bytes.Clone(b[:n])
			success := bytes.Clone(request)
			success[0] = 1 // not signed with the password, whatever else is right
			short := bytes.Clone(request[:20])
			short[0], short[2], short[3] = 1, 0, 0
			for _, reply := range [][]byte{request, success, short, {}, {0}, {22, 254, 253}, bytes.Repeat([]byte{0x80, 96}, 20), bytes.Repeat([]byte{0x80, 200}, 20)} {
				_, _ = c.WriteTo(reply, from)
			}
		}
	}()
	return strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port)
}

// Ctrl-C in the middle of the steady window: all leave in order, and what was seen is told.
func TestSwarmThatIsStoppedLeavesInOrder(t *testing.T) {
	m := onAir(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, mode := range []load.Mode{load.ModeLean, load.ModeFull} {
		ctx, cancel := context.WithCancel(ctx)
		r, err := load.Swarm(ctx, load.SwarmConfig{
			URL: m.Last().WHEP(testmesh.Stream), Viewers: 4, For: time.Hour, Mode: mode,
			Progress: func(p load.SwarmProgress) {
				if p.Phase == "watching" {
					cancel()
				}
			},
		})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if !r.Stopped || r.Joined != 4 || r.Failed != 0 || r.SteadySeconds <= 0 || r.Steady.Packets == 0 {
			t.Errorf("%s: stopped %v, joined %d, failed %v, %d packets in %.1f s", mode, r.Stopped, r.Joined, r.Failures, r.Steady.Packets, r.SteadySeconds)
		}
		testmesh.Until(t, "no viewers", testmesh.Patience, func() bool { return m.Last().Edge.Viewers()[testmesh.Stream] == 0 })
	}
}

// A server that ends the stream under its viewers is seen to.
func TestServerSaysGoodbyeToASwarm(t *testing.T) {
	m := onAir(t)
	r, err := load.Swarm(t.Context(), load.SwarmConfig{
		URL: m.Last().WHEP(testmesh.Stream), Viewers: 3, For: 2500 * time.Millisecond,
		Progress: func(p load.SwarmProgress) {
			if p.Phase == "watching" {
				m.Last().Stop()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Joined != 3 || r.Failed != 3 || r.Failures[load.EndBye] != 3 {
		t.Errorf("joined %d, failures %v, want 3 × bye", r.Joined, r.Failures)
	}
}

func TestSwarmResultIsJSON(t *testing.T) {
	r := swarm(t, load.SwarmConfig{URL: "http://127.0.0.1:1/whep/s", Viewers: 2, For: time.Second})
	if r.Joined != 0 || r.Failures[load.EndHTTP] != 2 || r.Viewers[0].Detail == "" {
		t.Errorf("nobody was there: %+v", r)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back load.SwarmResult
	if err := json.Unmarshal(b, &back); err != nil || len(back.Viewers) != 2 || back.Failures[load.EndHTTP] != 2 {
		t.Errorf("%v: %+v", err, back)
	}
}
