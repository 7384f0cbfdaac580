package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"freshet/bench/report"
	"freshet/bench/stand"
)

// Parts of a measurement with fake viewers, each a process.
const (
	partSinks = "sinks"
	partEdge  = "edge"
	partFloor = "floor"
)

// Part runs one part, which speaks with whoever started it by in and out.
func Part(ctx context.Context, name string, in io.Reader, out io.Writer) error {
	p := newPipe(in, out)
	switch name {
	case partSinks:
		return runSinks(ctx, p)
	case partEdge:
		return runEdge(ctx, p)
	case partFloor:
		return runFloor(ctx, p)
	}
	return fmt.Errorf("no part %q", name)
}

// A part that runs.
type part struct {
	*pipe
	end func() error // lets it go and waits for it
}

// A crew starts the parts of a row.
type crew struct {
	start  func(ctx context.Context, name string, procs int) (*part, error) // procs: processors it may use, 0: all
	tell   func(format string, args ...any)
	shards int
}

// fakeRow is a row of fake viewers whose parts are processes.
func fakeRow(id string, gives []string, about string, of func(*stand.Bench) audience, results func(*finding) ([]*report.Result, error)) stand.Row {
	return stand.Row{ID: id, Gives: gives, About: about, Run: func(b *stand.Bench) []*report.Result {
		c := crew{start: processes(b.Config.Binary, b.Output()), tell: b.Tell, shards: runtime.NumCPU()}
		f, err := c.measure(b.Context(), of(b))
		if err != nil {
			b.Fatal(err)
		}
		for _, each := range f.floors {
			if len(each.Frame) > 0 {
				b.Work(median(each.Frame))
			}
		}
		all, err := results(f)
		if err != nil {
			b.Fatal(err)
		}
		return all
	}}
}

// processes returns how parts are started as processes of binary.
func processes(binary string, stderr io.Writer) func(context.Context, string, int) (*part, error) {
	return func(ctx context.Context, name string, procs int) (*part, error) {
		cmd := exec.CommandContext(ctx, binary, "bench", "egress-part", name)
		if procs > 0 {
			cmd.Env = append(cmd.Environ(), "GOMAXPROCS="+strconv.Itoa(procs))
		}
		cmd.Stderr = stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
		end := func() error {
			_ = in.Close() // it may have ended
			if err := cmd.Wait(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		return &part{newPipe(out, in), end}, nil
	}
}

// An audience is some fake viewers and what is done with them.
type audience struct {
	viewers int
	cm      bool
	every   int           // one in so many of each shard's is watched; 0: none
	key     int           // packets of the edge's key frames
	keys    int           // key frames that the bare loops send, before and after; 0: they send the load
	floor   time.Duration // of each of their windows, at least
	windows int
	each    time.Duration
}

// A finding is what came of an audience.
type finding struct {
	audience
	floors []floorFound // before and after
	plain  []arrival    // of the bare loops' key frames
	edge   edgeFound
	sinks  sinksFound
}

// measure opens the sinks, runs the floor, an edge, and the floor again.
func (c *crew) measure(ctx context.Context, a audience) (f *finding, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sinks, err := c.start(ctx, partSinks, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sinks.end()) }()
	var to sinksReady
	if err := errors.Join(sinks.say(sinksOrder{a.viewers, c.shards, a.every, a.cm, a.key == 0}), sinks.hear(&to)); err != nil {
		return nil, err
	}
	f = &finding{audience: a}
	if err := c.floor(ctx, a, to, sinks, f); err != nil {
		return nil, err
	}
	c.tell("%d fake viewers: the floor is measured, the edge's turn", a.viewers)
	if err := c.edge(ctx, a, to, sinks, f); err != nil {
		return nil, err
	}
	return f, c.floor(ctx, a, to, sinks, f)
}

// floor has a bare loop send to the sinks, or as many as the edge has shards where it sends key frames.
func (c *crew) floor(ctx context.Context, a audience, to sinksReady, sinks *part, f *finding) (err error) {
	procs := 1
	if a.keys > 0 {
		procs = c.shards
	}
	p, err := c.start(ctx, partFloor, procs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	var found floorFound
	var seen sinksFound
	if err := errors.Join(p.say(floorOrder{to.Ports, c.shards, a.keys, int(a.floor.Milliseconds())}), p.hear(&found)); err != nil {
		return err
	}
	if err := errors.Join(sinks.say(sinksAsk{}), sinks.hear(&seen)); err != nil {
		return err
	}
	f.floors, f.plain = append(f.floors, found), append(f.plain, seen.Keys...)
	return nil
}

// edge has an edge send to the sinks, which report to it.
func (c *crew) edge(ctx context.Context, a audience, to sinksReady, sinks *part, f *finding) (err error) {
	p, err := c.start(ctx, partEdge, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	var ready edgeReady
	order := edgeOrder{Viewers: to.Ports, Shards: c.shards, CM: a.cm, Key: a.key, Windows: a.windows, Millis: int(a.each.Milliseconds())}
	if err := errors.Join(p.say(order), p.hear(&ready)); err != nil {
		return err
	}
	if err := errors.Join(sinks.say(sinksAsk(ready)), p.say(struct{}{}), p.hear(&f.edge)); err != nil {
		return err
	}
	return errors.Join(f.edge.check(), sinks.say(sinksAsk{}), sinks.hear(&f.sinks))
}

// check returns why what an edge measured says nothing.
func (f *edgeFound) check() error {
	if len(f.Windows) == 0 {
		return errors.New("the edge measured nothing")
	}
	for i, w := range f.Windows {
		if w.Sent == 0 {
			return fmt.Errorf("in window %d of %.1f s a loop of the edge did not come round once: this machine is too slow for so many viewers", i+1, w.Seconds)
		}
	}
	return nil
}

// each returns of each window what pick takes of it.
func (f *edgeFound) each(pick func(window) float64) (all []float64) {
	for _, w := range f.Windows {
		all = append(all, pick(w))
	}
	return all
}

// sum adds up what pick takes of each window.
func (f *edgeFound) sum(pick func(window) int) (n int) {
	for _, w := range f.Windows {
		n += pick(w)
	}
	return n
}

// median returns the middle one of values; of an even number, the upper one of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
