package relay

import (
	"fmt"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
)

// silence is how long a publisher says nothing.
const silence = 10 * time.Second

func silentRow() stand.Row {
	return stand.Row{ID: "silent", About: fmt.Sprintf("a publisher that says nothing for %v, below it two ways to one edge", silence), Run: runSilent}
}

// twoWays is an edge with two upstreams of equal worth.
func twoWays() testmesh.Topology {
	return testmesh.Topology{Edges: []testmesh.Edge{
		{Name: "a"}, {Name: "b"}, {Name: "last", Upstreams: []string{"a", "b"}},
	}}
}

// mediaPace is what tells media from signs of life on a path: bytes in a tenth of a second.
const mediaPace = 8_000

// runSilent sees that nobody looks for another upstream: neither loses one nor takes a second one.
func runSilent(b *stand.Bench) []*report.Result {
	l := newLab(b, twoWays(), impair.Path{}, load.Simulcast(), "last")
	last := l.Last()
	at := l.watch(last)
	seen := l.viewer(last)
	l.viewer(l.Node("b")) // b carries the stream as well, and could take over at once
	l.waitLive(last)
	l.waitLive(l.Node("b"))
	b.During(warm, "begin")

	count := func() (losses float64) {
		for _, n := range l.Edges {
			losses += b.Scrape(n.URL).Sum("freshet_relay_upstream_losses_total")
		}
		return losses
	}
	sent, other := l.rings[testmesh.Origin], l.paths["last b"]
	losses := count()
	_, before := other.Stats()
	l.raw.Silence(true)
	most, had := uint64(0), before.In.Bytes
	for begun := time.Now(); time.Since(begun) < silence; {
		b.During(100*time.Millisecond, "silent")
		_, now := other.Stats()
		most, had = max(most, now.In.Bytes-had), now.In.Bytes
	}
	l.raw.Silence(false)
	from := sent.mark()
	for range 30 {
		b.During(100*time.Millisecond, "media again")
		_, now := other.Stats()
		most, had = max(most, now.In.Bytes-had), now.In.Bytes
	}
	to := sent.mark()
	l.settle(0)

	r := &report.Result{ID: "silent", Target: "no upstream lost, no second one taken, all of what comes after"}
	after := sent.passed(at, from, to)
	r.Set("silent_ms", report.MS(silence))
	r.AtMost("upstreams_lost", count()-losses, 0)
	r.AtMost("other_path_bytes_100ms", float64(most), mediaPace)
	r.Set("n", after.sent)
	r.AtLeast("delivered", after.delivered(), 1)
	r.Set("viewer_n", sent.passed(seen, from, to).there)
	r.Want(after.sent > 0, "the publisher did not come back")
	return []*report.Result{r}
}
