package egress

import (
	"fmt"
	"strconv"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
)

// What viewers who mean harm are held to.
const (
	hostileSlower = 1.1    // p99 of the others' delay, over what it is without them
	hostileTold   = .9     // of what they ask for is in the edge's counters
	hostileResent = .25    // packets sent again to who asks for every one, of those that a viewer gets
	hostileNACKs  = 25600. // numbers a second that one of them asks for: 256 in each of 100 datagrams
	hostileKeys   = 1000.

	hostileSettle = time.Second // what they begin with is over: the edge sends again at once only so much
)

// hostileKinds are the viewers who mean harm, one of each.
var hostileKinds = []load.Mischief{load.MischiefDeaf, load.MischiefNACK, load.MischiefKeys}

// A hostile is viewers of one shard, with and without three among them who mean harm.
type hostile struct {
	viewers int
	ramp    float64
	rounds  int
	phase   time.Duration // with, and as long without
	slice   time.Duration
	settle  time.Duration // 0: as long as newcomers need to catch up with live
}

func hostileRow() stand.Row {
	h := hostile{viewers: 200, ramp: 50, rounds: 7, phase: 6 * time.Second, slice: time.Second}
	return stand.Row{
		ID: "hostile", Gives: []string{"hostile-p99", "hostile-others", "hostile-told", "hostile-resent"}, Run: h.run,
		About: fmt.Sprintf("%d viewers of one shard; with them, in every other phase, one that reads nothing, one that asks for every packet again, one that floods PLI and FIR", h.viewers),
	}
}

// A phase is some time in which nobody comes or goes.
type phase struct {
	from, to time.Time
	edge     spell
}

// A round is a phase without viewers who mean harm, and the next, with them.
type round struct{ without, with phase }

// An asked is what the edge counted while they were there.
type asked struct {
	took                               time.Duration
	nacks, keys, sent, resent, refused float64
}

func (a *asked) add(took time.Duration, m stand.Metrics) {
	a.took += took
	a.nacks += m.Sum("freshet_egress_nacks_total")
	a.keys += m.Sum("freshet_egress_keyframe_requests_total")
	a.sent += m.Sum("freshet_egress_sent_packets_total")
	a.resent += m.Sum("freshet_egress_resent_packets_total")
	a.refused += m.Sum("freshet_egress_dropped_packets_total", `reason="budget"`)
}

func (h hostile) run(b *stand.Bench) []*report.Result {
	h.phase, h.rounds = b.Length(h.phase), b.Times(h.rounds)
	m := newMesh(b, "--shards", "1", "--capacity-mbps", strconv.Itoa(roomy))
	others := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: h.viewers, Ramp: h.ramp, Slice: h.slice, Settle: h.settle})
	var rounds []round
	var told asked
	for i := range h.rounds {
		what := fmt.Sprintf("viewers who mean harm, %d of %d", i+1, h.rounds)
		r := round{without: h.pass(b, m, "without "+what)}
		var crowds []*crowd
		for _, kind := range hostileKinds {
			crowds = append(crowds, enter(b, load.SwarmConfig{URL: m.whep(), Viewers: 1, Misbehave: kind, Settle: hostileSettle}))
		}
		before := b.Scrape(m.edge.URL)
		r.with = h.pass(b, m, "with "+what)
		told.add(r.with.to.Sub(r.with.from), b.Scrape(m.edge.URL).Since(before))
		rounds = append(rounds, r)
		for i, c := range crowds {
			if v := c.leave().Viewers[0]; v.End != load.EndStopped {
				b.Fatalf("%s: it was no viewer any more: %s: %s", hostileKinds[i], v.End, v.Detail)
			}
		}
	}
	return h.judge(others.leave(), rounds, told)
}

// pass lets a phase pass.
func (h hostile) pass(b *stand.Bench, m *mesh, what string) phase {
	b.Helper()
	p := phase{from: time.Now()}
	p.edge = quiet(b, m.edge, h.phase, what)
	p.to = time.Now()
	return p
}

func (h hostile) judge(others *load.SwarmResult, rounds []round, told asked) []*report.Result {
	calm := report.GoalAtMost("hostile-others", "freezes", float64(others.Steady.Freezes), 0)
	calm.Want(others.Joined == h.viewers && others.Failed == 0, "%d of %d viewers watched, %d failed", others.Joined, h.viewers, others.Failed)
	calm.AtMost("lost", float64(others.Lost), 0)
	calm.Set("dropped_here", int(others.Dropped)) // with any, this machine was too slow for its own viewers
	calm.Set("longest_gap_ms", report.Round(longestGap(others), 1))

	each := (told.sent - told.resent) / float64(h.viewers+len(hostileKinds))
	resent := report.GoalAtMost("hostile-resent", "share", report.Round(told.resent/max(1, each), 3), hostileResent)
	return []*report.Result{slowed(others.Slices, rounds), calm, told.judge(rounds), resent}
}

// slowed says by how much p99 of the others' delay grew. Neighbours in time are compared: what else a machine does
// changes from one minute to the next.
func slowed(slices []load.Slice, rounds []round) *report.Result {
	var without, with, each []float64
	for _, r := range rounds {
		off, on := p99s(slices, r.without), p99s(slices, r.with)
		without, with = append(without, off...), append(with, on...)
		if len(off) > 0 && len(on) > 0 {
			each = append(each, report.Round(percentile(on, .5)/percentile(off, .5), 3))
		}
	}
	if len(each) == 0 {
		return &report.Result{ID: "hostile-p99", Err: "no packet with a stamp came in a whole window"}
	}
	r := report.GoalAtMost("hostile-p99", "ratio", percentile(each, .5), hostileSlower)
	r.Repeats("value", each...)
	r.Set("without_ms", percentile(without, .5))
	r.Set("with_ms", percentile(with, .5))
	r.Set("windows", len(without)+len(with))
	return r
}

// judge says whether the edge counted what was asked of it, and what that cost it.
func (a asked) judge(rounds []round) *report.Result {
	perSecond := func(n float64) float64 { return n / max(a.took, time.Millisecond).Seconds() }
	nacks, keys := perSecond(a.nacks), perSecond(a.keys)
	r := report.GoalAtLeast("hostile-told", "share of what was asked for", report.Round(min(nacks/hostileNACKs, keys/hostileKeys), 3), hostileTold)
	r.Set("nacked_per_s", report.Round(nacks, 0))
	r.Set("key_frames_asked_per_s", report.Round(keys, 0))
	r.Set("resent_per_s", report.Round(perSecond(a.resent), 1))
	r.Set("over_budget_per_s", report.Round(perSecond(a.refused), 1))
	var without, with spell
	for _, r := range rounds {
		without, with = without.plus(r.without.edge), with.plus(r.with.edge)
	}
	r.Set("edge_cores_without", report.Round(without.cores(), 3))
	r.Set("edge_cores_with", report.Round(with.cores(), 3))
	return r
}

// p99s are those of the slices that lie in p from their beginning to their end.
func p99s(slices []load.Slice, p phase) (all []float64) {
	for _, s := range slices {
		if s.Delay.N > 0 && !s.From.Before(p.from) && !s.To.After(p.to) {
			all = append(all, report.Round(s.Delay.P99, 3))
		}
	}
	return all
}
