package edge_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/bench/load"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

// Viewers who look at the lowest layer leave the others on the origin; for who goes up the layer comes
// through two hops without a freeze; and each can say how its stream comes.
func TestPhonesLeaveTheLinkEmpty(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	m.Publish(load.Simulcast())
	choice := make(chan string, 1)
	choice <- "q"
	var arrivals load.Arrivals
	var mu sync.Mutex
	shown, path := 0, 0
	m.Background("viewer", func(ctx context.Context) error {
		return load.Play(ctx, load.PlayConfig{
			URL: m.Last().WHEP(testmesh.Stream), Layer: choice, Arrivals: &arrivals, Stats: true,
			Packet: func(kind, _ string, p *rtp.Packet, _ time.Time) {
				if s, ok := load.ReadStamp(p.Payload); ok && kind == "video" {
					mu.Lock()
					shown = int(s.Layer)
					mu.Unlock()
				}
			},
		}, func(r load.Report) {
			mu.Lock()
			defer mu.Unlock()
			if r.Path != nil {
				path = len(r.Path.Hops)
			}
		}, testmesh.Log(t))
	})
	sees := func(layer int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return shown == layer
		}
	}
	worst := stalls(t)
	freeze := 200 * time.Millisecond
	if testing.Short() {
		freeze = time.Second // other packages' tests share the cores; the next key frame is up to 2 s away
	}
	edge := m.Last().WaitLive(testmesh.Stream)
	brings := func() (bytes [3]int64) {
		for i, rid := range []string{"q", "h", "f"} {
			for _, f := range edge.Flows {
				if f.Format.Kind == stream.Video && f.Format.RID == rid {
					bytes[i] = f.Bytes()
				}
			}
		}
		return bytes
	}
	testmesh.Until(t, "the lowest layer", testmesh.Patience, sees(0))
	// 3 s of want, and 5 s that the relay carries a layer longer; a second later nothing may have come.
	last, since := brings(), time.Now()
	testmesh.Until(t, "the link without upper layers", 20*time.Second, func() bool {
		now := brings()
		if now[1] != last[1] || now[2] != last[2] {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second && now[0] > last[0]
	})
	testmesh.Until(t, "statistics of two hops", testmesh.Patience, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return path == 2
	})
	for i, rid := range []string{"f", "h", "q", "f"} {
		from := time.Now()
		choice <- rid
		testmesh.Until(t, "layer "+rid, testmesh.Patience, sees([]int{2, 1, 0, 2}[i]))
		t.Logf("%s after %v", rid, time.Since(from))
		gap, _, ok := arrivals.Longest(stream.Video, from, time.Now())
		if !ok || gap > freeze+worst() {
			t.Errorf("to %s: gap of %v (known: %v), want at most %v", rid, gap, ok, freeze)
		}
	}
	if edge.Err() != nil {
		t.Errorf("the stream went on as another: %v", edge.Err())
	}
}
