package egress

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
)

// crowdStays is how much longer than the row measures a crowd may watch: the row says when it leaves.
const crowdStays = time.Hour

// A crowd is a swarm of viewers who have joined and watch until they are told to leave. It belongs to the row's
// goroutine.
type crowd struct {
	b     *stand.Bench
	stop  context.CancelFunc
	ended chan struct{}

	result *load.SwarmResult // with err, from ended on
	err    error
}

// enter has the viewers of cfg join, and returns once all of them have or have failed and those who have are
// settled. Where nobody could join, the row has failed.
func enter(b *stand.Bench, cfg load.SwarmConfig) *crowd {
	b.Helper()
	c := &crowd{b: b, ended: make(chan struct{})}
	progress := make(chan load.SwarmProgress, 1)
	cfg.For = b.Length(0) + crowdStays
	cfg.Progress = func(p load.SwarmProgress) {
		select {
		case progress <- p:
		default: // nobody looks any more
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	c.stop = stop
	go func() {
		defer close(c.ended)
		c.result, c.err = load.Swarm(ctx, cfg)
	}()
	b.Cleanup(func() { stop(); <-c.ended })
	told := time.Now()
	for {
		select {
		case p := <-progress:
			if p.Phase == "watching" {
				return c
			}
			if time.Since(told) > 10*time.Second {
				told = time.Now()
				b.Tell("%s: %d of %d viewers have joined, %d failed", p.Phase, p.Joined, p.Viewers, p.Failed)
			}
		case <-c.ended:
			if c.err != nil {
				b.Fatalf("viewers: %v", c.err)
			}
			b.Fatalf("no viewer joined: %s", reasons(c.result.Failures))
		}
	}
}

// leave has the crowd leave and returns what it saw.
func (c *crowd) leave() *load.SwarmResult {
	c.b.Helper()
	c.stop()
	<-c.ended
	if c.err != nil {
		c.b.Fatalf("viewers: %v", c.err)
	}
	return c.result
}

// reasons are why viewers failed, and how many of each, in words; empty where none did.
func reasons(failures map[load.End]int) string {
	var all []string
	for _, why := range slices.Sorted(maps.Keys(failures)) {
		all = append(all, fmt.Sprintf("%s %d", why, failures[why]))
	}
	return strings.Join(all, ", ")
}

// cores passes n windows of length and returns how many processor cores the process pid took in each.
func cores(b *stand.Bench, pid, n int, length time.Duration, what string) []float64 {
	b.Helper()
	read := func() time.Duration {
		d, err := report.CPUOf(pid)
		if err != nil {
			b.Fatalf("%s: %v", what, err)
		}
		return d
	}
	each := make([]float64, n)
	used, at := read(), time.Now()
	for i := range each {
		b.During(length, what)
		end, now := read(), time.Now()
		each[i] = (end - used).Seconds() / now.Sub(at).Seconds()
		used, at = end, now
	}
	return each
}
