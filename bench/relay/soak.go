package relay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

// A soak's pace and what it holds a node to.
const (
	soakLength  = 10 * time.Minute
	soakLoss    = .01
	soakRTT     = 100 * time.Millisecond
	soakChange  = 30 * time.Second
	soakSample  = 5 * time.Second
	soakCut     = 300 * time.Millisecond
	soakHeap    = 1.2                     // most of the last third over the second: what a leak of minutes passes
	soakSlack   = 2 << 20                 // bytes that a heap may move by itself
	soakThreads = 20                      // goroutines that may come and go
	soakGap     = 1500 * time.Millisecond // longest that the viewer may wait, a cut included
)

func soakRow() stand.Row {
	return stand.Row{
		ID: "soak", Extra: true, Run: runSoak,
		About: fmt.Sprintf("two hops of processes at %g %% loss, whose paths change each %v; 10 minutes, or --for", 100*soakLoss, soakChange),
	}
}

// A health is what one node said of itself at one time.
type health struct {
	heap, resident, goroutines float64
	window                     float64 // bytes, of all its connections downwards
	sent                       float64 // bytes of RTP so far
	need                       float64 // bytes that its window must hold: what it sends in a round trip of its path
}

// runSoak watches memory, goroutines and windows of three nodes while the paths between them change.
func runSoak(b *stand.Bench) []*report.Result {
	dir := b.TempDir()
	path := impair.Path{Delay: soakRTT / 2, Loss: soakLoss}
	origin := b.Node(dir, "origin", testmesh.Origin, "--stream", benchStream+"="+benchKey)
	first := proxy(b, origin.Relay, path, path)
	middle := b.Node(dir, "edge", "middle", "--shards", "1", "--upstream", testmesh.Origin+"="+first.Addr().String())
	second := proxy(b, middle.Relay, path, path)
	last := b.Node(dir, "edge", "last", "--shards", "1", "--upstream", "middle="+second.Addr().String())
	nodes, paths := []*stand.Process{origin, middle, last}, []*impair.Proxy{first, second} // a path is below the node of its place
	publish(b, origin, benchStream, load.Simulcast())
	var seen watchedBy
	b.Background("viewer", func(ctx context.Context) error {
		watchAgain(ctx, load.PlayConfig{URL: last.WHEP(benchStream), Packet: seen.packets.packet, Arrivals: &seen.frames}, b)
		return nil
	})
	b.Until("pictures at the viewer", patience, func() bool { return seen.packets.mark()[soundLayer] > 100 })
	b.During(warm, "begin")

	length, rng := b.Length(soakLength), rand.New(rand.NewPCG(1, 1))
	begun, changed, from := time.Now(), time.Now(), seen.packets.mark()
	var history [3][]health
	changes, longest := 0, time.Duration(0)
	for time.Since(begun) < length {
		b.During(min(soakSample, max(time.Millisecond, length-time.Since(begun))), "soak")
		now := time.Now()
		for i, p := range nodes {
			h := healthOf(b, p)
			if n := len(history[i]); n > 0 && i < len(paths) {
				up, down := paths[i].Paths()
				h.need = (h.sent - history[i][n-1].sent) / soakSample.Seconds() * (up.Delay + down.Delay).Seconds()
			}
			history[i] = append(history[i], h)
		}
		gap, _, _ := seen.frames.Longest(stream.Audio, now.Add(-soakSample), now)
		longest = max(longest, gap)
		if now.Sub(changed) < soakChange {
			continue
		}
		changed = now
		what := disturb(b, paths[changes%2], changes, rng)
		changes++
		b.Tell("soak: %v of %v, change %d: %s; last edge: heap %.1f MB, %.0f goroutines; windows %.0f and %.0f kB; longest gap %v",
			time.Since(begun).Round(time.Second), length, changes, what, history[2][len(history[2])-1].heap/1e6,
			history[2][len(history[2])-1].goroutines, history[0][len(history[0])-1].window/1e3, history[1][len(history[1])-1].window/1e3,
			longest.Round(time.Millisecond))
	}
	to := seen.packets.mark()
	b.During(time.Second, "stragglers")

	r := &report.Result{ID: "soak", Target: "flat memory and goroutines, windows steady, sound whole"}
	r.Set("seconds", length.Seconds())
	r.Set("loss", soakLoss)
	r.Set("changes", changes)
	r.Set("n", to[soundLayer]-from[soundLayer])
	r.AtMost("audio_missing", float64(seen.packets.holes(soundLayer, from, to)), 0)
	twice, _ := seen.packets.repeated()
	r.Set("viewer_repeated", twice) // who goes down to a layer gets its newest group again
	r.AtMost("audio_gap_max_ms", report.MS(longest), report.MS(soakGap))
	for i, p := range nodes {
		steady(r, p.Name, history[i], i < len(paths))
	}
	return []*report.Result{r}
}

// watchedBy is what one viewer got.
type watchedBy struct {
	packets arrivals
	frames  load.Arrivals
}

// healthOf asks p how it is.
func healthOf(b *stand.Bench, p *stand.Process) health {
	m := b.Scrape(p.URL)
	return health{
		heap: m.Sum("go_memstats_heap_alloc_bytes"), resident: m.Sum("process_resident_memory_bytes"),
		goroutines: m.Sum("go_goroutines"), window: m.Sum(windowMetric, downwards), sent: m.Sum("freshet_relay_sent_bytes_total"),
	}
}

// disturb changes a path as the n-th change asks, and says how: another delay and loss, a new outer address,
// a short cut, one after the other.
func disturb(b *stand.Bench, p *impair.Proxy, n int, rng *rand.Rand) string {
	up, down := p.Paths()
	switch n / 2 % 4 { // both paths get each kind
	case 0:
		up.Delay = time.Duration(20+rng.IntN(80)) * time.Millisecond
		down.Delay = up.Delay
		p.Set(up, down)
		return fmt.Sprintf("delay %v each way", up.Delay)
	case 1:
		p.Rebind()
		return "new outer address"
	case 2:
		up.Loss = soakLoss * (.5 + 1.5*rng.Float64())
		down.Loss = up.Loss
		p.Set(up, down)
		return fmt.Sprintf("loss %.1f %%", 100*up.Loss)
	}
	p.Set(impair.Path{Cut: true}, impair.Path{Cut: true})
	b.During(soakCut, "cut")
	up.Delay, up.Loss = soakRTT/2, soakLoss
	p.Set(up, up)
	return fmt.Sprintf("cut for %v, then as at first", soakCut)
}

// steady judges a node's history: its middle third against its last, so that what a node takes at its start
// is no growth. A heap's median stands for what lives in it: garbage comes and goes in the course of a sample.
func steady(r *report.Result, name string, all []health, serves bool) {
	if len(all) < 6 {
		r.Want(false, "%s: too short to tell: %d samples", name, len(all))
		return
	}
	third := len(all) / 3
	middle, last := all[third:2*third], all[2*third:]
	of := func(part []health, field func(health) float64) float64 {
		var v []float64
		for _, h := range part {
			v = append(v, field(h))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	heap := func(h health) float64 { return h.heap }
	threads := func(h health) float64 { return h.goroutines }
	window := func(h health) float64 { return h.window }
	r.Set(name+"_heap_bytes", of(middle, heap))
	r.AtMost(name+"_heap_end_bytes", of(last, heap), soakHeap*of(middle, heap)+soakSlack)
	r.Set(name+"_rss_end_bytes", of(last, func(h health) float64 { return h.resident }))
	r.Set(name+"_goroutines", of(middle, threads))
	r.AtMost(name+"_goroutines_end", of(last, threads), of(middle, threads)+soakThreads)
	if serves {
		r.Set(name+"_window_bytes", of(middle, window))
		r.Set(name+"_window_need_bytes", report.Round(of(last, func(h health) float64 { return h.need }), 0))
		r.AtLeast(name+"_window_end_bytes", of(last, window), report.Round(of(last, func(h health) float64 { return h.need }), 0))
	}
}
