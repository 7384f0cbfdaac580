// Package stand is where the rows of a bench run: each sets something up, often as processes of the real binary,
// and gives one result a target. A bench (relay, egress) is a list of rows; "freshet bench" runs them.
package stand

import (
	"context"
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
	Only   []string      // ids of rows or of what they give, * and ? as in file names; empty: all but the extra ones
	For    time.Duration // of each row that has a length; 0: the row's own
	Times  int           // of what a row does again and again; 0: the row's own
	JSON   bool          // one JSON line a result on Stdout, and text for people on Stderr; else text on Stdout
	Binary string        // the freshet that nodes of their own process run
	Report *report.Run   // takes each result as a goal, and what rows say of themselves; nil: none

	Stdout, Stderr io.Writer
}

// A Row is one set-up and what it gives.
type Row struct {
	ID    string
	Gives []string // ids of the results; nil: its own alone
	About string   // what it sets up
	Real  string   // what of it is as it is outside a bench, for the run's report; may be empty
	Fakes string   // and what is not
	Extra bool     // runs only where it is asked for by name
	Run   func(*Bench) []*report.Result
}

// matches says whether one of patterns names r or a result of it.
func (r Row) matches(patterns []string) bool {
	for _, p := range patterns {
		for _, id := range append([]string{r.ID}, r.Gives...) {
			if ok, _ := path.Match(p, id); ok { // Validate has seen the pattern
				return true
			}
		}
	}
	return false
}

// Validate returns what is wrong with c, where it is to run some of rows.
func (c Config) Validate(rows []Row) error {
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
		for _, r := range rows {
			found = found || r.matches([]string{p})
		}
		if !found {
			return fmt.Errorf("only: no row %q", p)
		}
	}
	return nil
}

// List writes what there is to run.
func List(w io.Writer, rows []Row) error {
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "%-16s %s\n", r.ID, r.About); err != nil {
			return err
		}
		if len(r.Gives) > 1 {
			if _, err := fmt.Fprintf(w, "%16s gives %s\n", "", strings.Join(r.Gives, ", ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// Run measures what cfg asks for, one of rows after the other. It returns ErrMissed where a target was missed, a
// row could not be run or the machine was busy with other things, and nil where ctx ended it early.
func Run(ctx context.Context, cfg Config, rows []Row) error {
	if err := cfg.Validate(rows); err != nil {
		return err
	}
	missed := 0
	begun := time.Now()
	for _, r := range rows {
		if ctx.Err() != nil {
			break
		}
		if len(cfg.Only) == 0 && r.Extra || len(cfg.Only) > 0 && !r.matches(cfg.Only) {
			continue
		}
		note(cfg.Stderr, "%s: %s", r.ID, r.About)
		if cfg.Report != nil {
			describe(cfg.Report, r)
		}
		for _, res := range runRow(ctx, cfg, r) {
			if !res.OK() {
				missed++
			}
			if cfg.Report != nil {
				cfg.Report.Goals = append(cfg.Report.Goals, res)
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

// describe says in run what of r is real and what simulated, once where rows say the same.
func describe(run *report.Run, r Row) {
	add := func(list []string, text string) []string {
		for i, have := range list {
			if ids, same := strings.CutSuffix(have, ": "+text); same {
				list[i] = ids + ", " + r.ID + ": " + text
				return list
			}
		}
		return append(list, r.ID+": "+text)
	}
	if r.Real != "" {
		run.Real = add(run.Real, r.Real)
	}
	if r.Fakes != "" {
		run.Simulated = add(run.Simulated, r.Fakes)
	}
}

// runRow runs r on a stand of its own and notes the machine's load in its results.
func runRow(ctx context.Context, cfg Config, r Row) []*report.Result {
	var results []*report.Result
	before := report.ReadCounters()
	s := newStand(ctx)
	s.run(func() { results = r.Run(New(s, cfg, r.ID)) })
	if ctx.Err() != nil {
		return nil // told to stop: what there is means nothing
	}
	if why := s.failure(); why != "" {
		_, _ = cfg.Stderr.Write(s.log.bytes()) // for eyes only
		results = []*report.Result{{ID: r.ID, Err: why}}
	}
	load := report.ReadCounters().Since(before)
	for i, res := range results {
		if _, err := res.MarshalJSON(); err != nil { // the row's fault, and no reason to lose the others
			res = &report.Result{ID: res.ID, Err: err.Error()}
			results[i] = res
		}
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
	return r.WriteLine(cfg.Stdout)
}

// note tells people something; where they are not there, that is no error.
func note(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
