// Package relay measures what the relay promises: real nodes with impaired paths between them, publishers and
// viewers by WHIP and WHEP at the ends. Each row sets up a mesh of its own, in this process (testmesh) or as
// processes of the real binary, and gives one result a target. "freshet bench relay" runs them.
//
// Delays are taken from the stamps in the packets of load.Raw, so both ends need one clock: all runs on one
// machine, whose load is part of each result.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"freshet/bench/report"
)

// ErrMissed says that a target was missed, or a run was void.
var ErrMissed = errors.New("targets missed")

// Config says what to run.
type Config struct {
	Only   []string      // ids of rows or of what they give, * and ? as in file names; empty: all but the soak
	For    time.Duration // of each row that has a length; 0: the row's own
	Times  int           // faults of each kind; 0: 30
	JSON   bool          // one JSON line a result on Stdout, and text for people on Stderr; else text on Stdout
	Binary string        // the freshet that nodes of their own process run

	Stdout, Stderr io.Writer
}

// A row is one set-up and what it gives.
type row struct {
	id    string
	gives []string // ids of the results; nil: its own alone
	about string   // what it sets up
	extra bool     // runs only where it is asked for by name
	run   func(*bench) []*report.Result
}

// ids returns the ids of the results of r.
func (r row) ids() []string {
	if r.gives == nil {
		return []string{r.id}
	}
	return r.gives
}

// matches says whether one of patterns names r or a result of it.
func (r row) matches(patterns []string) bool {
	for _, p := range patterns {
		for _, id := range append([]string{r.id}, r.ids()...) {
			if ok, _ := path.Match(p, id); ok { // Validate has seen the pattern
				return true
			}
		}
	}
	return false
}

// Validate returns what is wrong with c.
func (c Config) Validate() error {
	if c.For < 0 || c.For > 24*time.Hour || (c.For > 0 && c.For < time.Second) {
		return fmt.Errorf("for: want 1s to 24h, not %v", c.For)
	}
	if c.Times < 0 || c.Times > 1000 {
		return fmt.Errorf("times: want 1 to 1000, not %d", c.Times)
	}
	for _, p := range c.Only {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("only: %q: %w", p, err)
		}
		found := false
		for _, r := range rows() {
			found = found || r.matches([]string{p})
		}
		if !found {
			return fmt.Errorf("only: no row %q", p)
		}
	}
	return nil
}

// List writes what there is to run.
func List(w io.Writer) error {
	for _, r := range rows() {
		if _, err := fmt.Fprintf(w, "%-16s %s\n", r.id, r.about); err != nil {
			return err
		}
		if len(r.gives) > 1 {
			if _, err := fmt.Fprintf(w, "%16s gives %s\n", "", strings.Join(r.gives, ", ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// Run measures what cfg asks for, one row after the other. It returns ErrMissed where a target was missed, a
// row could not be run or the machine was busy with other things, and nil where ctx ended it early.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	missed := 0
	begun := time.Now()
	for _, r := range rows() {
		if ctx.Err() != nil {
			break
		}
		if len(cfg.Only) == 0 && r.extra || len(cfg.Only) > 0 && !r.matches(cfg.Only) {
			continue
		}
		note(cfg.Stderr, "%s: %s", r.id, r.about)
		for _, res := range runRow(ctx, cfg, r) {
			if !res.OK() {
				missed++
			}
			if err := write(cfg, res); err != nil {
				return err
			}
		}
	}
	note(cfg.Stderr, "done in %v", time.Since(begun).Round(time.Second))
	if missed > 0 {
		return fmt.Errorf("%w: %d", ErrMissed, missed)
	}
	return nil
}

// runRow runs r on a stand of its own and notes the machine's load in its results.
func runRow(ctx context.Context, cfg Config, r row) []*report.Result {
	var results []*report.Result
	before := report.ReadCounters()
	s := newStand(ctx)
	s.run(func() { results = r.run(newBench(s, cfg, r.id)) })
	if ctx.Err() != nil {
		return nil // told to stop: what there is means nothing
	}
	if why := s.failure(); why != "" {
		_, _ = cfg.Stderr.Write(s.log.bytes()) // for eyes only
		results = []*report.Result{{ID: r.id, Err: why}}
	}
	load := report.ReadCounters().Since(before)
	for _, res := range results {
		res.Load = load
		if load.Starved() {
			res.Void = true
			note(cfg.Stderr, "VOID: %s ran on a machine that was %.0f %% busy, %.0f %% with other things: run it again on an idle one",
				res.ID, 100*load.Busy, 100*load.Others)
		}
	}
	return results
}

func write(cfg Config, r *report.Result) error {
	if !cfg.JSON {
		_, err := fmt.Fprintln(cfg.Stdout, r)
		return err
	}
	note(cfg.Stderr, "%s", r)
	return json.NewEncoder(cfg.Stdout).Encode(r)
}

// note tells people something; where they are not there, that is no error.
func note(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
