package proof_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// A viewing is what one viewer saw of its first seconds.
type viewing struct {
	mu      sync.Mutex
	first   time.Time // its first packet of video
	last    time.Time // its newest
	gap     time.Duration
	behind  time.Duration // at least, of the packets that came after catchUp: how late behind the publisher
	started bool
}

// catchUp is when a viewer must have caught up with those who were there before.
const catchUp = 3 * time.Second

func (v *viewing) packet(kind, _ string, p *rtp.Packet, at time.Time) {
	s, ok := load.ReadStamp(p.Payload)
	if kind != "video" || !ok {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.started {
		v.started, v.first, v.last = true, at, at
	}
	v.gap = max(v.gap, at.Sub(v.last))
	v.last = at
	if late := at.Sub(s.At); at.Sub(v.first) > catchUp && (v.behind == 0 || late < v.behind) {
		v.behind = late
	}
}

// A publisher that sends a key frame only every ten seconds, with some of the first group there.
func slowKeys(t *testing.T, m *testmesh.Mesh) *load.Raw {
	raw, _ := m.Publish(load.RawConfig{Rate: 30, KeyEvery: 300, KeyOnAsk: true, Audio: true, Layers: []load.RawLayer{{Packets: 2, Size: 500}}})
	testmesh.Until(t, "a second of the first group", testmesh.Patience, func() bool { return raw.Stats().Layers[0].Pictures > 30 })
	return raw
}

// However many viewers come between two key frames, the publisher is asked for none.
func TestJoinsAskNothing(t *testing.T) {
	viewers, over := 200, 8*time.Second
	if testing.Short() {
		viewers, over = 20, 4*time.Second
	}
	m := testmesh.New(t, testmesh.Chain(2))
	raw := slowKeys(t, m)
	worst := stalls(t)
	asked := requests(raw)
	var first sample
	var mu sync.Mutex
	var wg sync.WaitGroup
	tick := time.NewTicker(over / time.Duration(viewers))
	defer tick.Stop()
	for i := range viewers {
		<-tick.C
		wg.Go(func() {
			cfg := load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream), For: testmesh.Patience}
			ctx, seen := context.WithCancel(t.Context())
			defer seen()
			err := load.Play(ctx, cfg, func(r load.Report) {
				if r.FirstFrame > 0 && r.Elapsed > r.FirstFrame+catchUp {
					seen()
				}
				if r.Final && r.FirstFrame > 0 {
					mu.Lock()
					defer mu.Unlock()
					first = append(first, r.FirstFrame)
				}
			}, testmesh.Log(t))
			if err != nil {
				t.Errorf("viewer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	first.log(t, "click to first whole key frame")
	if len(first) != viewers {
		t.Errorf("%d of %d viewers saw a picture", len(first), viewers)
	}
	got, given := requests(raw)-asked, m.Last().Metric("freshet_egress_catch_ups_given_up_total")
	switch stalled := worst(); {
	case got == 0:
	case given > 0 && stalled > starved:
		// A viewer that does not get to run looks like one behind a narrow path, who is given a new key frame.
		t.Logf("the machine did not let this process run for %v, and %v viewers could not take a cached group: %d key frames asked for", stalled, given, got)
	default:
		t.Errorf("the publisher was asked for %d key frames by %d joins, want none", got, viewers)
	}
}

// A viewer who comes in the middle of a group sees a picture at once, that moves, and is live within 3 s.
func TestJoin(t *testing.T) {
	viewers := 20
	if testing.Short() {
		viewers = 4
	}
	m := testmesh.New(t, testmesh.Chain(2))
	slowKeys(t, m)
	var first, gap, behind sample
	for i := range viewers {
		v := &viewing{}
		cfg := load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream), For: catchUp + time.Second, Packet: v.packet}
		err := load.Play(t.Context(), cfg, func(r load.Report) {
			if r.Final {
				first = append(first, r.FirstFrame)
			}
		}, testmesh.Log(t))
		if err != nil {
			t.Fatalf("viewer %d: %v", i, err)
		}
		if !v.started || v.behind == 0 || first[i] == 0 {
			t.Fatalf("viewer %d saw nothing, or nothing after %v", i, catchUp)
		}
		gap, behind = append(gap, v.gap), append(behind, v.behind)
	}
	first.log(t, "click to first whole key frame")
	gap.log(t, "longest gap")
	behind.log(t, "behind the publisher after 3 s")
	held(t, "median of the first picture", first.at(50), 300*time.Millisecond)
	held(t, "slowest first picture", first.at(100), 600*time.Millisecond)
	held(t, "longest gap", gap.at(100), 300*time.Millisecond)
	held(t, "furthest behind after 3 s", behind.at(100), 500*time.Millisecond)
}

// requests returns how many key frames the publisher was asked for.
func requests(raw *load.Raw) int64 {
	s := raw.Stats()
	return s.Layers[0].PLI + s.Layers[0].FIR
}
