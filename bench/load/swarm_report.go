package load

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"freshet/bench/report"
)

// Fill writes r into run: what was real and what was not, the totals, the bounds as goals, and a row a viewer.
func (r *SwarmResult) Fill(run *report.Run) {
	run.Real = append(run.Real,
		fmt.Sprintf("%d sessions by WHEP, each with ICE, DTLS 1.2 and SRTP of its own; SRTP offered: %s.", r.Wanted, r.SRTP),
		"Each viewer was started when it was due, whether or not those before had joined; times count from there.")
	for _, s := range r.LeavesOut {
		run.Simulated = append(run.Simulated, "Mode "+string(r.Mode)+": "+s+".")
	}
	run.Goals = append(run.Goals, r.totals())
	for _, b := range r.Bounds {
		if b.Value == nil {
			run.Goals = append(run.Goals, &report.Result{ID: b.Name, Target: "<= " + report.Number(b.Limit), Err: "nothing to measure it by"})
			continue
		}
		run.Goals = append(run.Goals, report.GoalAtMost(b.Name, b.Unit, *b.Value, b.Limit))
	}
	run.Viewers.Columns = nil
	for _, c := range viewerColumns {
		run.Viewers.Columns = append(run.Viewers.Columns, c.Column)
	}
	for i := range r.Viewers {
		row := make([]float64, len(viewerColumns))
		for j, c := range viewerColumns {
			row[j] = c.of(&r.Viewers[i])
		}
		run.Viewers.Add(row...)
	}
}

// totals are the figures of all viewers together.
func (r *SwarmResult) totals() *report.Result {
	t := &report.Result{ID: "swarm", Target: "no bound: what all viewers together came to"}
	t.Set("viewers", r.Wanted)
	t.Set("ramp_per_s", r.Ramp)
	t.Set("steady_s", report.Round(r.SteadySeconds, 3))
	t.Set("stopped_early", r.Stopped)
	t.Set("joined", r.Joined)
	t.Set("failed", r.Failed)
	for _, end := range slices.Sorted(maps.Keys(r.Failures)) {
		t.Set("failed "+string(end), r.Failures[end])
	}
	t.Set("packets_per_s", report.Round(r.PacketRate, 3))
	t.Set("mbit_per_s", report.Round(r.Bitrate/1e6, 3))
	t.Set("lost", int(r.Lost))
	t.Set("dropped_here", int(r.Dropped))
	t.Set("freezes", int(r.Freezes))
	if d := r.Delay; d != nil {
		t.Set("delay_p50_ms", report.Round(d.P50, 3))
		t.Set("delay_p99_ms", report.Round(d.P99, 3))
	}
	if s := r.Server; s != nil {
		t.Set("server_cores", report.Round(s.Cores, 3))
		t.Set("server_us_per_packet", report.Round(s.MicrosPerPacket, 3))
		t.Set("server_rss_mb", report.Round(float64(s.RSS)/1e6, 3))
		t.Set("server_kb_per_viewer", report.Round(s.RSSPerViewer/1e3, 3))
		t.Set("server_threads", s.Threads)
	}
	t.Set("own_cores", report.Round(r.Own.Cores, 3))
	t.Set("own_rss_mb", report.Round(float64(r.Own.RSS)/1e6, 3))
	return t
}

// A viewerColumn is one figure of a viewer.
type viewerColumn struct {
	report.Column
	of func(*ViewerRecord) float64 // NaN where it was not measured
}

var viewerColumns = []viewerColumn{
	{report.Column{Name: "due", Unit: "ms"}, func(v *ViewerRecord) float64 { return v.Due }},
	{report.Column{Name: "started late", Unit: "ms"}, func(v *ViewerRecord) float64 { return v.Late }},
	{report.Column{Name: "answer", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return reached(v.Answer) }},
	{report.Column{Name: "ICE", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return reached(v.ICE) }},
	{report.Column{Name: "DTLS", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return reached(v.DTLS) }},
	{report.Column{Name: "first packet", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return reached(v.FirstPacket) }},
	{report.Column{Name: "first picture", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return reached(v.FirstPicture) }},
	{report.Column{Name: "failed", Better: report.Less}, func(v *ViewerRecord) float64 {
		if v.End.failed() {
			return 1
		}
		return 0
	}},
	{report.Column{Name: "packets"}, func(v *ViewerRecord) float64 { return float64(v.Packets) }},
	{report.Column{Name: "steady packets"}, func(v *ViewerRecord) float64 { return float64(v.Steady.Packets) }},
	{report.Column{Name: "bytes"}, func(v *ViewerRecord) float64 { return float64(v.Bytes) }},
	{report.Column{Name: "frames"}, func(v *ViewerRecord) float64 { return float64(v.Frames) }},
	{report.Column{Name: "damaged", Better: report.Less}, func(v *ViewerRecord) float64 { return float64(v.Damaged) }},
	{report.Column{Name: "lost", Better: report.Less}, func(v *ViewerRecord) float64 { return float64(v.Lost) }},
	{report.Column{Name: "repaired"}, func(v *ViewerRecord) float64 { return float64(v.Repaired) }},
	{report.Column{Name: "repeated"}, func(v *ViewerRecord) float64 { return float64(v.Repeated) }},
	{report.Column{Name: "dropped here"}, func(v *ViewerRecord) float64 { return float64(v.Dropped) }},
	{report.Column{Name: "freezes", Better: report.Less}, func(v *ViewerRecord) float64 { return float64(v.Freezes) }},
	{report.Column{Name: "frozen", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return v.Frozen }},
	{report.Column{Name: "longest gap", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return reached(v.LongestGap) }},
	{report.Column{Name: "jitter", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return reached(v.Jitter) }},
	{report.Column{Name: "delay p50", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return measured(v.DelayP50) }},
	{report.Column{Name: "delay p99", Unit: "ms", Better: report.Less}, func(v *ViewerRecord) float64 { return measured(v.DelayP99) }},
}

// reached is ms, or NaN where it did not come to that.
func reached(ms float64) float64 {
	if ms == 0 {
		return math.NaN()
	}
	return ms
}

func measured(ms *float64) float64 {
	if ms == nil {
		return math.NaN()
	}
	return *ms
}
