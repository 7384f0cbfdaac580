package egress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Config says what to run.
type Config struct {
	Viewers []int         // audiences, each measured by itself
	For     time.Duration // of each measurement
	Shards  int
	Binary  string // the freshet whose hidden commands are the parts

	Stdout, Stderr io.Writer
}

// A Goal is one figure and what is asked of it; a line of JSON.
type Goal struct {
	ID     string  `json:"id"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Target string  `json:"target,omitempty"`
	OK     bool    `json:"ok"`
}

// ErrMissed says that a goal was missed.
var ErrMissed = errors.New("goals missed")

// Parts of the measurement, each a process.
const (
	PartSinks = "sinks"
	PartEdge  = "edge"
	PartFloor = "floor"
)

// Part runs one part, which speaks with whoever started it by in and out.
func Part(ctx context.Context, name string, in io.Reader, out io.Writer) error {
	p := newPipe(in, out)
	switch name {
	case PartSinks:
		return Sinks(ctx, p)
	case PartEdge:
		return Edge(ctx, p)
	case PartFloor:
		return runFloor(p)
	}
	return fmt.Errorf("no part %q", name)
}

func runFloor(p *pipe) error {
	var to sinksReady
	if err := p.hear(&to); err != nil {
		return err
	}
	f, err := newFloor(to.Ports)
	if err != nil {
		return err
	}
	each, err := f.measure()
	if err = errors.Join(err, f.close()); err != nil {
		return err
	}
	return p.say(float64(each.Nanoseconds()) / 1e3)
}

// A part that runs.
type part struct {
	*pipe
	cmd  *exec.Cmd
	hang func() error // closes its standard input
}

func (c *Config) start(ctx context.Context, name string, env ...string) (*part, error) {
	cmd := exec.CommandContext(ctx, c.Binary, "bench", "egress-part", name)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stderr = c.Stderr
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
	return &part{newPipe(out, in), cmd, in.Close}, nil
}

// end lets the part go and waits for it.
func (p *part) end() error {
	_ = p.hang() // it may have ended
	return p.cmd.Wait()
}

// Run measures each audience of cfg and writes a line of JSON a goal. It returns ErrMissed where one was missed.
func Run(ctx context.Context, cfg Config) error {
	missed := 0
	for _, n := range cfg.Viewers {
		goals, err := cfg.audience(ctx, n)
		if err != nil {
			return fmt.Errorf("%d viewers: %w", n, err)
		}
		for _, g := range goals {
			if !g.OK {
				missed++
			}
			out := json.NewEncoder(cfg.Stdout)
			out.SetEscapeHTML(false)
			if err := out.Encode(g); err != nil {
				return err
			}
		}
	}
	if missed > 0 {
		return fmt.Errorf("%w: %d", ErrMissed, missed)
	}
	return nil
}

// audience measures the floor, an edge with n fake viewers, and the floor again.
func (c *Config) audience(ctx context.Context, n int) (goals []Goal, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sinks, err := c.start(ctx, PartSinks)
	if err != nil {
		return nil, err
	}
	var ports sinksReady
	if err := errors.Join(sinks.say(sinksOrder{n}), sinks.hear(&ports)); err != nil {
		return nil, err
	}
	c.tell("%d fake viewers: their sockets are open", n)
	before, err := c.floor(ctx, ports)
	if err != nil {
		return nil, err
	}
	c.tell("%d fake viewers: floor %.2f µs a packet", n, before)
	edge, err := c.start(ctx, PartEdge)
	if err != nil {
		return nil, err
	}
	var ready edgeReady
	order := edgeOrder{Viewers: ports.Ports, Shards: c.Shards, Millis: int(c.For.Milliseconds())}
	if err := errors.Join(edge.say(order), edge.hear(&ready), sinks.say(feedbackOrder(ready)), edge.say(struct{}{})); err != nil {
		return nil, err
	}
	c.tell("%d fake viewers: measuring for %v", n, c.For)
	var found edgeFound
	var fed sinksFound
	if err := errors.Join(edge.hear(&found), edge.end(), sinks.say(struct{}{}), sinks.hear(&fed)); err != nil {
		return nil, err
	}
	after, err := c.floor(ctx, ports)
	if err = errors.Join(err, sinks.end()); err != nil {
		return nil, err
	}
	b, err := json.Marshal(found)
	if err != nil {
		return nil, err
	}
	c.tell("%d fake viewers: %s; floor %.2f and %.2f µs; feedback took %.2f cores, %d reports", n, b, before, after, fed.Cores, fed.Reports)
	return judge(n, found, min(before, after)), nil
}

func (c *Config) floor(ctx context.Context, to sinksReady) (micros float64, err error) {
	p, err := c.start(ctx, PartFloor, "GOMAXPROCS=1")
	if err != nil {
		return 0, err
	}
	return micros, errors.Join(p.say(to), p.hear(&micros), p.end())
}

func (c *Config) tell(format string, args ...any) { _, _ = fmt.Fprintf(c.Stderr, format+"\n", args...) }

// judge holds what was found to the goals of EGRESS-FINDINGS.md, section 6.
func judge(n int, f edgeFound, floor float64) []Goal {
	id := func(what string) string { return fmt.Sprintf("%s-%d", what, n) }
	atMost := func(what string, value float64, unit string, most float64) Goal {
		return Goal{id(what), value, unit, fmt.Sprintf("<= %g", most), value <= most}
	}
	sent := 1 - float64(f.Dropped)/float64(max(1, f.Asked)) // what is late by 500 ms is dropped, and counted
	return []Goal{
		{id("mix-floor"), floor, "us/packet", "", true},
		{id("mix-cost"), f.MicrosEach, "us/packet", "", true},
		atMost("mix-ratio", f.MicrosEach/floor, "ratio", 1.4),
		{id("mix-sent"), sent, "share", ">= 0.995", sent >= .995},
		atMost("mix-cores", f.Cores, "cores", 1.8),
		atMost("mix-memory", float64(f.RSS)/1e6, "MB", 150),
		{id("mix-wait-p99"), f.WaitP99, "ms", "", true},
	}
}
