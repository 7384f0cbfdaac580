package egress

import (
	"fmt"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
)

const (
	decodedViewers = 500
	decodedFor     = 30 * time.Second
	decodedWindows = 5
	decodedLate    = 20. // ms: p99 of what a frame waits at the edge
)

// A decoded is how many viewers watch everything.
type decoded struct {
	viewers int
	settle  time.Duration // of viewers who have joined; 0: as long as load takes
}

func decodedRow() stand.Row {
	return stand.Row{
		ID: "decoded", Gives: []string{"decoded-lost", "decoded-wait-p99", "decoded-delay-p99"},
		About: fmt.Sprintf("%d real sessions that open and check all they get: wait is from a frame's first packet at the edge until its last one is with the kernel, for all who watch; delay is from the publisher's stamp until a viewer has read it, the viewers' own queue included", decodedViewers),
		Run:   decoded{viewers: decodedViewers}.run,
	}
}

// run has them watch. The edge's own clock says what it adds; what viewers see is told
// beside it, for their queue is this machine's and not the edge's.
func (d decoded) run(b *stand.Bench) []*report.Result {
	m := newRoomyMesh(b)
	each := b.Length(decodedFor) / decodedWindows
	c := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: d.viewers, Ramp: edgeRamp, Settle: d.settle, Mode: load.ModeLean, Slice: each})
	const waited = "freshet_egress_wait_seconds"
	begun := b.Scrape(m.edge.URL)
	was := begun
	used, at := m.edge.CPU(), time.Now()
	var waits []float64
	for range decodedWindows {
		b.During(each, fmt.Sprintf("%d viewers", d.viewers))
		is := b.Scrape(m.edge.URL)
		waits = append(waits, 1e3*is.Since(was).Quantile(waited, .99))
		was = is
	}
	took := (m.edge.CPU() - used).Seconds() / time.Since(at).Seconds()
	whole := was.Since(begun)
	seen := c.leave()

	lost := report.GoalAtMost("decoded-lost", "packets", float64(seen.Lost), 0)
	lost.Set("viewers", d.viewers)
	lost.AtMost("failed", float64(seen.Failed), 0)
	if seen.Failed > 0 {
		lost.Set("why", reasons(seen.Failures))
	}
	lost.AtMost("freezes", float64(seen.Steady.Freezes), 0)
	lost.Set("packets", int(seen.Packets))
	lost.Set("frames", int(seen.Frames))
	lost.Set("no_room_at_viewers", int(seen.Dropped)) // of this program's sockets: it was too slow
	lost.AtMost("edge_dropped", whole.Sum("freshet_egress_dropped_packets_total"), 0)

	wait := report.GoalAtMost("decoded-wait-p99", "ms", report.Round(1e3*whole.Quantile(waited, .99), 3), decodedLate)
	wait.Repeats("value", waits...)
	wait.Set("p50_ms", report.Round(1e3*whole.Quantile(waited, .5), 3))
	wait.Set("batches", int(whole.Sum(waited+"_count")))
	wait.Set("edge_cores", report.Round(took, 3))

	var delays []float64
	for _, s := range seen.Slices {
		if s.Delay.N > 0 {
			delays = append(delays, s.Delay.P99)
		}
	}
	if len(delays) == 0 {
		b.Fatal("no packet with a stamp came")
	}
	delay := figure("decoded-delay-p99", "ms", delays)
	if seen.Delay != nil {
		delay.Set("p50_ms", report.Round(seen.Delay.P50, 3))
		delay.Set("max_ms", report.Round(seen.Delay.Max, 3))
	}
	return []*report.Result{lost, wait, delay}
}
