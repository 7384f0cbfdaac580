package main

import (
	"errors"
	"fmt"

	"freshet/bench/report"
)

// errWorse is what bench compare ends with where a figure got worse.
var errWorse = errors.New("worse beyond noise")

type benchCompareCommand struct {
	outputFlag
	A string `arg:"" help:"Report of the first run, JSON as a bench writes it."`
	B string `arg:"" help:"Report of the second run."`
}

// Help is what follows the first line of the command's help.
func (*benchCompareCommand) Help() string {
	return `Each figure that both runs have is one line: what it was, what it is, by how much it changed, and a verdict.

    freshet bench compare before.json after.json
    freshet bench compare before.json after.json --output json

Noise is what repeats of the figure within one run differed by; for a time or a rate of work it is no less than what the same work moved by over either run, which the report states as the drift of the machine. Of a column of the viewers' tables, median and p99 are compared: noise is where their 95 % confidence intervals meet, or where they moved by less than 10 %. A figure with neither repeats nor viewers is "unsure", and worse only where it left its bound.

Other machines, other commands and busy machines are noted, not refused. The exit code is 1 where something got worse beyond noise, 78 where a file is no report.`
}

// Run compares the two runs.
func (c *benchCompareCommand) Run(p *program) error {
	a, err := report.ReadFile(c.A)
	if err != nil {
		return &configError{err}
	}
	b, err := report.ReadFile(c.B)
	if err != nil {
		return &configError{err}
	}
	changes := report.Compare(a, b)
	write := changes.WriteText
	if c.Output == outputJSON {
		write = changes.WriteJSON
	}
	if err := write(p.stdout); err != nil {
		return err
	}
	if n := changes.Worse(); n > 0 {
		return fmt.Errorf("%w: %d", errWorse, n)
	}
	return nil
}
