package egress

import (
	"fmt"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
)

// What a throng of joins may ask of the publisher, and how soon it has a picture.
const (
	throngAsks    = 1.    // key frames a second
	throngPicture = 1000. // ms, the median
)

// A throng is many viewers who come one after the other and go again soon: an edge on one machine has no room for all of
// them at once.
type throng struct {
	viewers, wave int     // in all, and how many come before the first of them go
	ramp          float64 // viewers a second
	settle        time.Duration
}

func throngRow() stand.Row {
	t := throng{viewers: 10_000, wave: 500, ramp: 175, settle: 100 * time.Millisecond}
	return stand.Row{
		ID: "throng", Gives: []string{"throng-failed", "throng-asks", "throng-picture"}, Run: t.run,
		About: fmt.Sprintf("%d viewers join in about a minute, %d at a time: what they ask of the publisher, and when they see something", t.viewers, t.wave),
	}
}

func (t throng) run(b *stand.Bench) []*report.Result {
	b.Helper()
	m := newRoomyMesh(b)
	one := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: 1, Settle: t.settle}) // who keeps the stream here
	before, begun := keysAsked(m.raw), time.Now()
	var waves []*crowd
	for came := 0; came < t.viewers; came += t.wave {
		c := enter(b, load.SwarmConfig{URL: m.whep(), Viewers: t.wave, Ramp: t.ramp, Mode: load.ModeFiltered, Settle: t.settle})
		c.stop() // they leave while the next ones come
		waves = append(waves, c)
		b.Tell("%d viewers have come in %v, the publisher was asked for %d key frames", came+t.wave, time.Since(begun).Round(time.Second), keysAsked(m.raw)-before)
	}
	took := time.Since(begun).Seconds()
	asks := float64(keysAsked(m.raw)-before) / took
	one.leave()

	joined, wrong := 0, 0
	var p50, p99 []float64
	causes := map[load.End]int{}
	for _, c := range waves {
		r := c.leave()
		joined, wrong = joined+r.Joined, wrong+r.Failed
		for end, n := range r.Failures {
			causes[end] += n
		}
		p50, p99 = append(p50, r.FirstPicture.P50), append(p99, r.FirstPicture.P99)
	}
	failed := report.GoalAtMost("throng-failed", "viewers", float64(wrong), 0)
	failed.Set("joined", joined)
	failed.Set("seconds", report.Round(took, 1))
	failed.Set("causes", reasons(causes))
	rate := report.GoalAtMost("throng-asks", "1/s", report.Round(asks, 3), throngAsks)
	picture := report.GoalAtMost("throng-picture", "ms", percentile(p50, .5), throngPicture)
	picture.Repeats("value", p50...)
	picture.Set("p99_ms", percentile(p99, .5))
	return []*report.Result{failed, rate, picture}
}

// keysAsked is how many key frames a publisher was asked for.
func keysAsked(raw *load.Raw) (n int64) {
	for _, l := range raw.Stats().Layers {
		n += l.PLI + l.FIR
	}
	return n
}
