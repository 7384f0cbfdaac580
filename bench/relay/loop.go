package relay

import (
	"context"
	"fmt"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

// Two edges that are each other's second upstream lose the first one together, again and again.
const (
	loopTimes  = 5
	loopLasts  = 3 * time.Second
	loopWithin = 5 * time.Second // from the paths' return until a viewer below has media again
)

func loopRow() stand.Row {
	return stand.Row{
		ID: "loop", Run: runLoop,
		About: fmt.Sprintf("two edges that would take the stream from each other, both cut off from the origin for %v", loopLasts),
	}
}

// runLoop sees that the two never settle on each other: what they took from one another nobody sends, and no
// return of the origin would end it.
func runLoop(b *stand.Bench) []*report.Result {
	dir := b.TempDir()
	origin := b.Node(dir, "origin", testmesh.Origin, "--stream", benchStream+"="+benchKey)
	var paths [2]*impair.Proxy
	var edges [2]*stand.Process
	for i, name := range []string{"a", "b"} {
		paths[i] = proxy(b, origin.Relay, impair.Path{}, impair.Path{})
		args := []string{"--shards", "1", "--upstream", testmesh.Origin + "=" + paths[i].Addr().String()}
		if i > 0 {
			args = append(args, "--upstream", "a="+edges[0].Relay)
		}
		edges[i] = b.Node(dir, "edge", name, args...)
	}
	edges[0].Stop() // that it has the other one as its second, whose address was not known before
	edges[0].Start("--upstream", "b="+edges[1].Relay)
	last := b.Node(dir, "edge", "last", "--shards", "1", "--upstream", "a="+edges[0].Relay, "--upstream", "b="+edges[1].Relay)
	publish(b, origin, benchStream, oneLayer())
	var seen watchedBy
	b.Background("viewer at b", func(ctx context.Context) error {
		watchAgain(ctx, load.PlayConfig{URL: edges[1].WHEP(benchStream), NoVideo: true}, b)
		return nil
	})
	b.Background("viewer", func(ctx context.Context) error {
		watchAgain(ctx, load.PlayConfig{URL: last.WHEP(benchStream), Packet: seen.packets.packet, Arrivals: &seen.frames}, b)
		return nil
	})
	flowing := func() bool {
		now := time.Now()
		gap, n, ok := seen.frames.Longest(stream.Audio, now.Add(-500*time.Millisecond), now)
		return ok && n > 15 && gap < 200*time.Millisecond
	}
	var longest time.Duration
	stuck := 0
	for i := range loopTimes {
		b.Until("media at the viewer", mendWithin, flowing)
		b.During(warm, "all is well")
		for _, p := range paths {
			p.Set(cutPath, cutPath)
		}
		b.During(loopLasts, "cut off")
		back := time.Now()
		for _, p := range paths {
			p.Set(impair.Path{}, impair.Path{})
		}
		for !flowing() && time.Since(back) < 4*loopWithin {
			b.During(20*time.Millisecond, "media again")
		}
		took := time.Since(back)
		b.Tell("loop %d of %d: media %v after the paths' return", i+1, loopTimes, took.Round(time.Millisecond))
		longest = max(longest, took)
		if took >= 4*loopWithin {
			stuck++
		}
	}
	r := &report.Result{ID: "loop", Target: fmt.Sprintf("media again within %v of the paths' return, each time", loopWithin)}
	r.Set("times", loopTimes)
	r.AtMost("stuck", float64(stuck), 0)
	r.AtMost("back_max_ms", report.MS(longest), report.MS(loopWithin))
	refused := 0.
	for _, p := range edges {
		refused += b.Scrape(p.URL).Sum("freshet_relay_refused_total", `reason="loop"`)
	}
	r.Set("loops_refused", refused)
	twice, _ := seen.packets.repeated()
	r.Set("viewer_repeated", twice)
	return []*report.Result{r}
}
