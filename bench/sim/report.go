package sim

import (
	"fmt"
	"maps"
	"slices"

	"freshet/bench/report"
)

// What a world must come to.
const (
	DecideMS = 50.0
	Stretch  = 1.15

	stretchFrom = 1000 // edges: fewer are too far from people, whatever the trees
)

// Fill adds what came of r to run.
func (r *Result) Fill(run *report.Run) {
	id := fmt.Sprintf("edges-%d", r.Config.Edges)

	decide := &report.Result{ID: id + "-decide", Target: "<= 50 ms, first and again"}
	decide.AtMost("first_ms", report.Round(report.MS(r.First), 1), DecideMS)
	decide.AtMost("again_ms", report.Round(report.MS(r.Again), 1), DecideMS)
	decide.Load = r.Load
	decide.Void = !decide.OK() && r.Load.Starved() // others add to the time, and never take from it
	decide.Set("streams", r.Config.Streams)
	decide.Set("regions", r.Regions)
	decide.Set("edges_that_pull", r.Demands)

	stretch := &report.Result{ID: id + "-stretch"}
	if median := report.Round(r.Stretch[0], 3); r.Config.Edges >= stretchFrom {
		stretch.Target = "median <= 1.15 of the direct path"
		stretch.AtMost("median", median, Stretch)
	} else {
		stretch.Set("median", median)
	}
	stretch.Set("p95", report.Round(r.Stretch[1], 3))
	stretch.Set("p99", report.Round(r.Stretch[2], 3))
	stretch.Set("median_ms", report.Round(r.MS[0], 1))
	stretch.Set("p95_ms", report.Round(r.MS[1], 1))
	stretch.Set("p99_ms", report.Round(r.MS[2], 1))

	trees := &report.Result{ID: id + "-trees", Target: "nothing broken"}
	trees.AtMost("broken", float64(r.Broken), 0)
	for _, hops := range slices.Sorted(maps.Keys(r.Depth)) {
		trees.Set(fmt.Sprintf("depth_%d", hops), r.Depth[hops])
	}
	trees.Set("crossings_a_stream", report.Round(r.Crossings, 2))
	trees.Set("saved", report.Round(r.Saved, 3))
	trees.Set("edges_without_a_hub", r.Short)

	seats := &report.Result{ID: id + "-seats", Target: "all have a seat, as far as there are seats"}
	seats.AtLeast("seated", float64(r.Seated), float64(min(r.Config.Viewers, r.Seats)))
	seats.Set("viewers", r.Config.Viewers)
	seats.Set("seats", r.Seats)

	run.Goals = append(run.Goals, decide, stretch, trees, seats)
	for _, e := range r.Events {
		if e.What != "an edge dies" {
			run.Goals = append(run.Goals, e.result(id))
		}
	}
	if edges := r.Failures(); len(edges) > 0 {
		run.Goals = append(run.Goals, failures(id, edges))
	}
}

var eventIDs = map[string]string{
	"busiest edge dies": "busiest-edge", "hub of most streams dies": "busiest-hub", "origin of most streams dies": "busiest-origin",
	"region is lost": "region", "busiest edge drains": "drain",
}

func (e Event) result(id string) *report.Result {
	g := &report.Result{ID: id + "-" + eventIDs[e.What], Target: "only its own viewers move"}
	g.Set("what", e.What)
	g.Set("whom", e.Whom)
	g.Set("viewers", e.There)
	g.Set("moved", e.Moved)
	g.AtMost("others", float64(e.Others), 0)
	g.Set("unseated", e.Unseated)
	g.Set("pulled_anew", e.Pulled)
	g.Set("of", e.Pulls)
	g.Set("median_stretch", report.Round(e.Stretch, 3))
	g.Set("decide_ms", report.Round(report.MS(e.Decide), 1))
	g.AtMost("broken", float64(e.Broken), 0)
	return g
}

// failures is one result of single edges that die.
func failures(id string, edges []Event) *report.Result {
	g := &report.Result{ID: id + "-edges", Target: "only its own viewers move"}
	var there, moved, pulled, others, broken int
	mostMoved, mostPulled := 0, 0
	for _, e := range edges {
		there, moved, pulled = there+e.There, moved+e.Moved, pulled+e.Pulled
		others, broken = others+e.Others, broken+e.Broken
		mostMoved, mostPulled = max(mostMoved, e.Moved), max(mostPulled, e.Pulled)
	}
	n := float64(len(edges))
	g.Set("failures", len(edges))
	g.Set("viewers_mean", report.Round(float64(there)/n, 1))
	g.Set("moved_mean", report.Round(float64(moved)/n, 1))
	g.Set("moved_most", mostMoved)
	g.AtMost("others", float64(others), 0)
	g.Set("pulled_anew_mean", report.Round(float64(pulled)/n, 1))
	g.Set("pulled_anew_most", mostPulled)
	g.AtMost("broken", float64(broken), 0)
	return g
}
