package egress

import (
	"fmt"
	"os/exec"
	"slices"
	"time"

	"freshet/bench/load"
	"freshet/bench/peers"
	"freshet/bench/report"
	"freshet/bench/stand"
)

// What a further viewer costs is the slope between two audiences: what a server takes for its publisher and for
// itself falls out.
const (
	slopeWindows = 3
	slopeFor     = 12 * time.Second // of each audience, in so many windows
	slopeMost    = 1. / 6           // of the naive server's
	slopeTold    = .5               // of what the larger audience has more is to come, or nothing follows
	edgeRamp     = 50               // viewers a second
	peerRamp     = 20               // what the slowest of them bears
)

// A slopePlan says how large audiences are, and what the edge is measured beside.
type slopePlan struct {
	edge, peer [2]int
	beside     []peers.Kind  // naive servers
	settle     time.Duration // of an audience that has joined; 0: as long as load takes
}

func slopeRow() stand.Row {
	plan := slopePlan{edge: [2]int{400, 2000}, peer: [2]int{100, 400}, beside: []peers.Kind{peers.Naive, peers.NaiveGCM}}
	return stand.Row{
		ID: "slope", Gives: []string{"slope-edge", "slope-naive", "slope-naive-gcm", "slope-ratio"}, Run: plan.run,
		About: fmt.Sprintf("real sessions between processes: what a packet costs an edge between %d and %d viewers, and naive pion between %d and %d",
			plan.edge[0], plan.edge[1], plan.peer[0], plan.peer[1]),
	}
}

// janusRow is a row of its own, so that whatever ails Janus leaves the others their results.
func janusRow() stand.Row {
	plan := slopePlan{peer: [2]int{100, 200}}
	return stand.Row{
		ID: "janus", Gives: []string{"slope-janus"}, Run: plan.janus,
		About: fmt.Sprintf("the same of Janus between %d and %d viewers, where it is installed", plan.peer[0], plan.peer[1]),
	}
}

// A cost is what one audience took of its server.
type cost struct {
	viewers int
	cores   []float64 // of each window
	rate    float64   // packets a second that came, all viewers together
	whole   float64   // share that this is of what was to come
	failed  int
	why     string // they failed
}

// each is what a packet cost in each window, all that the server does included.
func (c *cost) each() []float64 {
	micros := make([]float64, len(c.cores))
	for i, cores := range c.cores {
		micros[i] = 1e6 * cores / max(1, c.rate)
	}
	return micros
}

// A slope is what a packet more costs between two audiences.
type slope struct {
	name    string
	micros  []float64 // of each window
	costs   [2]cost
	cannot  []string
	version string
}

// run measures the edge and its peers, one after the other.
func (plan slopePlan) run(b *stand.Bench) []*report.Result {
	edge := plan.ofEdge(b)
	all := []*slope{edge}
	for _, kind := range plan.beside {
		all = append(all, plan.ofPeer(b, kind))
	}
	var results []*report.Result
	for _, s := range all {
		results = append(results, s.result())
	}
	chart(b, all...)
	return append(results, ratio(edge, all[1:]))
}

// janus measures Janus. Where it is not installed there is no result, and nothing wrong.
func (plan slopePlan) janus(b *stand.Bench) []*report.Result {
	if _, err := exec.LookPath("janus"); err != nil {
		b.Tell("not installed: %v; make peers installs it on Debian", err)
		return nil
	}
	s := plan.ofPeer(b, peers.Janus)
	chart(b, s)
	return []*report.Result{s.result()}
}

func (plan slopePlan) ofEdge(b *stand.Bench) *slope {
	b.Helper()
	m := newRoomyMesh(b)
	s := &slope{name: "edge"}
	for i, n := range plan.edge {
		s.costs[i] = plan.audience(b, "edge", m.whep(), m.edge.PID(), n, edgeRamp)
	}
	m.end()
	s.reckon()
	return s
}

// ofPeer measures a peer of kind, which is ended before it returns.
func (plan slopePlan) ofPeer(b *stand.Bench, kind peers.Kind) *slope {
	b.Helper()
	p, err := peers.Start(b.Context(), peers.Config{Kind: kind, Binary: b.Config.Binary})
	if err != nil {
		b.Fatalf("%s: %v", kind, err)
	}
	stop := func() {
		if err := p.Stop(); err != nil {
			b.Errorf("%s: %v", kind, err)
		}
	}
	b.Cleanup(stop) // again, where the row does not come to its end
	_, off := b.Publish(megabit(p.WHIP, ""))
	s := &slope{name: string(kind), cannot: p.Cannot, version: p.Version}
	for i, n := range plan.peer {
		s.costs[i] = plan.audience(b, s.name, p.WHEP, p.PID, n, peerRamp)
	}
	off()
	stop()
	s.reckon()
	return s
}

// audience has n viewers watch at whep and returns what they took of process pid.
func (plan slopePlan) audience(b *stand.Bench, name, whep string, pid, n int, ramp float64) cost {
	b.Helper()
	c := enter(b, load.SwarmConfig{URL: whep, Viewers: n, Ramp: ramp, Settle: plan.settle, Mode: load.ModeFiltered})
	length := b.Length(slopeFor) / slopeWindows
	took := cores(b, pid, slopeWindows, length, fmt.Sprintf("%s with %d viewers", name, n))
	seen := c.leave()
	b.Tell("%s with %d viewers: %.3f cores, %.0f packets/s, %d failed %s", name, n, median(took), seen.PacketRate, seen.Failed, reasons(seen.Failures))
	return cost{
		viewers: n, cores: took, rate: seen.PacketRate,
		whole: seen.PacketRate / float64(n*megabitPackets), failed: seen.Failed, why: reasons(seen.Failures),
	}
}

// reckon takes the slope of each window from the costs.
func (s *slope) reckon() {
	less, more := &s.costs[0], &s.costs[1]
	for i := range more.cores {
		s.micros = append(s.micros, 1e6*(more.cores[i]-less.cores[i])/max(1, more.rate-less.rate))
	}
}

// result says what the slope is made of. That sessions fail or packets do not come is a miss: cheap is only who
// delivers. Of a peer it is a figure.
func (s *slope) result() *report.Result {
	r := figure("slope-"+s.name, "us/packet", s.micros)
	for _, c := range s.costs {
		n := fmt.Sprintf("_%d", c.viewers)
		r.Set("cores"+n, report.Round(median(c.cores), 3))
		r.Repeats("cores"+n, c.cores...)
		r.Set("us_a_packet"+n, report.Round(median(c.each()), 3))
		r.Repeats("us_a_packet"+n, c.each()...)
		if c.why != "" {
			r.Set("why"+n, c.why)
		}
		if s.name == "edge" {
			r.AtLeast("came"+n, report.Round(c.whole, 4), .99)
			r.AtMost("failed"+n, float64(c.failed), 0)
			continue
		}
		r.Set("came"+n, report.Round(c.whole, 4))
		r.Set("failed"+n, c.failed)
	}
	if s.version != "" {
		r.Set("version", s.version)
	}
	for i, what := range s.cannot {
		r.Set(fmt.Sprintf("cannot_%d", i+1), what)
	}
	return r
}

// tells says whether s is a slope: of a server that could not serve its larger audience, or of windows that were too
// short, nothing follows.
func (s *slope) tells() bool {
	less, more := &s.costs[0], &s.costs[1]
	if more.rate-less.rate < slopeTold*megabitPackets*float64(more.viewers-less.viewers) {
		return false
	}
	return slices.Min(s.micros) > 0
}

// ratio holds the edge's slope to that of the cheapest of others.
func ratio(edge *slope, others []*slope) *report.Result {
	var best *slope
	for _, o := range others {
		if o.tells() && (best == nil || median(o.micros) < median(best.micros)) {
			best = o
		}
	}
	if best == nil || !edge.tells() {
		return &report.Result{ID: "slope-ratio", Err: "no slope of the edge, or none beside it: windows were too short, or too little of the larger audience was served"}
	}
	each := make([]float64, len(edge.micros))
	for i := range each {
		each[i] = edge.micros[i] / best.micros[i]
	}
	r := atMost("slope-ratio", "ratio", each, slopeMost)
	r.Set("beside", best.name)
	return r
}

// chart sets the slopes side by side, and what a packet costs in all.
func chart(b *stand.Bench, all ...*slope) {
	further := report.Bars{Name: "CPU of a further packet", Unit: "µs"}
	whole := report.Bars{Name: "CPU of a packet, all that the server does included", Unit: "µs"}
	for _, s := range all {
		note := fmt.Sprintf("from %d to %d viewers", s.costs[0].viewers, s.costs[1].viewers)
		if !s.tells() {
			note += ", of whom too few were served to tell"
		}
		further.Bars = append(further.Bars, report.Bar{Label: s.name, Value: max(0, median(s.micros)), Note: note})
		for _, c := range s.costs {
			whole.Bars = append(whole.Bars, report.Bar{
				Label: fmt.Sprintf("%s, %d viewers", s.name, c.viewers), Value: median(c.each()),
			})
		}
	}
	b.Chart(further)
	b.Chart(whole)
}
