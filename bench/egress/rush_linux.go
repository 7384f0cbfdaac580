package egress

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/edge/admit"
)

// What a rush of joins is held to.
const (
	joinIdle    = 25.  // ms to the first packet, the median, 10 joins a second
	joinRush    = 40.  // the same in the rush
	joinSlowest = 500. // ms, of 99 in 100
	joinCost    = 1.6  // ms of the edge's processor time a join
)

// A rush is viewers who watch, and others who come: few at first, then many a second.
type rush struct {
	decoding, filtered int // of those who watch
	ramp               float64
	idle, fast         float64 // joins a second
	rounds             int
	calm, window       time.Duration // of joins, the few and the many; half as long before and after, for what watching costs
	piece              int           // so many of the many come, and go again while the next ones come: there is no room for all
	settle             time.Duration // 0: as long as newcomers need to catch up with live
}

func rushRow() stand.Row {
	r := rush{decoding: 50, filtered: 950, ramp: 50, idle: 10, fast: 200, rounds: 3, calm: 20 * time.Second, window: 10 * time.Second, piece: 200}
	return stand.Row{
		ID: "rush", Gives: []string{"rush-freezes", "rush-failed", "rush-idle-p50", "rush-p50", "rush-p99", "rush-cpu"}, Run: r.run,
		About: fmt.Sprintf("%g joins a second while %d watch, %d of them decoding; before it, %g a second while one does", r.fast, r.decoding+r.filtered, r.decoding, r.idle),
	}
}

// A wave is some seconds of joins.
type wave struct {
	crowds []*load.SwarmResult
	cost   float64 // ms of the edge's processor time a join
}

// all returns what value takes of each viewer who joined.
func (w wave) all(value func(*load.ViewerRecord) float64) (all []float64) {
	for _, c := range w.crowds {
		for i := range c.Viewers {
			if v := value(&c.Viewers[i]); v > 0 {
				all = append(all, v)
			}
		}
	}
	return all
}

func (w wave) sum(value func(*load.SwarmResult) int) (n int) {
	for _, c := range w.crowds {
		n += value(c)
	}
	return n
}

func (w wave) joined() int { return w.sum(func(c *load.SwarmResult) int { return c.Joined }) }

func firstPacket(v *load.ViewerRecord) float64 { return v.FirstPacket }

func late(v *load.ViewerRecord) float64 { return v.Late }

// run has the few come while hardly anybody is there; then those who watch, and the rush.
func (r rush) run(b *stand.Bench) []*report.Result {
	r.rounds = b.Times(r.rounds)
	r.calm, r.window = min(r.calm, b.Length(r.calm)), min(r.window, b.Length(r.window)) // longer ones would be larger crowds
	m := newRoomyMesh(b)
	var idle, fast []wave
	one := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: 1, Settle: r.settle}) // who keeps the stream here
	for i := range r.rounds {
		idle = append(idle, r.few(b, m, i))
	}
	one.leave()
	decoding := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: r.decoding, Ramp: r.ramp, Settle: r.settle})
	filtered := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: r.filtered, Ramp: r.ramp, Mode: load.ModeFiltered, Settle: r.settle})
	for i := range r.rounds {
		fast = append(fast, r.many(b, m, i))
	}
	why := refusals(b, m)
	return r.judge(filtered.leave(), decoding.leave(), idle, fast, why)
}

// refusals are how many viewers the edge has refused, by cause.
func refusals(b *stand.Bench, m *mesh) map[admit.Reason]int {
	b.Helper()
	all, now := map[admit.Reason]int{}, b.Scrape(m.edge.URL)
	for _, why := range []admit.Reason{admit.FullRate, admit.FullBusy, admit.FullLate} {
		if n := now.Sum("freshet_edge_refused_offers_total", fmt.Sprintf("reason=%q", why)); n > 0 {
			all[why] = int(n)
		}
	}
	return all
}

// few has a few viewers come each second, and leave when it has seen what that took.
func (r rush) few(b *stand.Bench, m *mesh, i int) wave {
	b.Helper()
	what := fmt.Sprintf("idle, %d of %d", i+1, r.rounds)
	before := quiet(b, m.edge, r.calm/2, what+", before")
	end := begin(m.edge)
	viewers := max(2, int(r.idle*r.calm.Seconds()))
	c := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: viewers, Ramp: r.idle, Mode: load.ModeFiltered, Settle: r.settle})
	during := end()
	after := quiet(b, m.edge, r.calm/2, what+", after")
	w := wave{crowds: []*load.SwarmResult{c.leave()}}
	ramp := time.Duration(w.crowds[0].RampSeconds * float64(time.Second))
	w.cost = costOf(before, during, after, ramp, w.joined())
	w.tell(b, what)
	return w
}

// many has many viewers come each second. A piece of them leaves while the next comes.
func (r rush) many(b *stand.Bench, m *mesh, i int) wave {
	b.Helper()
	const stay = 100 * time.Millisecond // of a piece that is complete
	what := fmt.Sprintf("rush, %d of %d", i+1, r.rounds)
	before := quiet(b, m.edge, r.window/2, what+", before")
	end := begin(m.edge)
	viewers := max(2, int(r.fast*r.window.Seconds()))
	var pieces []*crowd
	watched := 0. // seconds, of all newcomers together
	for came := 0; came < viewers; came += r.piece {
		n, from := min(r.piece, viewers-came), time.Now()
		c := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: n, Ramp: r.fast, Mode: load.ModeFiltered, Settle: stay})
		c.stop()
		pieces = append(pieces, c)
		watched += float64(n) * (time.Since(from).Seconds() - float64(n)/r.fast/2)
	}
	during := end()
	w := wave{}
	for _, c := range pieces {
		w.crowds = append(w.crowds, c.leave())
	}
	others := before.cores() * during.took.Seconds()
	newcomers := before.cores() / float64(r.decoding+r.filtered) * watched
	w.cost = 1e3 * (during.cpu.Seconds() - others - newcomers) / float64(max(1, w.joined()))
	w.tell(b, what)
	return w
}

func (w wave) tell(b *stand.Bench, what string) {
	b.Helper()
	all := w.all(firstPacket)
	b.Tell("%s: joined %d, failed %d, first packet p50 %.1f ms, p99 %.1f ms, %.2f ms of the edge's time a join; started late p99 %.1f ms",
		what, w.joined(), w.sum(func(c *load.SwarmResult) int { return c.Failed }), percentile(all, .5), percentile(all, .99), w.cost, percentile(w.all(late), .99))
}

// costOf returns what a join took of the edge, in ms: what is left of the time with joins in it once watching is taken
// off, which grows evenly from before to after while viewers come, for ramp, and stays at that to the end.
func costOf(before, during, after spell, ramp time.Duration, joins int) float64 {
	ramp = min(ramp, during.took)
	watching := ramp.Seconds()*(before.cores()+after.cores())/2 + (during.took-ramp).Seconds()*after.cores()
	return 1e3 * (during.cpu.Seconds() - watching) / float64(max(1, joins))
}

func (r rush) judge(filtered, decoding *load.SwarmResult, idle, fast []wave, why map[admit.Reason]int) []*report.Result {
	each := func(of []wave, value func(wave) float64) (all []float64) {
		for _, w := range of {
			all = append(all, report.Round(value(w), 3))
		}
		return all
	}
	atMost := func(id string, all []float64, bound float64) *report.Result {
		g := report.GoalAtMost(id, "ms", percentile(all, .5), bound)
		g.Repeats("value", all...)
		return g
	}
	p50 := func(w wave) float64 { return percentile(w.all(firstPacket), .5) }
	p99 := func(w wave) float64 { return percentile(w.all(firstPacket), .99) }
	started := func(w wave) float64 { return percentile(w.all(late), .99) }
	cost := func(w wave) float64 { return w.cost }

	freezes := report.GoalAtMost("rush-freezes", "freezes", float64(decoding.Steady.Freezes), 0)
	freezes.Want(decoding.Joined == r.decoding, "%d of %d decoding viewers watched", decoding.Joined, r.decoding)
	freezes.Set("viewers_decoding", decoding.Joined)
	freezes.Set("viewers_filtered", filtered.Joined)
	freezes.Set("longest_gap_ms", report.Round(longestGap(decoding), 1))
	freezes.Set("lost", int(decoding.Lost))
	freezes.Set("dropped_here", int(decoding.Dropped)) // with any, this machine was too slow for its own viewers

	all := []*load.SwarmResult{filtered, decoding}
	for _, w := range slices.Concat(idle, fast) {
		all = append(all, w.crowds...)
	}
	failures, came, causes := 0, 0, map[load.End]int{load.EndRefused: 0}
	for _, r := range all {
		failures, came = failures+r.Failed, came+r.Wanted
		for end, n := range r.Failures {
			causes[end] += n
		}
	}
	failed := report.GoalAtMost("rush-failed", "viewers", float64(failures), 0)
	failed.Set("came", came)
	for _, end := range slices.Sorted(maps.Keys(causes)) {
		failed.Set(string(end), causes[end])
	}
	for _, cause := range slices.Sorted(maps.Keys(why)) {
		failed.Set("refused_for_"+string(cause), why[cause])
	}

	slow := atMost("rush-idle-p50", each(idle, p50), joinIdle)
	slow.Set("joins_per_s", r.idle)
	slow.Set("p99_ms", percentile(each(idle, p99), .5))
	slow.Set("started_late_p99_ms", percentile(each(idle, started), .5))
	quick := atMost("rush-p50", each(fast, p50), joinRush)
	quick.Set("joins_per_s", r.fast)
	quick.Set("started_late_p99_ms", percentile(each(fast, started), .5))
	slowest := atMost("rush-p99", each(fast, p99), joinSlowest)
	cpu := report.GoalAtMost("rush-cpu", "ms", report.Round(together(fast), 3), joinCost)
	cpu.Repeats("value", each(fast, cost)...)
	cpu.Set("idle_ms", report.Round(together(idle), 3)) // by a small difference of two large figures
	return []*report.Result{freezes, failed, slow, quick, slowest, cpu}
}

// together returns what a join took in all waves: what one wave alone says differs by the edge's other work.
func together(waves []wave) float64 {
	ms, joins := 0.0, 0
	for _, w := range waves {
		ms, joins = ms+w.cost*float64(w.joined()), joins+w.joined()
	}
	return ms / float64(max(1, joins))
}

// longestGap is the longest time between two pictures that any of r's viewers saw, in ms.
func longestGap(r *load.SwarmResult) float64 {
	most := 0.0
	for i := range r.Viewers {
		most = max(most, r.Viewers[i].LongestGap)
	}
	return most
}
