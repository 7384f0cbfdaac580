package relay

import (
	"slices"
	"testing"
	"time"
)

// hopDelays sends frames of n packets through origin, hub and edge and returns how long each packet took.
func hopDelays(t testing.TB, frames, n int, every time.Duration) []time.Duration {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	p := publish(origin, "a", 1, videoFormat)
	l := pullNow(t, edge, "a")
	defer l.Release()
	sent, came := record(p.Flows[0]), record(l.Stream().Flows[0])
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range frames {
		<-tick.C
		write(p.Flows[0], i*n, i*n+n, 60*n)
	}
	eventually(t, "there", func() bool { return came.len() == frames*n })
	var delays []time.Duration
	for i := range frames * n {
		delays = append(delays, came.at[i].Sub(sent.at[i]))
	}
	slices.Sort(delays)
	return delays
}

// Two hops add little to a packet's way. The bound is far above what an idle machine shows; the
// benchmark has the figures.
func TestLatency(t *testing.T) {
	d := hopDelays(t, 60, 2, 5*time.Millisecond)
	p50, p99 := d[len(d)/2], d[len(d)*99/100]
	t.Logf("two hops: p50 %v, p99 %v, max %v", p50, p99, d[len(d)-1])
	if p50 > 20*time.Millisecond {
		t.Errorf("p50 is %v", p50)
	}
}

// BenchmarkTwoHops reports the time from the origin's ring to the edge's, over two hops of real QUIC:
// 200 frames of 3 packets, 30 a second.
func BenchmarkTwoHops(b *testing.B) {
	for b.Loop() {
		d := hopDelays(b, 200, 3, 33*time.Millisecond)
		b.ReportMetric(float64(d[len(d)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(d[len(d)*99/100].Microseconds()), "p99-µs")
		b.ReportMetric(float64(d[len(d)-1].Microseconds()), "max-µs")
	}
}
