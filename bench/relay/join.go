package relay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
	"freshet/cluster/ring"
	"freshet/cluster/stream"
)

// A join of a group this large, as RELAY-FINDINGS has it: 3.55 Mbit/s, ten seconds after the key frame.
const (
	joinBytes   = 4_400_000
	joinEvery   = 420 // pictures from key frame to key frame: 4 s more than it takes to come to joinBytes
	joinTimes   = 5
	joinRTT     = 100 * time.Millisecond
	joinWithin  = time.Second
	joinGivenUp = 10 * time.Second
	joinLate    = joinRTT + 20*time.Millisecond
)

func joinRow() stand.Row {
	return stand.Row{
		ID: "join-2-rtt-100", Run: runJoin,
		About: fmt.Sprintf("%d nodes join one after the other, %g MB behind the key frame, %v, 2 %% lost each way", joinTimes, joinBytes/1e6, joinRTT),
	}
}

// runJoin has one node after the other join, each by a fresh link, as late in a group as it takes.
func runJoin(b *stand.Bench) []*report.Result {
	cfg := load.Simulcast()
	cfg.KeyEvery = joinEvery
	var top testmesh.Topology
	for i := range joinTimes {
		top.Edges = append(top.Edges, testmesh.Edge{Name: fmt.Sprintf("edge-%d", i+1)})
	}
	l := newLab(b, top, impair.Path{Delay: joinRTT / 2, Loss: .02}, cfg)
	source := l.Origin.WaitLive(testmesh.Stream)
	r := &report.Result{ID: "join-2-rtt-100", Target: fmt.Sprintf("%g MB within %v, live p99 at most %v late", joinBytes/1e6, joinWithin, joinLate)}
	r.Set("rtt_ms", report.MS(joinRTT))
	r.Set("loss", .02)
	r.Set("n", joinTimes)
	before := b.Scrape(l.Origin.URL)
	var slowest time.Duration
	var live passage
	for i, n := range l.Edges {
		took, p := l.join(source, n)
		b.Tell("join %d of %d: %v, live p99 %.1f ms late", i+1, joinTimes, took.Round(time.Millisecond), report.MS(p.at(.99)-joinRTT/2))
		slowest = max(slowest, took)
		live.join(p)
	}
	r.Set("bytes", joinBytes)
	r.AtMost("slowest_ms", report.MS(slowest), report.MS(joinWithin))
	r.Set("live_n", live.sent)
	r.AtLeast("live_delivered", live.delivered(), .9999)
	r.AtMost("live_p99_ms", report.MS(live.at(.99)-joinRTT/2), report.MS(joinLate))
	r.Set("live_max_ms", report.MS(live.at(1)-joinRTT/2))
	what := b.Scrape(l.Origin.URL).Since(before)
	r.Set("sheds", what.Sum("freshet_relay_sheds_total")) // a join must not look like a narrow path
	r.Set("group_drops", what.Sum("freshet_relay_dropped_packets_total", `reason="group"`))
	r.Set("evicted", what.Sum("freshet_relay_dropped_packets_total", `reason="evicted"`))
	r.Set("late", what.Sum("freshet_relay_dropped_packets_total", `reason="late"`))
	return []*report.Result{r}
}

// join has n take the stream when the group has grown enough, and returns how long it took until all that
// the origin had by then was in n's rings, and what became of the live packets of that time and a second more.
func (l *lab) join(source *stream.Stream, n *testmesh.Node) (time.Duration, *passage) {
	b := l.b
	b.Helper()
	at := l.watch(n)
	var groups []ring.Group
	b.Until("a group of enough bytes", 2*patience, func() bool {
		var bytes int
		groups, bytes = groupsOf(source)
		return bytes >= joinBytes
	})
	// What the origin has at the join: n has rings of its own, but the numbers are the same, and the flows stand
	// in the same order. A number that never came to the origin is none that n could have.
	lacks := make([][]int64, len(source.Flows))
	for i, g := range groups {
		f := source.Flows[i]
		for seq := g.First; f.Format.Kind == stream.Video && seq <= f.Ring.High(); seq++ {
			if f.Ring.Get(seq) != nil {
				lacks[i] = append(lacks[i], seq)
			}
		}
	}
	sent := l.rings[testmesh.Origin]
	begun := time.Now()
	ctx, stop := context.WithTimeout(b.Context(), patience)
	defer stop()
	lease, err := n.Relay.Pull(ctx, testmesh.Stream)
	if err != nil {
		b.Fatalf("join: %v", err)
	}
	defer lease.Release()
	from := sent.mark() // what was sent before the accept comes with the group
	got := lease.Stream()
	// A number is taken off once it has come, so what the ring lets go of later does no harm.
	complete := func() bool {
		left := 0
		for i, f := range got.Flows {
			lacks[i] = slices.DeleteFunc(lacks[i], func(seq int64) bool { return f.Ring.Get(f.Ring.Near(uint16(seq))) != nil })
			left += len(lacks[i])
		}
		return left == 0
	}
	took := joinGivenUp
	for ; time.Since(begun) < joinGivenUp; b.During(5*time.Millisecond, "the group") {
		if complete() {
			took = time.Since(begun)
			break
		}
	}
	if took == joinGivenUp {
		for i, l := range lacks {
			if len(l) > 0 {
				b.Tell("%s never had %d packets of flow %d, %d to %d (stream: %v)", n.Name, len(l), i, l[0], l[len(l)-1], got.Err())
			}
		}
	}
	b.During(time.Second, "live after the join")
	to := sent.mark()
	l.settle(joinRTT)
	return took, sent.passed(at, from, to)
}

// groupsOf returns the newest group of each video flow of s, by place, and how many bytes they have in all.
func groupsOf(s *stream.Stream) ([]ring.Group, int) {
	groups, bytes := make([]ring.Group, len(s.Flows)), 0
	for i, f := range s.Flows {
		g, ok := f.Ring.Newest()
		if f.Format.Kind != stream.Video || !ok {
			continue
		}
		groups[i] = g
		for seq := g.First; seq <= f.Ring.High(); seq++ {
			if p := f.Ring.Get(seq); p != nil {
				bytes += len(p.Data)
			}
		}
	}
	return groups, bytes
}
