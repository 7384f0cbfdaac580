package edge_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
	"freshet/proto/payload"
)

// Rates of the steps, in bits a second.
const (
	wide   = 2_500_000
	narrow = 400_000
)

// Queues of a bottleneck. A mobile network's is long: what is sent too much waits. A short one drops it.
const (
	longQueue  = 2 * time.Second
	shortQueue = 200 * time.Millisecond
)

// Pictures from one key frame to the next: each 2 s, which tells much of a path, and as browsers publish.
const (
	keyOften = 60
	keyOnAsk = 1 << 20
)

// threeLayers is sound and three layers of 0.15, 0.5 and 1.5 Mbit/s: narrow carries the lowest, wide the highest.
func threeLayers(keyEvery int) load.RawConfig {
	return load.RawConfig{
		Rate: 30, KeyEvery: keyEvery, KeyOnAsk: true, Audio: true, PaceBPS: 9_600_000,
		Layers: []load.RawLayer{
			{RID: "q", Width: 320, Height: 180, Packets: 1, KeyPackets: 6, Size: 560},
			{RID: "h", Width: 640, Height: 360, Packets: 2, KeyPackets: 10, Size: 960},
			{RID: "f", Width: 1280, Height: 720, Packets: 6, KeyPackets: 24, Size: 990},
		},
	}
}

// A home is where viewers sit behind one path: a proxy between them and an edge's media port.
type home struct {
	t     *testing.T
	mesh  *testmesh.Mesh
	proxy *impair.Proxy
	queue time.Duration
	whole bool // nothing gets lost
	began time.Time
	url   string // of the WHEP endpoint, whose answers name the proxy's port
}

// newHome starts a mesh of an origin and an edge, a publisher, and a path to the edge that is wide.
func newHome(t *testing.T, queue time.Duration, keyEvery int) *home {
	t.Helper()
	h := &home{t: t, mesh: testmesh.New(t, testmesh.Chain(1)), queue: queue, began: time.Now()}
	port := h.mesh.Last().Edge.Ports()[0]
	cfg := impair.Config{Listen: "127.0.0.1:0", Target: fmt.Sprint("127.0.0.1:", port), Seed: 1}
	cfg.Up, cfg.Down = h.paths(wide)
	p, err := impair.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.proxy = p
	h.mesh.Background("path", p.Run)
	h.mesh.Publish(threeLayers(keyEvery))
	h.url = front(t, h.mesh.Last().URL, port, p.Addr().Port()) + "/whep/" + testmesh.Stream
	return h
}

func (h *home) paths(bps int64) (up, down impair.Path) {
	return impair.Path{Delay: 20 * time.Millisecond}, impair.Path{Delay: 20 * time.Millisecond, Rate: bps, Buffer: h.queue}
}

// rate sets the path's rate for what comes from now on.
func (h *home) rate(bps int64) {
	h.t.Logf("%.2f s: %d kbit/s", time.Since(h.began).Seconds(), bps/1000)
	h.proxy.Set(h.paths(bps))
}

// pass lets d go by.
func (h *home) pass(d time.Duration) {
	select {
	case <-time.After(d):
	case <-h.t.Context().Done():
	}
}

// front returns the URL of a server that passes requests on to base, and in answers puts the port to where from stood.
func front(t *testing.T, base string, from, to uint16) string {
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) },
		ModifyResponse: func(a *http.Response) error {
			if a.StatusCode != http.StatusCreated {
				return nil
			}
			b, err := io.ReadAll(a.Body)
			if err != nil {
				return err
			}
			sdp := strings.ReplaceAll(string(b), fmt.Sprintf(" %d typ host", from), fmt.Sprintf(" %d typ host", to))
			a.Body, a.ContentLength = io.NopCloser(bytes.NewReader([]byte(sdp))), int64(len(sdp))
			a.Header.Set("Content-Length", strconv.Itoa(len(sdp)))
			return nil
		},
	})
	t.Cleanup(s.Close)
	return s.URL
}

// A spectator plays the stream and notes which layers it is shown.
type spectator struct {
	h        *home
	name     string
	arrivals load.Arrivals
	stop     func()

	mu      sync.Mutex
	newest  uint16
	picture uint16        // its number
	shown   int           // -1: nothing yet
	late    time.Duration // that it was on the way
	changes []change
	final   load.Report
}

// A change is from one layer to another.
type change struct {
	at       time.Time
	from, to int
}

// watch has one more spectator at home.
func (h *home) watch(name string) *spectator {
	s := &spectator{h: h, name: name, shown: -1}
	s.stop = h.mesh.Background(name, func(ctx context.Context) error {
		return load.Play(ctx, load.PlayConfig{URL: h.url, Packet: s.packet, Arrivals: &s.arrivals}, s.report, testmesh.Log(h.t))
	})
	return s
}

func (s *spectator) report(r load.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.final = r
}

// packet notes changes of the layer. What is resent or overtaken tells of the past.
func (s *spectator) packet(kind, _ string, p *rtp.Packet, at time.Time) {
	stamp, ok := load.ReadStamp(p.Payload)
	if kind != "video" || !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown >= 0 && int16(p.SequenceNumber-s.newest) <= 0 {
		return
	}
	picture := payload.VP8Picture(p.Payload).ID
	next := (picture - s.picture) & 0x7fff
	s.newest, s.picture, s.late = p.SequenceNumber, picture, at.Sub(stamp.At)
	if layer := int(stamp.Layer); layer != s.shown {
		if s.shown >= 0 {
			s.changes = append(s.changes, change{at, s.shown, layer})
			s.h.t.Logf("%.2f s: %s: layer %d to %d", time.Since(s.h.began).Seconds(), s.name, s.shown, layer)
			if s.h.whole && (next != 1 || !payload.VP8Keyframe(p.Payload)) {
				s.h.t.Errorf("%s: layer %d begins %d pictures after the last one, with a key frame: %v; want the next one, and true",
					s.name, layer, next, payload.VP8Keyframe(p.Payload))
			}
		}
		s.shown = layer
	}
}

// behind is how long the newest packet was on the way.
func (s *spectator) behind() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late
}

func (s *spectator) layer() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

// since returns the changes after from.
func (s *spectator) since(from time.Time) (all []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.changes {
		if c.at.After(from) {
			all = append(all, c)
		}
	}
	return all
}

// until waits for a layer that is ok, for d at most, and returns how long that took.
func (s *spectator) until(what string, d time.Duration, ok func(layer int) bool) time.Duration {
	s.h.t.Helper()
	from := time.Now()
	testmesh.Until(s.h.t, s.name+": "+what, d, func() bool { return ok(s.layer()) })
	return time.Since(from)
}

// smooth fails the test where the picture stood still for more than limit since from.
func (s *spectator) smooth(from time.Time, limit time.Duration) {
	s.h.t.Helper()
	gap, frames, ok := s.arrivals.Longest(stream.Video, from, time.Now())
	s.h.t.Logf("%s: %d pictures, longest gap %v", s.name, frames, gap)
	if !ok || gap > limit {
		s.h.t.Errorf("%s: longest gap between pictures %v (%d pictures), want at most %v", s.name, gap, frames, limit)
	}
}

// end stops s and holds it to have heard all but so many packets of sound.
func (s *spectator) end(lost int64) {
	s.h.t.Helper()
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	heard := false
	for _, track := range s.final.Tracks {
		s.h.t.Logf("%s: %s: %d packets, %d lost, %d repaired, %d damaged", s.name, track.Kind, track.Packets, track.Lost, track.Repaired, track.Damaged)
		if track.Kind == "audio" {
			heard = track.Packets > 100
			if track.Lost > lost {
				s.h.t.Errorf("%s: %d packets of sound lost, want at most %d", s.name, track.Lost, lost)
			}
		}
	}
	if !heard {
		s.h.t.Errorf("%s heard nothing", s.name)
	}
}

func top(layer int) bool { return layer == 2 }

// The lower layer is there within two seconds, a higher one again within eight, and neither picture nor sound stops.
func TestStepDownAndUp(t *testing.T) { stepDownAndUp(t, keyOnAsk) }

func TestStepDownAndUpWithKeyFrames(t *testing.T) {
	long(t)
	stepDownAndUp(t, keyOften)
}

func stepDownAndUp(t *testing.T, keyEvery int) {
	t.Helper()
	h := newHome(t, longQueue, keyEvery)
	h.whole = true
	s := h.watch("viewer")
	s.until("the top", testmesh.Patience, top)
	h.pass(3 * time.Second)
	stalled := stalls(t)
	begun := time.Now()

	h.rate(narrow)
	down := s.until("lower", testmesh.Patience, func(layer int) bool { return layer < 2 })
	h.pass(3*time.Second - down)
	if got := s.layer(); got != 0 {
		t.Errorf("layer %d at %d bit/s, want the lowest", got, narrow)
	}
	h.rate(wide)
	higher := s.until("higher", testmesh.Patience, func(layer int) bool { return layer > 0 })
	t.Logf("lower after %v, higher after %v", down, higher)
	slack := stalled()
	if down > 2*time.Second+slack || higher > 8*time.Second+slack {
		t.Errorf("lower after %v, higher after %v, want at most 2 s and 8 s", down, higher)
	}
	s.smooth(begun, 300*time.Millisecond+slack)
	if !testing.Short() {
		s.until("the top again", 20*time.Second, top)
	}
	s.end(0)
}

// Where the queue is short the picture stops, for its packets are dropped until the edge knows; sound hardly suffers.
func TestStepDownWithAShortQueue(t *testing.T) {
	long(t)
	h := newHome(t, shortQueue, keyOften)
	s := h.watch("viewer")
	s.until("the top", testmesh.Patience, top)
	h.pass(5 * time.Second)
	stalled := stalls(t)
	h.rate(narrow)
	down := s.until("lower", testmesh.Patience, func(layer int) bool { return layer < 2 })
	h.pass(5 * time.Second)
	t.Logf("lower after %v", down)
	if slack := stalled(); down > 1500*time.Millisecond+slack {
		t.Errorf("lower after %v, want at most 1.5 s", down)
	}
	if got := s.layer(); got != 0 {
		t.Errorf("layer %d at %d bit/s, want the lowest", got, narrow)
	}
	s.end(10)
}

// Loss in runs, as radio has it, for four seconds at a time: what is lost comes again, and the layer stays.
func TestBurstLossChangesNothing(t *testing.T) {
	long(t)
	h := newHome(t, longQueue, keyOften)
	s := h.watch("viewer")
	s.until("the top", testmesh.Patience, top)
	h.pass(5 * time.Second)
	begun := time.Now()
	for range 3 {
		up, down := h.paths(wide)
		down.Loss, down.Burst = 0.05, 5
		h.proxy.Set(up, down)
		h.pass(4 * time.Second)
		h.rate(wide)
		h.pass(4 * time.Second)
	}
	if c := s.since(begun); len(c) > 0 {
		t.Errorf("%d changes of the layer, want none", len(c))
	}
	if _, down := h.proxy.Stats(); down.Lost.Packets < 30 {
		t.Errorf("%d packets lost: nothing was shown", down.Lost.Packets)
	}
}

// Who joins where the last key frame is ten seconds old, over a path that takes little more than what is live, is live
// soon: the old group is given up for a new key frame.
func TestJoinOnANarrowPath(t *testing.T) {
	long(t)
	h := newHome(t, longQueue, keyOnAsk)
	narrow := h.url
	h.url = h.mesh.Last().URL + "/whep/" + testmesh.Stream
	first := h.watch("viewer beside it") // for whom the edge has all layers
	first.until("the top", testmesh.Patience, top)
	h.pass(10 * time.Second)
	h.url = narrow
	s := h.watch("viewer")
	s.until("a picture", testmesh.Patience, func(layer int) bool { return layer >= 0 })
	stalled := stalls(t)
	begun := time.Now()
	live := s.until("live", 10*time.Second, func(int) bool { return s.behind() < 300*time.Millisecond })
	t.Logf("live %v after the first picture", live)
	if slack := stalled(); live > 3*time.Second+slack {
		t.Errorf("live %v after the first picture, want at most 3 s", live)
	}
	h.pass(5 * time.Second)
	if c := s.since(begun); len(c) > 2 {
		t.Errorf("%d changes of the layer, want at most two", len(c))
	}
	if layer := s.layer(); layer == 0 {
		t.Error("the lowest layer, where the path takes the highest")
	}
	s.end(0)
	first.stop()
}

// lte is a path's rate in kbit/s, one figure for each half second, as of somebody on a train.
var lte = []int64{
	2500, 2400, 2100, 1900, 1500, 1200, 900, 700, 600, 450, 400, 380, 420, 500, 700, 1100, 1600, 2000, 2300, 2500,
	2600, 2500, 2400, 1000, 500, 300, 280, 350, 600, 1200, 1900, 2600, 2800, 2700, 2500, 2600, 1800, 2400, 2600, 2200,
	1700, 1300, 1400, 1300, 1100, 1000, 900, 1000, 900, 800, 700, 750, 800, 900, 1000, 1200, 1500, 1800, 2200, 2500,
}

func TestTraceOfAMobileNetwork(t *testing.T) {
	long(t)
	h := newHome(t, longQueue, keyOften)
	s := h.watch("viewer")
	s.until("the top", testmesh.Patience, top)
	h.pass(3 * time.Second)
	stalled := stalls(t)
	begun := time.Now()
	for _, kbps := range lte {
		h.rate(kbps * 1000)
		h.pass(500 * time.Millisecond)
	}
	if changes := s.since(begun); len(changes) < 2 || len(changes) > 8 {
		t.Errorf("%d changes of the layer, want 2 to 8: %v", len(changes), changes)
	}
	// A picture of the middle layer takes a sixth of a second where the path is narrowest.
	s.smooth(begun, 500*time.Millisecond+stalled())
	s.end(0)
}

// Two viewers whom the path carries at the top and in the middle: they do not bring one another down to the lowest, nor
// to and fro.
func TestTwoBehindOneAddress(t *testing.T) {
	long(t)
	h := newHome(t, longQueue, keyOften)
	both := []*spectator{h.watch("first"), h.watch("second")}
	begun := time.Now()
	h.pass(20 * time.Second)
	settled := time.Now()
	h.pass(20 * time.Second)
	best := 0
	for _, s := range both {
		all, late := len(s.since(begun)), len(s.since(settled))
		t.Logf("%s: %d changes, %d of them after 20 s, layer %d at last", s.name, all, late, s.layer())
		if all > 8 || late > 4 {
			t.Errorf("%s: %d changes in 40 s, %d after 20 s, want at most 8 and 4", s.name, all, late)
		}
		best = max(best, s.layer())
		s.end(0)
	}
	if best == 0 {
		t.Error("both are at the lowest layer, and the path carries seven times that")
	}
}

// long skips what takes half a minute and more, and has the rest of that wait for one another, not in turn.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes half a minute and more")
	}
	t.Parallel()
}
