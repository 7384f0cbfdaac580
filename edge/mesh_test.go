package edge_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"freshet/cluster/stream"
	"freshet/edge"
	"freshet/proto/problem"
	"freshet/proto/rtpq"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mesh is all that stands behind an edge in these tests: streams by id, without a relay.
type mesh struct {
	mu      sync.Mutex
	streams map[string]*stream.Stream
	changed chan struct{}
	errs    map[string]error
	leases  int
}

func newMesh() *mesh {
	return &mesh{streams: map[string]*stream.Stream{}, changed: make(chan struct{}), errs: map[string]error{}}
}

func (m *mesh) put(s *stream.Stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.streams[s.ID]; old != nil {
		old.End(stream.ErrNewEpoch)
	}
	m.streams[s.ID] = s
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *mesh) Pull(ctx context.Context, id string) (edge.Lease, error) {
	for {
		m.mu.Lock()
		s, err, changed := m.streams[id], m.errs[id], m.changed
		if s != nil {
			m.leases++
		}
		m.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if s != nil {
			return &lease{m: m, id: id}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (m *mesh) held() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leases
}

type lease struct {
	m  *mesh
	id string
}

func (l *lease) Stream() *stream.Stream {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.m.streams[l.id]
}

func (l *lease) Changed() <-chan struct{} {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return l.m.changed
}

// Route is made up: two hops, the second with every count different.
func (l *lease) Route() []stream.Hop {
	return []stream.Hop{
		{Node: "edge-0", Upstream: "origin-1", RTT: 1500 * time.Microsecond, Received: 1000},
		{
			Node: "edge-1", Upstream: "edge-0", RTT: 80 * time.Millisecond, Received: 999, Lost: 21, RepairedBelow: 20, Missing: 5,
			Repaired: 4, Gone: 1, Late: 3, Shed: 2, RoomBPS: 4_000_000, RateBPS: 3_500_000, Switches: 6,
		},
	}
}

func (l *lease) Release() {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.leases--
}

// access lets everyone in but for what it is told.
type access struct{}

func (access) CheckViewer(id, bearer string, _ time.Time) (string, error) {
	if id == "closed" && bearer == "" {
		return "", problem.New(401, "unauthorized", "Unauthorized", "a token is needed")
	}
	return "", nil
}

// rig is an edge with its mesh, and a server in front.
type rig struct {
	*edge.Edge
	mesh *mesh
	http *httptest.Server
	reg  *prometheus.Registry
}

func newRig(t testing.TB, media string) *rig {
	t.Helper()
	return newRigOf(t, edge.Config{Node: "edge-1", Media: media, Shards: 2})
}

func newRigOf(t testing.TB, cfg edge.Config) *rig {
	t.Helper()
	return newRigFor(t, cfg, access{})
}

func newRigFor(t testing.TB, cfg edge.Config, viewers edge.Access) *rig {
	t.Helper()
	r := &rig{mesh: newMesh(), reg: prometheus.NewRegistry()}
	e, err := edge.New(cfg,
		edge.Deps{Log: slog.New(slog.DiscardHandler), Metrics: r.reg, Access: viewers, Puller: r.mesh})
	if err != nil {
		t.Fatal(err)
	}
	r.Edge = e
	r.http = httptest.NewServer(e.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		r.http.Close()
		if n := r.mesh.held(); n != 0 {
			t.Errorf("%d leases are held after the end", n)
		}
	})
	return r
}

// metric returns the sum of a metric over all labels; for a histogram its count.
func (r *rig) metric(t testing.TB, name string) (sum float64) {
	t.Helper()
	all, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// publisher writes a stream as the relay would: VP8 in one or more layers and Opus.
type publisher struct {
	s      *stream.Stream
	layers []*layerWriter
	opus   *layerWriter
	start  time.Time
	asks   chan int // flows asked for a key frame
	frame  int
}

type layerWriter struct {
	flow *stream.Flow
	seq  uint16
	size int // packets a frame
}

const (
	fps         = 30
	frameHeader = 10 // descriptor, frame tag, frame number, packet, packets
)

func newPublisher(id string, epoch uint64, rids ...string) *publisher {
	p := &publisher{asks: make(chan int, 64)}
	var formats []stream.Format
	vp8 := stream.Codec{Name: "VP8", ClockRate: 90000}
	for i, rid := range rids {
		formats = append(formats, stream.Format{Track: "v", Kind: stream.Video, RID: rid, Rank: i, Codec: vp8})
	}
	formats = append(formats, stream.Format{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}})
	p.s = stream.New(id, epoch, nil, formats, func(f *stream.Flow) {
		select {
		case p.asks <- f.Index:
		default:
		}
	})
	for i, f := range p.s.Flows {
		w := &layerWriter{flow: f, seq: uint16(65500 + 100*i), size: 2 + i}
		if f.Format.Kind == stream.Audio {
			p.opus = w
		} else {
			p.layers = append(p.layers, w)
		}
	}
	return p
}

// video writes one frame of all layers; lost says which packets of it never come.
func (p *publisher) video(now time.Time, key bool, lost func(packet int) bool) {
	for i, w := range p.layers {
		ts := uint32(p.frame) * 90000 / fps
		w.flow.SetClock(stream.Clock{RTP: ts, At: p.at(p.frame)})
		for n := range w.size {
			b := make([]byte, frameHeader, 900+frameHeader-n)
			if n == 0 {
				b[0] = 0x10
			}
			if !key || n > 0 {
				b[1] = 1
			}
			binary.BigEndian.PutUint32(b[2:], uint32(p.frame))
			b[6], b[7], b[8] = byte(n), byte(w.size), byte(i)
			if key {
				b[9] = 1
			}
			b = b[:cap(b)]
			if lost == nil || !lost(n) {
				w.write(b, ts, rtpq.TypeVideo, n == w.size-1, now)
			}
			w.seq++
		}
	}
	p.frame++
}

func (p *publisher) at(frame int) time.Time {
	return p.start.Add(time.Duration(frame) * time.Second / fps)
}

// audio writes one packet of 20 ms.
func (p *publisher) audio(n int, now time.Time) {
	ts := uint32(n) * 960
	p.opus.flow.SetClock(stream.Clock{RTP: ts, At: p.start.Add(time.Duration(n) * 20 * time.Millisecond)})
	b := make([]byte, 80)
	binary.BigEndian.PutUint32(b, uint32(n))
	p.opus.write(b, ts, rtpq.TypeOpus, false, now)
	p.opus.seq++
}

func (w *layerWriter) write(payload []byte, ts uint32, typ uint8, marker bool, now time.Time) {
	b, err := (&rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: typ, SequenceNumber: w.seq, Timestamp: ts, SSRC: 7, Marker: marker},
		Payload: payload,
	}).Marshal()
	if err == nil {
		_, err = w.flow.Write(b, now)
	}
	if err != nil {
		panic(err) // our own bytes
	}
}

// cache fills the rings with d of media that ends now, in one group.
func (p *publisher) cache(d time.Duration) {
	now := time.Now()
	p.start = now.Add(-d)
	for p.frame < int(d*fps/time.Second) {
		at := p.at(p.frame)
		p.video(at, p.frame == 0, nil)
	}
	for n := range int(d / (20 * time.Millisecond)) {
		p.audio(n, p.start.Add(time.Duration(n)*20*time.Millisecond))
	}
}

// run goes on live, with a key frame every so many frames, until the test ends or stop is called.
func (p *publisher) run(t testing.TB, keyEvery int) (stop func()) {
	if p.start.IsZero() {
		p.start = time.Now()
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		audio := int(time.Since(p.start) / (20 * time.Millisecond))
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			now := time.Now()
			for !p.at(p.frame).After(now) {
				p.video(now, p.frame%keyEvery == 0, nil)
			}
			for ; !p.start.Add(time.Duration(audio) * 20 * time.Millisecond).After(now); audio++ {
				p.audio(audio, now)
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(quit); <-done })
	t.Cleanup(stop)
	return stop
}

// stalls finds out how long the machine keeps this process from running: what a viewer measures on a
// busy machine is its edge's doing only beyond that.
func stalls(t testing.TB) (worst func() time.Duration) {
	quit, done := make(chan struct{}), make(chan struct{})
	var most time.Duration
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				now := time.Now()
				most, last = max(most, now.Sub(last)-5*time.Millisecond), now
			}
		}
	}()
	stop := sync.OnceFunc(func() { close(quit); <-done })
	t.Cleanup(stop)
	return func() time.Duration {
		stop()
		if most > 50*time.Millisecond {
			t.Logf("the machine stalled for %v: bounds are wider by twice that", most)
		}
		return 2 * most // the publisher's side and the viewer's
	}
}
