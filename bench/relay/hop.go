package relay

import (
	"fmt"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// What a hop may add where the path adds nothing.
const (
	hopMedian = .3 // ms
	hopP99    = 2.
)

func hopRow() row {
	return row{id: "hop-rtt-0", about: "two hops on loopback, without a proxy: what each adds", run: runHop}
}

// runHop measures from ring to ring, so that what publisher and origin take is not in it.
func runHop(b *bench) []*Result {
	l := newLab(b, testmesh.Chain(2), impair.Path{}, load.Simulcast(), "none")
	hops := []*arrivals{l.rings[testmesh.Origin], l.watch(l.Edges[0]), l.watch(l.Edges[1])}
	seen := l.viewer(l.Last())
	l.waitLive(l.Last())
	b.during(warm, "begin")
	length := b.length(30 * time.Second)
	from := hops[0].mark()
	b.during(length, "hop-rtt-0")
	to := hops[0].mark()
	l.settle(0)

	r := &Result{ID: "hop-rtt-0", Target: fmt.Sprintf("each hop adds p50 %g ms, p99 %g ms at most", hopMedian, hopP99)}
	all := hops[0].passed(hops[2], from, to)
	r.set("seconds", length.Seconds())
	r.set("n", all.sent)
	r.atLeast("delivered", all.delivered(), 1)
	for i := range 2 {
		hop := hops[i].between(hops[i+1], from, to)
		name := fmt.Sprintf("hop_%d_", i+1)
		r.atMost(name+"p50_ms", ms(hop.at(.5)), hopMedian)
		r.atMost(name+"p99_ms", ms(hop.at(.99)), hopP99)
		r.set(name+"max_ms", ms(hop.at(1)))
	}
	both := hops[0].between(hops[2], from, to)
	r.set("both_p50_ms", ms(both.at(.5)))
	r.set("both_p99_ms", ms(both.at(.99)))
	whole := hops[0].between(seen, from, to)
	r.set("viewer_p50_ms", ms(whole.at(.5)))
	r.set("viewer_p99_ms", ms(whole.at(.99)))
	r.want(all.sent > 0, "nothing was sent")
	return []*Result{r}
}
