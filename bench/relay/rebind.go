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

// A rebinding gives a downstream node another address in mid-stream, as a NAT does that forgot it.
const (
	rebindings  = 5
	rebindEvery = 4 * time.Second
	rebindLate  = 500 // ms: what was on its way to the old address is lost, and asked for by number
)

func rebindRow() stand.Row {
	return stand.Row{ID: "rebind-rtt-50", About: fmt.Sprintf("one hop of 50ms, 2 %% lost, whose lower end changes its address %d times", rebindings), Run: runRebind}
}

func runRebind(b *stand.Bench) []*report.Result {
	path := impair.Path{Delay: 25 * time.Millisecond, Loss: .02}
	l := newLab(b, testmesh.Chain(1), path, load.Simulcast())
	last := l.Last()
	at := l.watch(last)
	l.viewer(last)
	l.waitLive(last)
	b.During(warm, "begin")

	sent, proxy := l.rings[testmesh.Origin], l.paths["edge-1 "+testmesh.Origin]
	losses := func() float64 { return b.Scrape(last.URL).Sum("freshet_relay_upstream_losses_total") }
	before, from := losses(), sent.mark()
	for range rebindings {
		proxy.Rebind()
		b.During(rebindEvery, "rebound")
	}
	to := sent.mark()
	l.settle(2 * path.Delay)

	r := &report.Result{ID: "rebind-rtt-50", Target: fmt.Sprintf("all delivered, at most %d ms late, the link lives on", rebindLate)}
	all := sent.passed(at, from, to)
	r.Set("rtt_ms", report.MS(2*path.Delay))
	r.Set("loss", path.Loss)
	r.Set("rebindings", rebindings)
	r.Set("n", all.sent)
	r.AtLeast("delivered", all.delivered(), 1)
	r.Set("p50_ms", report.MS(all.at(.5)-path.Delay))
	r.Set("p99_ms", report.MS(all.at(.99)-path.Delay))
	r.AtMost("max_ms", report.MS(all.at(1)-path.Delay), rebindLate)
	r.AtMost("upstreams_lost", losses()-before, 0)
	r.Want(all.sent > 0, "nothing was sent")
	return []*report.Result{r}
}
