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

// A lossy row is one hop that loses packets both ways.
type lossy struct {
	rtt   time.Duration
	loss  float64
	burst int // mean length of a run of losses
}

// Bounds of a lossy row.
const (
	soundLate   = 25   // ms: p99 of sound at 2 %, where the copy beside the next packet repairs
	waitShare   = .001 // of packets that waited over 5 ms for the sender
	bytesClean  = .07  // over the media, at no loss
	bytesTwo    = .13  // at 2 %
	lossyLength = time.Minute
)

func (c lossy) name() string {
	kind := "loss"
	if c.burst > 1 {
		kind = "burst"
	}
	return fmt.Sprintf("%s-%g-rtt-%d", kind, 100*c.loss, c.rtt.Milliseconds())
}

// aims are the least shares to arrive, and to arrive in time.
func (c lossy) aims() (delivered, inTime float64) {
	switch {
	case c.loss <= .02 && c.burst <= 1 && c.rtt == 100*time.Millisecond:
		return .99999, .9999
	case c.rtt >= 100*time.Millisecond:
		return .9999, .999
	}
	return .9999, .985 // at 20 ms a repair of the second round is late by the machine's own standards
}

// limit is how late a packet may be to be in time: 1.5 round trips, at 20 ms one and 20 ms.
func (c lossy) limit() time.Duration { return max(c.rtt*3/2, c.rtt+20*time.Millisecond) }

func (c lossy) sound() bool { return c.loss == .02 && c.burst <= 1 }
func (c lossy) bytes() bool { return (c.loss == .02 || c.loss == 0) && c.burst <= 1 }
func (c lossy) suffix() string {
	return fmt.Sprintf("-%g-rtt-%d", 100*c.loss, c.rtt.Milliseconds())
}

func (c lossy) row() stand.Row {
	r := stand.Row{
		ID: c.name(), Gives: []string{c.name()}, Run: c.run,
		About: fmt.Sprintf("one hop of %v, %g %% lost each way", c.rtt, 100*c.loss),
	}
	if c.burst > 1 {
		r.About += fmt.Sprintf(" in runs of %d", c.burst)
	} else {
		r.Gives = append(r.Gives, "wait"+c.suffix())
	}
	if c.sound() {
		r.Gives = append(r.Gives, "audio"+c.suffix())
	}
	if c.bytes() {
		r.Gives = append(r.Gives, "bytes"+c.suffix())
	}
	return r
}

func lossyRows() []stand.Row {
	var all []stand.Row
	for _, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond} {
		for _, loss := range []float64{0, .01, .02, .05} {
			all = append(all, lossy{rtt, loss, 1}.row())
		}
		for _, loss := range []float64{.02, .05} {
			all = append(all, lossy{rtt, loss, 5}.row())
		}
	}
	return all
}

// run measures the hop from the origin's rings to the edge's, and beside that what a viewer there gets.
func (c lossy) run(b *stand.Bench) []*report.Result {
	path := impair.Path{Delay: c.rtt / 2, Loss: c.loss, Burst: c.burst}
	l := newLab(b, testmesh.Chain(1), path, load.Simulcast())
	last := l.Last()
	at := l.watch(last)
	seen := l.viewer(last)
	l.waitLive(last)
	b.During(warm, "begin")

	sent, proxy := l.rings[testmesh.Origin], l.paths["edge-1 "+testmesh.Origin]
	length := b.Length(lossyLength)
	from, bytes, before := sent.mark(), l.mediaBytes(), b.Scrape(l.Origin.URL)
	_, down := proxy.Stats()
	b.During(length, c.name())
	to, bytes := sent.mark(), l.mediaBytes()-bytes
	_, now := proxy.Stats()
	end := b.Scrape(l.Origin.URL)
	after, window := end.Since(before), end.Sum(windowMetric, downwards)
	l.settle(c.rtt)

	way := c.rtt / 2
	all, audio := sent.passed(at, from, to), sent.passed(at, from, to, soundLayer)
	viewer := sent.passed(seen, from, to)
	main := c.result(c.name())
	delivered, inTime := c.aims()
	main.Target = fmt.Sprintf("%s %% delivered, %s %% at most %v late", report.Number(100*delivered), report.Number(100*inTime), c.limit())
	main.Set("seconds", length.Seconds())
	main.Set("n", all.sent)
	main.AtLeast("delivered", all.delivered(), delivered)
	main.AtLeast("in_time", all.within(way+c.limit()), inTime)
	c.ages(main, all)
	main.Set("lost", int(now.Lost.Packets-down.Lost.Packets))
	main.Set("viewer_n", viewer.there)
	main.Set("viewer_p99_ms", report.MS(viewer.at(.99)-way))
	twice, _ := seen.repeated()
	main.Set("viewer_repeated", twice)
	main.Set("window_bytes", int(window))
	main.Set("window_need_bytes", int(float64(bytes)/length.Seconds()*c.rtt.Seconds()))
	main.Want(all.sent > 0, "nothing was sent")
	results := []*report.Result{main}

	if c.burst <= 1 {
		r := c.result("wait" + c.suffix())
		over, n := after.Over("freshet_relay_wait_seconds", "0.005")
		r.Target = fmt.Sprintf("at most %s %% wait over 5 ms for the sender", report.Number(100*waitShare))
		r.Set("n", n)
		r.AtMost("waited", over, waitShare)
		r.Want(n > 0, "nothing was sent")
		results = append(results, r)
	}
	if c.sound() {
		r := c.result("audio" + c.suffix())
		r.Target = fmt.Sprintf("sound delivered, p99 at most %d ms late", soundLate)
		r.Set("n", audio.sent)
		r.AtLeast("delivered", audio.delivered(), delivered)
		r.Set("p50_ms", report.MS(audio.at(.5)-way))
		r.AtMost("p99_ms", report.MS(audio.at(.99)-way), soundLate)
		r.Set("max_ms", report.MS(audio.at(1)-way))
		results = append(results, r)
	}
	if c.bytes() {
		r := c.result("bytes" + c.suffix())
		bound := bytesClean
		if c.loss > 0 {
			bound = bytesTwo
		}
		r.Target = fmt.Sprintf("at most %s %% more bytes than the media, downstream", report.Number(100*bound))
		r.Set("media_bytes", int(bytes))
		r.AtMost("over", share(int(now.In.Bytes-down.In.Bytes)-int(bytes), int(bytes)), bound)
		r.Want(all.delivered() >= delivered, "not all was delivered: what was not sent costs nothing")
		results = append(results, r)
	}
	return results
}

// windowMetric are the congestion windows of a node's connections, downwards those that carry media.
const (
	windowMetric = "freshet_relay_link_window_bytes"
	downwards    = `direction="down"`
)

func (c lossy) result(id string) *report.Result {
	r := &report.Result{ID: id}
	r.Set("rtt_ms", report.MS(c.rtt))
	r.Set("loss", c.loss)
	if c.burst > 1 {
		r.Set("burst", c.burst)
	}
	return r
}

func (c lossy) ages(r *report.Result, p *passage) {
	r.Set("p50_ms", report.MS(p.at(.5)-c.rtt/2))
	r.Set("p99_ms", report.MS(p.at(.99)-c.rtt/2))
	r.Set("max_ms", report.MS(p.at(1)-c.rtt/2))
}

// mediaBytes returns how many bytes of RTP the origin's rings have taken.
func (l *lab) mediaBytes() int64 {
	var sum int64
	if s := l.Origin.Table.Get(testmesh.Stream); s != nil {
		for _, f := range s.Flows {
			sum += f.Bytes()
		}
	}
	return sum
}
