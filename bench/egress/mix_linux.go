package egress

import (
	"fmt"
	"time"

	"freshet/bench/report"
	"freshet/bench/stand"
)

const (
	mixFor     = 10 * time.Second
	mixWindows = 5
	mixFloor   = 500 * time.Millisecond // of each of the bare loop's windows
)

// mixIDs are the ids of what a row whose name ends in which gives.
func mixIDs(which string) (ids []string) {
	for _, what := range []string{"floor", "floor-tick20", "cost", "ratio", "sent", "cores", "memory", "wait-p99", "feedback"} {
		ids = append(ids, mixID(what, which))
	}
	return ids
}

func mixID(what, which string) string { return fmt.Sprintf("mix-%s-%s", what, which) }

// mixRow measures so many fake viewers beside the bare loop.
func mixRow(a attendance) stand.Row {
	return fakeRow("mix-"+a.which, mixIDs(a.which), a.words+" of 1 Mbit/s, beside a bare loop that seals and sends the same",
		func(b *stand.Bench) audience { return mixAudience(a.viewers(b), b.Length(mixFor)) },
		func(f *finding) ([]*report.Result, error) { return mixResults(a.which, f), nil })
}

// mixAudience are n viewers of the load, measured for length.
func mixAudience(n int, length time.Duration) audience {
	return audience{viewers: n, windows: mixWindows, each: length / mixWindows, floor: mixFloor}
}

// mixResults holds what came of the viewers to EGRESS-FINDINGS.md, section 6.
func mixResults(which string, f *finding) []*report.Result {
	seconds := 0.
	for _, w := range f.edge.Windows {
		seconds += w.Seconds
	}
	asked := float64(f.edge.sum(func(w window) int { return w.Asked })) / max(seconds, 1e-3)
	floor, tick := f.floor()
	cost := f.edge.each(func(w window) float64 { return w.MicrosEach })
	ratio := f.edge.each(func(w window) float64 { return w.MicrosEach / median(floor) })
	cores := f.edge.each(func(w window) float64 { return w.Cores })
	memory := f.edge.each(func(w window) float64 { return report.Round(float64(w.RSS)/1e6, 2) })
	wait := f.edge.each(func(w window) float64 { return w.WaitP99 })
	bare := figure(mixID("floor-tick20", which), "us/packet", tick)
	bare.Set("cores_asked", report.Round(median(tick)*asked/1e6, 3)) // that it would take for what is asked of the edge
	busy := atMost(mixID("cores", which), "cores", cores, 1.8)
	busy.Set("viewers", f.viewers)
	return []*report.Result{
		figure(mixID("floor", which), "us/packet", floor),
		bare,
		figure(mixID("cost", which), "us/packet", cost),
		atMost(mixID("ratio", which), "ratio", ratio, 1.4),
		f.sent(mixID("sent", which)),
		busy,
		atMost(mixID("memory", which), "MB", memory, 150),
		figure(mixID("wait-p99", which), "ms", wait),
		f.feedback(mixID("feedback", which)),
	}
}

// floor returns what a packet costs the bare loop in each window before and after, frame by frame and by ticks.
func (f *finding) floor() (frame, tick []float64) {
	for _, each := range f.floors {
		frame, tick = append(frame, each.Frame...), append(tick, each.Tick...)
	}
	return frame, tick
}

// sent is the result of how much of what was due went out. What is late by 500 ms is dropped, and counted.
func (f *finding) sent(id string) *report.Result {
	share := func(w window) float64 { return 1 - float64(w.Dropped)/float64(max(1, w.Asked)) }
	asked := f.edge.sum(func(w window) int { return w.Asked })
	dropped := f.edge.sum(func(w window) int { return w.Dropped })
	r := report.GoalAtLeast(id, "share", 1-float64(dropped)/float64(max(1, asked)), .995)
	r.Repeats("value", f.edge.each(share)...)
	// A viewer that was left with sound alone is not counted as dropped. Reports are counted as sent, so this is over 1.
	r.AtLeast("of_asked", report.Round(float64(f.edge.sum(func(w window) int { return w.Sent }))/float64(max(1, asked)), 4), .99)
	r.Set("asked", asked)
	r.Set("resent", f.edge.sum(func(w window) int { return w.Resent }))
	r.Set("packets_a_message", report.Round(median(f.edge.each(func(w window) float64 { return w.PerMessage })), 2))
	return r
}

// feedback is the result of what viewers told the edge: that it took it, for what it is, and stayed calm.
func (f *finding) feedback(id string) *report.Result {
	rate := func(w window) float64 { return float64(w.Feedbacks) / w.Seconds / float64(f.viewers) }
	r := report.GoalAtLeast(id, "a viewer and second", report.Round(median(f.edge.each(rate)), 3), .9)
	r.Repeats("value", f.edge.each(rate)...)
	told := f.edge.sum(func(w window) int { return w.Feedbacks }) * packetsASecond
	r.AtMost("unknown", float64(f.edge.sum(func(w window) int { return w.Unknown }))/float64(max(1, told)), .01)
	r.AtMost("hostile", float64(f.edge.sum(func(w window) int { return w.Hostile })), 0)
	r.AtMost("switches", float64(f.edge.sum(func(w window) int { return w.Switches })), 0)
	r.Set("nacks", f.edge.sum(func(w window) int { return w.Nacks }))
	r.Set("viewers_cores", report.Round(f.sinks.Cores, 3))
	return r
}

// figure is a result without a bound: the median of values.
func figure(id, unit string, values []float64) *report.Result {
	r := &report.Result{ID: id}
	r.Set("value", report.Round(median(values), 4))
	r.Set("unit", unit)
	r.Repeats("value", values...)
	return r
}

// atMost is the result of a goal: the median of values is not over bound.
func atMost(id, unit string, values []float64, bound float64) *report.Result {
	r := report.GoalAtMost(id, unit, report.Round(median(values), 4), bound)
	r.Repeats("value", values...)
	return r
}
