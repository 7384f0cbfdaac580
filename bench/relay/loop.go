package relay

import (
	"context"
	"fmt"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

// Two edges that are each other's second upstream lose the first one together, again and again.
const (
	loopTimes  = 5
	loopLasts  = 3 * time.Second
	loopWithin = 5 * time.Second // from the paths' return until a viewer below has media again
)

func loopRow() row {
	return row{
		id: "loop", run: runLoop,
		about: fmt.Sprintf("two edges that would take the stream from each other, both cut off from the origin for %v", loopLasts),
	}
}

// runLoop sees that the two never settle on each other: what they took from one another nobody sends, and no
// return of the origin would end it.
func runLoop(b *bench) []*report.Result {
	dir := b.TempDir()
	origin := b.node(dir, "origin", testmesh.Origin, "--stream", benchStream+"="+benchKey)
	var paths [2]*impair.Proxy
	var edges [2]*process
	for i, name := range []string{"a", "b"} {
		paths[i] = b.proxy(origin.relay, impair.Path{}, impair.Path{})
		args := []string{"--shards", "1", "--upstream", testmesh.Origin + "=" + paths[i].Addr().String()}
		if i > 0 {
			args = append(args, "--upstream", "a="+edges[0].relay)
		}
		edges[i] = b.node(dir, "edge", name, args...)
	}
	edges[0].stop() // that it has the other one as its second, whose address was not known before
	edges[0].args = append(edges[0].args, "--upstream", "b="+edges[1].relay)
	edges[0].start()
	last := b.node(dir, "edge", "last", "--shards", "1", "--upstream", "a="+edges[0].relay, "--upstream", "b="+edges[1].relay)
	b.publish(origin, benchStream, oneLayer())
	var seen watchedBy
	b.background("viewer at b", func(ctx context.Context) error {
		watchAgain(ctx, load.PlayConfig{URL: edges[1].whep(benchStream), NoVideo: true}, b)
		return nil
	})
	b.background("viewer", func(ctx context.Context) error {
		watchAgain(ctx, load.PlayConfig{URL: last.whep(benchStream), Packet: seen.packets.packet, Arrivals: &seen.frames}, b)
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
		b.until("media at the viewer", mendWithin, flowing)
		b.during(warm, "all is well")
		for _, p := range paths {
			p.Set(cutPath, cutPath)
		}
		b.during(loopLasts, "cut off")
		back := time.Now()
		for _, p := range paths {
			p.Set(impair.Path{}, impair.Path{})
		}
		for !flowing() && time.Since(back) < 4*loopWithin {
			b.during(20*time.Millisecond, "media again")
		}
		took := time.Since(back)
		b.tell("loop %d of %d: media %v after the paths' return", i+1, loopTimes, took.Round(time.Millisecond))
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
		refused += b.scrape(p.url).sum("freshet_relay_refused_total", `reason="loop"`)
	}
	r.Set("loops_refused", refused)
	twice, _ := seen.packets.repeated()
	r.Set("viewer_repeated", twice)
	return []*report.Result{r}
}
