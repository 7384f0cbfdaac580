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

// A path whose packets overtake each other, by up to reorderBy, and that loses some: what is only late must
// not be asked for, or the asking makes it late.
const (
	reorderRTT = 100 * time.Millisecond
	reorderBy  = 10 * time.Millisecond
	reorderMed = 15 // ms late at the median: the path's own, and no more
)

func reorderRows() (all []stand.Row) {
	for _, loss := range []float64{0, .01, .02} {
		id := fmt.Sprintf("reorder-%g-rtt-%d", 100*loss, reorderRTT.Milliseconds())
		all = append(all, stand.Row{
			ID: id, About: fmt.Sprintf("one hop of %v, each packet another 0 to %v late, %g %% lost each way", reorderRTT, reorderBy, 100*loss),
			Run: func(b *stand.Bench) []*report.Result { return runReorder(b, id, loss) },
		})
	}
	return all
}

func runReorder(b *stand.Bench, id string, loss float64) []*report.Result {
	path := impair.Path{Delay: reorderRTT / 2, Jitter: reorderBy, Reorder: true, Loss: loss}
	l := newLab(b, testmesh.Chain(1), path, load.Simulcast())
	last := l.Last()
	at := l.watch(last)
	l.viewer(last)
	l.waitLive(last)
	b.During(warm, "begin")
	length := b.Length(lossyLength)
	sent := l.rings[testmesh.Origin]
	from := sent.mark()
	b.During(length, id)
	to := sent.mark()
	l.settle(reorderRTT)

	limit := reorderRTT*3/2 + 2*reorderBy
	all := sent.passed(at, from, to)
	r := &report.Result{ID: id, Target: fmt.Sprintf("99.999 %% delivered, 99.9 %% at most %v late, the median %d ms", limit, reorderMed)}
	r.Set("rtt_ms", report.MS(reorderRTT))
	r.Set("loss", loss)
	r.Set("seconds", length.Seconds())
	r.Set("n", all.sent)
	r.AtLeast("delivered", all.delivered(), .99999)
	r.AtLeast("in_time", all.within(reorderRTT/2+limit), .999)
	r.AtMost("p50_ms", report.MS(all.at(.5)-reorderRTT/2), reorderMed)
	r.Set("p99_ms", report.MS(all.at(.99)-reorderRTT/2))
	r.Set("max_ms", report.MS(all.at(1)-reorderRTT/2))
	r.Set("window_bytes", b.Scrape(l.Origin.URL).Sum(windowMetric))
	r.AtMost("sheds", b.Scrape(l.Origin.URL).Sum("freshet_relay_sheds_total"), 0)
	r.Want(all.sent > 0, "nothing was sent")
	return []*report.Result{r}
}
