package proof_test

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/bench/load"
	"freshet/bench/testmesh"
	"freshet/cluster/ring"
)

// arrivals notes when packets came, by the count in their stamps.
type arrivals struct {
	mu sync.Mutex
	at map[uint64]time.Time
}

func newArrivals() *arrivals { return &arrivals{at: map[uint64]time.Time{}} }

func (a *arrivals) note(payload []byte, at time.Time) {
	if s, ok := load.ReadStamp(payload); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.at[s.Count] = at
	}
}

// Wake notes a packet that was written to a ring.
func (a *arrivals) Wake(_ *ring.Ring, p *ring.Packet) { a.note(p.Payload(), p.At) }

// since returns how much later than in a packets came in b.
func (a *arrivals) since(b *arrivals) sample {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	var s sample
	for n, at := range a.at {
		if in, ok := b.at[n]; ok {
			s = append(s, at.Sub(in))
		}
	}
	return s
}

// The mesh adds at most 1 ms at the median and 5 ms at the 99th percentile over two hops. A packet goes in
// when the origin has it in its ring; it is out, at the latest, when a viewer's WebRTC stack hands it on, so
// the edge's wait, its sealing, the kernel and the viewer's own reading are in the figure. Each picture of
// the publisher leaves in one burst.
func TestLatency(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	m.Publish(load.RawConfig{Rate: 30})
	duration := 20 * time.Second
	if testing.Short() {
		duration = 4 * time.Second
	}

	in, edge, out := newArrivals(), newArrivals(), newArrivals()
	defer m.Origin.WaitLive(testmesh.Stream).Flows[0].Ring.Watch(in)()
	watched := make(chan struct{})
	m.Background("watcher of the last edge", watchRing(m, edge, watched))
	joined := time.Now()
	err := load.Play(t.Context(), load.PlayConfig{
		URL: m.Last().WHEP(testmesh.Stream), For: duration,
		Packet: func(_, _ string, p *rtp.Packet, at time.Time) {
			if time.Since(joined) > 3*time.Second { // what came before is the cached group
				out.note(p.Payload, at)
			}
		},
	}, nil, testmesh.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	<-watched

	hops := edge.since(in)
	whole := out.since(in)
	if len(whole) < 60 {
		t.Fatalf("only %d packets were seen at both ends", len(whole))
	}
	hops.log(t, "origin's ring to last edge's ring")
	whole.log(t, "origin's ring to the viewer")
	t.Logf("edge's own wait for the picture's end: mean %.3f ms; with sealing and sending: mean %.3f ms",
		mean(t, m.Last(), "freshet_egress_frame_wait_seconds")*1000, mean(t, m.Last(), "freshet_egress_wait_seconds")*1000)
	held(t, "median from the origin to the viewer", whole.at(50), time.Millisecond)
	held(t, "99th percentile from the origin to the viewer", whole.at(99), 5*time.Millisecond)
}
