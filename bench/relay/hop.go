package relay

import (
	"fmt"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
)

// What a hop may add where the path adds nothing.
const (
	hopMedian = .3 // ms
	hopP99    = 2.
)

func hopRow() stand.Row {
	return stand.Row{ID: "hop-rtt-0", About: "two hops on loopback, without a proxy: what each adds", Run: runHop}
}

// runHop measures from ring to ring, so that what publisher and origin take is not in it.
func runHop(b *stand.Bench) []*report.Result {
	l := newLab(b, testmesh.Chain(2), impair.Path{}, load.Simulcast(), "none")
	hops := []*arrivals{l.rings[testmesh.Origin], l.watch(l.Edges[0]), l.watch(l.Edges[1])}
	seen := l.viewer(l.Last())
	l.waitLive(l.Last())
	b.During(warm, "begin")
	length := b.Length(30 * time.Second)
	from := hops[0].mark()
	b.During(length, "hop-rtt-0")
	to := hops[0].mark()
	l.settle(0)

	r := &report.Result{ID: "hop-rtt-0", Target: fmt.Sprintf("each hop adds p50 %g ms, p99 %g ms at most", hopMedian, hopP99)}
	all := hops[0].passed(hops[2], from, to)
	r.Set("seconds", length.Seconds())
	r.Set("n", all.sent)
	r.AtLeast("delivered", all.delivered(), 1)
	for i := range 2 {
		hop := hops[i].between(hops[i+1], from, to)
		name := fmt.Sprintf("hop_%d_", i+1)
		r.AtMost(name+"p50_ms", report.MS(hop.at(.5)), hopMedian)
		r.AtMost(name+"p99_ms", report.MS(hop.at(.99)), hopP99)
		r.Set(name+"max_ms", report.MS(hop.at(1)))
	}
	both := hops[0].between(hops[2], from, to)
	r.Set("both_p50_ms", report.MS(both.at(.5)))
	r.Set("both_p99_ms", report.MS(both.at(.99)))
	whole := hops[0].between(seen, from, to)
	r.Set("viewer_p50_ms", report.MS(whole.at(.5)))
	r.Set("viewer_p99_ms", report.MS(whole.at(.99)))
	r.Want(all.sent > 0, "nothing was sent")
	return []*report.Result{r}
}
