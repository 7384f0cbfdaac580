package main

import (
	"os"
	"time"

	"freshet/bench/relay"
	"freshet/bench/stand"
)

type benchRelayCommand struct {
	Only   []string      `placeholder:"ID" help:"Rows or results to measure, * for any letters. Default all but the soak."`
	List   bool          `help:"Print what there is to measure, and measure nothing."`
	For    time.Duration `placeholder:"TIME" help:"Measure each row that has a length for so long. Default the row's own, mostly 60s."`
	Times  int           `placeholder:"N" help:"Cause each fault so many times. Default 30."`
	Output string        `enum:"text,json" default:"json" help:"Print json lines on standard output and text on standard error, or text alone."`
}

// Help is what follows the first line of the command's help.
func (*benchRelayCommand) Help() string {
	return `It sets up one mesh after another, in this process or as processes of its own, with a publisher and viewers at the ends and impaired paths between nodes, and measures what came through, how late, and at what cost. All of them takes about an hour. "bench/README.md" says what each figure is.

    freshet bench relay --list
    freshet bench relay --only 'loss-2-*' --for 30s
    freshet bench relay --only kill,freeze,cut --times 5

Measure on an otherwise idle machine: a result from a busy one is marked void. The exit code is 0 where every target was reached.`
}

// Run measures until all is done or the program is told to stop.
func (c *benchRelayCommand) Run(p *program) error {
	rows := relay.Rows()
	if c.List {
		return stand.List(p.stdout, rows)
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	cfg := stand.Config{
		Only: c.Only, For: c.For, Times: c.Times, JSON: c.Output == outputJSON, Binary: binary,
		Stdout: p.stdout, Stderr: p.stderr,
	}
	if err := cfg.Validate(rows); err != nil {
		return &configError{err}
	}
	return stand.Run(p.ctx, cfg, rows)
}

type forwardCommand struct {
	CA     string `required:"" placeholder:"DIR" help:"Directory of the cluster's CA."`
	Listen string `required:"" placeholder:"HOST:PORT" help:"UDP address to listen on."`
	Target string `required:"" placeholder:"HOST:PORT" help:"UDP address of who takes the datagrams."`
}

// Run forwards until the first connection ends or the program is told to stop.
func (c *forwardCommand) Run(p *program) error {
	return relay.Forward(p.ctx, relay.ForwardConfig{CA: c.CA, Listen: c.Listen, Target: c.Target}, p.stdout)
}
