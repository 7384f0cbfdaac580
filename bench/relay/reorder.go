package relay

import (
	"fmt"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// A path whose packets overtake each other, by up to reorderBy, and that loses some: what is only late must
// not be asked for, or the asking makes it late.
const (
	reorderRTT = 100 * time.Millisecond
	reorderBy  = 10 * time.Millisecond
	reorderMed = 15 // ms late at the median: the path's own, and no more
)

func reorderRows() (all []row) {
	for _, loss := range []float64{0, .01, .02} {
		id := fmt.Sprintf("reorder-%g-rtt-%d", 100*loss, reorderRTT.Milliseconds())
		all = append(all, row{
			id: id, about: fmt.Sprintf("one hop of %v, each packet another 0 to %v late, %g %% lost each way", reorderRTT, reorderBy, 100*loss),
			run: func(b *bench) []*Result { return runReorder(b, id, loss) },
		})
	}
	return all
}

func runReorder(b *bench, id string, loss float64) []*Result {
	path := impair.Path{Delay: reorderRTT / 2, Jitter: reorderBy, Reorder: true, Loss: loss}
	l := newLab(b, testmesh.Chain(1), path, load.Simulcast())
	last := l.Last()
	at := l.watch(last)
	l.viewer(last)
	l.waitLive(last)
	b.during(warm, "begin")
	length := b.length(lossyLength)
	sent := l.rings[testmesh.Origin]
	from := sent.mark()
	b.during(length, id)
	to := sent.mark()
	l.settle(reorderRTT)

	limit := reorderRTT*3/2 + 2*reorderBy
	all := sent.passed(at, from, to)
	r := &Result{ID: id, Target: fmt.Sprintf("99.999 %% delivered, 99.9 %% at most %v late, the median %d ms", limit, reorderMed)}
	r.set("rtt_ms", ms(reorderRTT))
	r.set("loss", loss)
	r.set("seconds", length.Seconds())
	r.set("n", all.sent)
	r.atLeast("delivered", all.delivered(), .99999)
	r.atLeast("in_time", all.within(reorderRTT/2+limit), .999)
	r.atMost("p50_ms", ms(all.at(.5)-reorderRTT/2), reorderMed)
	r.set("p99_ms", ms(all.at(.99)-reorderRTT/2))
	r.set("max_ms", ms(all.at(1)-reorderRTT/2))
	r.set("window_bytes", b.scrape(l.Origin.URL).sum(windowMetric))
	r.atMost("sheds", b.scrape(l.Origin.URL).sum("freshet_relay_sheds_total"), 0)
	r.want(all.sent > 0, "nothing was sent")
	return []*Result{r}
}
