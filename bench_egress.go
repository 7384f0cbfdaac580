package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"freshet/bench/egress"
	"freshet/bench/report"
	"freshet/bench/stand"
)

type benchEgressCommand struct {
	Only   []string      `placeholder:"ID" help:"Rows or results to measure, * for any letters. Default all."`
	List   bool          `help:"Print what there is to measure, and measure nothing."`
	For    time.Duration `placeholder:"TIME" help:"Measure each row that has a length for so long. Default the row's own."`
	Output string        `enum:"text,json" default:"json" help:"Print json lines on standard output and text on standard error, or text alone."`
	To     string        `placeholder:"DIR" help:"Write the run to DIR as egress.json (for freshet bench compare) and egress.html."`
}

// Help is what follows the first line of the command's help.
func (*benchEgressCommand) Help() string {
	return `It measures what an edge's viewers cost, and that none of them suffers from the others, each goal as a ratio to something of the same run: a bare loop that seals and sends the same bytes, a naive server of the same WebRTC library, the same viewers a moment before. Some rows have fake viewers, with made-up keys and sockets that nobody reads; others real sessions, with ICE, DTLS and SRTP, between processes of their own. The list says which. "bench/README.md" says what each figure is.

    freshet bench egress --list
    freshet bench egress --only 'mix-*' --for 10s
    freshet bench egress --only slope,sessions --to .build/egress
    freshet bench compare before/egress.json after/egress.json

Measure on an otherwise idle machine: a result from a busy one is marked void. The exit code is 0 where every goal was reached.`
}

// Run measures until all is done or the program is told to stop.
func (c *benchEgressCommand) Run(p *program) (err error) {
	rows := egress.Rows()
	if len(rows) == 0 {
		return errors.New("measuring an edge's egress needs Linux")
	}
	if c.List {
		return stand.List(p.stdout, rows)
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	cfg := stand.Config{
		Only: c.Only, For: c.For, JSON: c.Output == outputJSON, Binary: binary,
		Stdout: p.stdout, Stderr: p.stderr,
	}
	if err := cfg.Validate(rows); err != nil {
		return &configError{err}
	}
	if c.To == "" {
		return stand.Run(p.ctx, cfg, rows)
	}
	if err := os.MkdirAll(c.To, 0o750); err != nil { // before the run, not after it
		return badConfig("to", "%w", err)
	}
	cfg.Report = report.New("Egress of an edge", thisBuild().Version, os.Args, time.Now())
	err = stand.Run(p.ctx, cfg, rows)
	cfg.Report.Finish(time.Now())
	return errors.Join(err, writeRun(c.To, "egress", cfg.Report))
}

// writeRun writes run to dir as name.json and as one page, name.html.
func writeRun(dir, name string, run *report.Run) error {
	for _, as := range []struct {
		suffix string
		write  func(io.Writer) error
	}{{".json", run.WriteJSON}, {".html", run.WriteHTML}} {
		f, err := os.Create(filepath.Join(dir, name+as.suffix))
		if err != nil {
			return err
		}
		if err := errors.Join(as.write(f), f.Close()); err != nil {
			return fmt.Errorf("write %s: %w", f.Name(), err)
		}
	}
	return nil
}

type egressPartCommand struct {
	Name string `arg:"" help:"Which part."`
}

// Run is one of the processes of bench egress.
func (c *egressPartCommand) Run(p *program) error {
	return egress.Part(p.ctx, c.Name, os.Stdin, p.stdout)
}
