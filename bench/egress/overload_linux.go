package egress

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
	"freshet/edge/admit"
)

// What an edge is held to that is offered more than it takes.
const (
	refusedWithin = 50. // ms, of 99 in 100 who are refused
	leastFilled   = .9  // of the capacity before anyone is refused
)

// overloadNext are the edges that the full one knows. Nobody needs to be there.
var overloadNext = []string{"https://next.example", "https://other.example"}

// An overload is viewers of an edge that has places for some of them.
type overload struct {
	places      int           // of viewers of 1 Mbit/s
	early, late int           // who come
	fast, slow  float64       // of them a second: who joins counts twice for some seconds, so that the last places are taken slowly
	knocks      float64       // a second, at the full edge
	window      time.Duration // of knocking at the full edge
	settle      time.Duration // 0: as long as newcomers need to catch up with live
}

func overloadRow() stand.Row {
	o := overload{places: 100, early: 70, late: 80, fast: 10, slow: 2.5, knocks: 50, window: 20 * time.Second}
	return stand.Row{
		ID: "overload", Gives: []string{"overload-refused-p99", "overload-sent-on", "overload-freezes", "overload-filled"}, Run: o.run,
		About: fmt.Sprintf("%d viewers come to an edge for %d, then %g more a second ask", o.early+o.late, o.places, o.knocks),
	}
}

// viewerMbps is what a viewer of the mesh takes of the capacity.
const viewerMbps = 1.05

func (o overload) run(b *stand.Bench) []*report.Result {
	o.window = b.Length(o.window)
	mbps := int(float64(o.places) * viewerMbps)
	args := []string{"--capacity-mbps", strconv.Itoa(mbps)}
	for _, url := range overloadNext {
		args = append(args, "--next", url)
	}
	m := newMesh(b, args...)
	early := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: o.early, Ramp: o.fast, Settle: o.settle})
	o.seated(b, m)
	late := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: o.late, Ramp: o.slow, Settle: o.settle})
	o.seated(b, m)
	filled := b.Scrape(m.edge.URL).Sum("freshet_edge_load_bits") / float64(mbps*1e6)
	b.Tell("%.0f %% of the capacity is taken", 100*filled)
	k := o.knock(b, m)
	return o.judge(early.leave(), late.leave(), k, filled)
}

// seated returns once whoever has come shows in what the edge sends, and in nothing else.
func (o overload) seated(b *stand.Bench, m *mesh) {
	b.Helper()
	const what = "nobody on the way"
	b.Until(what, testmesh.Patience, func() bool {
		b.During(admit.Every, what) // the edge reckons no more often, and asking costs it something
		return b.Scrape(m.edge.URL).Sum("freshet_edge_joining_packets") == 0
	})
}

// A knocking is what who asked at a full edge were told.
type knocking struct {
	took  []float64 // ms, of those who were refused
	wrong []string  // refusals that did not say where to go, or when to come again
	letIn int
}

// knock has one after the other ask for the window, by the clock, over one connection.
func (o overload) knock(b *stand.Bench, m *mesh) knocking {
	b.Helper()
	k, err := load.NewKnocker(m.whep(), "")
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	var next []string
	for _, base := range overloadNext {
		next = append(next, base+"/whep/"+meshStream)
	}
	var all knocking
	tick := time.NewTicker(time.Duration(float64(time.Second) / o.knocks))
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < o.window; {
		select {
		case <-b.Context().Done():
			b.Fatal("knocking: told to stop")
		case <-tick.C:
		}
		took, err := k.Knock(b.Context())
		if err == nil {
			all.letIn++
			continue
		}
		all.took = append(all.took, report.MS(took))
		why, ok := errors.AsType[*load.StatusError](err)
		if !ok || why.Status != http.StatusServiceUnavailable || why.RetryAfter == 0 || !slices.Equal(why.Next, next) || !slices.Equal(why.Alternate, next) {
			all.wrong = append(all.wrong, fmt.Sprint(err))
		}
	}
	return all
}

func (o overload) judge(early, late *load.SwarmResult, k knocking, filled float64) []*report.Result {
	refused := report.GoalAtMost("overload-refused-p99", "ms", percentile(k.took, .99), refusedWithin)
	refused.Repeats("value", thirds(k.took, .99)...)
	refused.Set("p50_ms", percentile(k.took, .5))
	refused.Set("max_ms", percentile(k.took, 1))
	refused.Set("n", len(k.took))
	refused.Want(len(k.took) > 0, "nobody was refused")

	sentOn := report.GoalAtLeast("overload-sent-on", "share of refusals", 1-float64(len(k.wrong))/float64(max(1, len(k.took))), 1)
	sentOn.Want(len(k.took) > k.letIn, "%d were refused, and %d let in: the edge was not full", len(k.took), k.letIn)
	sentOn.Set("let_in_after_all", k.letIn)
	if len(k.wrong) > 0 {
		sentOn.Want(false, "the first that was wrong: %s", k.wrong[0])
	}
	away := late.Failures[load.EndRefused]
	sentOn.Set("refused_of_those_who_came", away)
	sentOn.Want(early.Failed == 0 && late.Failed == away, "%d of those before the edge was full, and %d of those who found a place, failed", early.Failed, late.Failed-away)
	sentOn.Want(away >= early.Wanted+late.Wanted-o.places, "%d were let in, where there is place for %d", early.Joined+late.Joined, o.places)

	inside := []*load.SwarmResult{early, late}
	var freezes, lost, dropped int64
	gap := 0.0
	for _, r := range inside {
		freezes, lost, dropped, gap = freezes+r.Steady.Freezes, lost+r.Lost, dropped+r.Dropped, max(gap, longestGap(r))
	}
	calm := report.GoalAtMost("overload-freezes", "freezes", float64(freezes), 0)
	calm.AtMost("lost", float64(lost), 0)
	calm.Set("viewers", early.Joined+late.Joined)
	calm.Set("offered", early.Wanted+late.Wanted)
	calm.Set("dropped_here", int(dropped)) // with any, this machine was too slow for its own viewers
	calm.Set("longest_gap_ms", report.Round(gap, 1))
	return []*report.Result{refused, sentOn, calm, report.GoalAtLeast("overload-filled", "share of the capacity", report.Round(filled, 3), leastFilled)}
}
