package relay

import (
	"fmt"
	"runtime"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
)

// Fifty nodes take one layer of 0.25 Mbit/s and sound, which two cores can send and receive fifty times.
const (
	fanNodes  = 50
	fanSlow   = "slow"
	fanRate   = 64_000 // bit/s on the slow path: a fifth of what it is to carry
	fanPhase  = 10 * time.Second
	fanPhases = 6 // without, with, without, …: what else the machine does falls on both
	fanWorse  = 1.1
	fanNoise  = .05     // ms: what a p99 of some tenths of a millisecond may move by itself
	fanHeap   = 8 << 20 // bytes a slow node may cost
)

func fanRow() stand.Row {
	return stand.Row{
		ID: "fanout-50", Run: runFan,
		About: fmt.Sprintf("%d nodes below one, one of them on a path of %d kbit/s half of the time", fanNodes, fanRate/1000),
	}
}

// runFan compares how the 49 others fare while the slow path is slow and while it is not.
func runFan(b *stand.Bench) []*report.Result {
	cfg := load.Simulcast()
	cfg.Layers = cfg.Layers[:1]
	cfg.Layers[0].RID = ""
	var top testmesh.Topology
	for i := range fanNodes - 1 {
		top.Edges = append(top.Edges, testmesh.Edge{Name: fmt.Sprintf("edge-%d", i+1)})
	}
	top.Edges = append(top.Edges, testmesh.Edge{Name: fanSlow})
	l := newLab(b, top, impair.Path{}, cfg, fanSlow)
	var at []*arrivals
	for _, n := range l.Edges {
		lease, err := n.Relay.Pull(b.Context(), testmesh.Stream)
		if err != nil {
			b.Fatalf("%s: %v", n.Name, err)
		}
		b.Cleanup(lease.Release)
		at = append(at, l.watch(n))
	}
	for _, n := range l.Edges {
		l.waitLive(n)
	}
	b.During(warm, "begin")

	sent, proxy := l.rings[testmesh.Origin], l.paths[fanSlow+" "+testmesh.Origin]
	var clear, slow, slowest passage // of the 49 without and with the slow one, of the slow one
	var own passage                  // of the origin's own rings while the slow one is slow: the writer
	var heap, grew float64           // after a clear phase, and how much more after the slow one that followed
	phase := min(b.Length(fanPhase), time.Minute)
	for i := range fanPhases {
		into, path := &clear, impair.Path{}
		if i%2 == 1 {
			into, path = &slow, impair.Path{Rate: fanRate}
		}
		proxy.Set(impair.Path{}, path)
		b.During(time.Second, "change")
		from := sent.mark()
		b.During(phase, fmt.Sprintf("phase %d of %d", i+1, fanPhases))
		to := sent.mark()
		if i%2 == 1 {
			slowest.join(sent.passed(at[fanNodes-1], from, to))
			own.join(sent.passed(sent, from, to))
		}
		if i%2 == 0 {
			heap = liveHeap()
		} else {
			grew = max(grew, liveHeap()-heap)
		}
		b.During(500*time.Millisecond, "settle")
		for _, a := range at[:fanNodes-1] {
			into.join(sent.between(a, from, to))
		}
	}
	r := &report.Result{ID: "fanout-50", Target: fmt.Sprintf("p99 of the 49 others within %.0f %% of what it is without, all delivered, memory bounded", 100*(fanWorse-1))}
	r.Set("n", slow.sent)
	r.Set("rate_bps", fanRate)
	r.Set("without_p50_ms", report.MS(clear.at(.5)))
	r.Set("without_p99_ms", report.MS(clear.at(.99)))
	r.Set("p50_ms", report.MS(slow.at(.5)))
	r.AtMost("p99_ms", report.MS(slow.at(.99)), max(report.MS(clear.at(.99))*fanWorse, report.MS(clear.at(.99))+fanNoise))
	r.Set("max_ms", report.MS(slow.at(1)))
	r.AtLeast("without_delivered", clear.delivered(), 1)
	r.AtLeast("delivered", slow.delivered(), 1)
	r.Set("slow_delivered", slowest.delivered())
	r.Want(slowest.delivered() < 1, "the slow path was not slow")
	r.Set("writer_p99_ms", report.MS(own.at(.99)))
	r.AtMost("heap_grew_bytes", grew, fanHeap)
	return []*report.Result{r}
}

// join adds what other came to.
func (p *passage) join(other *passage) {
	p.sent, p.there, p.ages, p.order = p.sent+other.sent, p.there+other.there, append(p.ages, other.ages...), false
}

// liveHeap returns what this process keeps in memory.
func liveHeap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
