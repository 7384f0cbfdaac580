// Package report is what a run of a bench leaves behind: the machine, the command that makes it again, what was
// real and what simulated, goals, curves and one row of raw figures a viewer. It writes a run as JSON, CSV, text
// and one HTML page that needs nothing else, and says of two runs what changed and whether noise explains it.
//
// It knows nothing of what is measured. All but the reading of /proc and of files is pure.
package report

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A Run is one run of a bench.
type Run struct {
	Title   string    // what was measured, in a few words
	Command []string  // that makes the run again, secrets masked
	Version string    // of freshet
	Began   time.Time // to the millisecond
	Took    time.Duration
	Machine Machine

	Real      []string // sentences: what was as it is outside a bench
	Simulated []string // and what was not

	Goals   []*Result
	Bars    []Bars
	Series  []Series
	Viewers Table // one row a viewer

	begun  time.Time // with the monotonic clock
	before Counters
	work   []float64
}

// Bounds of what a run may hold. They are there for files from elsewhere: a run of 10,000 viewers is far below.
const (
	maxParts   = 256  // goals, charts, curves, columns: each of them
	maxValue   = 1e15 // of anything that is drawn; sums and differences stay exact enough
	maxTook    = 100 * 24 * time.Hour
	maxSamples = 1000 // repeats of one figure
)

// New returns a run that begins now. Values of flags for secrets in command are masked.
func New(title, version string, command []string, now time.Time) *Run {
	return &Run{
		Title: title, Version: version, Command: masked(command),
		Began: now.UTC().Round(0).Truncate(time.Millisecond), begun: now,
		Machine: ReadMachine(), before: ReadCounters(),
	}
}

// Work notes what the same work has cost this time, in any one unit. A row calls it whenever it has measured that: what
// these figures differ by over a run is what the machine alone moves every other time and rate by.
func (r *Run) Work(cost float64) {
	if r.work = append(r.work, cost); slices.Min(r.work) > 0 {
		r.Machine.Drift = Round(slices.Max(r.work)/slices.Min(r.work)-1, 4)
	}
}

// Finish notes how long the run took and what the machine did meanwhile.
func (r *Run) Finish(now time.Time) {
	r.Took = now.Sub(r.begun).Truncate(time.Millisecond)
	r.Machine.During = ReadCounters().Since(r.before)
}

// Missed returns the goals that were not reached.
func (r *Run) Missed() []*Result {
	var missed []*Result
	for _, g := range r.Goals {
		if !g.OK() {
			missed = append(missed, g)
		}
	}
	return missed
}

// Rerun is the command as a line for a shell.
func (r *Run) Rerun() string {
	words := make([]string, len(r.Command))
	for i, w := range r.Command {
		words[i] = quoted(w)
	}
	return strings.Join(words, " ")
}

var unquoted = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoted is w as one word of a POSIX shell.
func quoted(w string) string {
	if unquoted.MatchString(w) {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// masked returns command with the values of --key and --token hidden, unless they name a file.
func masked(command []string) []string {
	command = slices.Clone(command)
	hide := func(v string) string {
		if v == "" || strings.HasPrefix(v, "@") {
			return v
		}
		return "********"
	}
	for i, w := range command {
		name, value, joined := strings.Cut(w, "=")
		if name != "--key" && name != "--token" {
			continue
		}
		if joined {
			command[i] = name + "=" + hide(value)
		} else if i+1 < len(command) {
			command[i+1] = hide(command[i+1])
		}
	}
	return command
}

// Validate returns what is wrong with r: what cannot be written, drawn or compared.
func (r *Run) Validate() error {
	if r.Title == "" {
		return errors.New("no title")
	}
	if r.Took < 0 || r.Took > maxTook {
		return fmt.Errorf("took %v: want 0 to %v", r.Took, maxTook)
	}
	if len(r.Goals) > maxParts || len(r.Bars) > maxParts || len(r.Series) > maxParts {
		return fmt.Errorf("%d goals, %d charts, %d curves: want at most %d of each", len(r.Goals), len(r.Bars), len(r.Series), maxParts)
	}
	seen := map[string]bool{}
	for i, g := range r.Goals {
		if g == nil || g.ID == "" || seen[g.ID] {
			return fmt.Errorf("goal %d: want an id of its own", i+1)
		}
		seen[g.ID] = true
		if err := g.validate(); err != nil {
			return fmt.Errorf("goal %s: %w", g.ID, err)
		}
	}
	for i, b := range r.Bars {
		if err := b.validate(); err != nil {
			return fmt.Errorf("chart %d: %w", i+1, err)
		}
	}
	for i, s := range r.Series {
		if err := s.validate(); err != nil {
			return fmt.Errorf("curve %d: %w", i+1, err)
		}
	}
	if err := r.Viewers.validate(); err != nil {
		return fmt.Errorf("viewers: %w", err)
	}
	return nil
}

// A Series is a figure over the time of a run.
type Series struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Points []Point `json:"points"` // in order of time
}

// A Point is a value and when it was so, in seconds since the run began. In a file it is a list of the two.
type Point struct{ Seconds, Value float64 }

// Add adds what s was at the time at since the run began.
func (s *Series) Add(at time.Duration, value float64) {
	s.Points = append(s.Points, Point{at.Seconds(), value})
}

func (s Series) validate() error {
	if s.Name == "" {
		return errors.New("no name")
	}
	last := 0.
	for i, p := range s.Points {
		if !drawable(p.Seconds) || !drawable(p.Value) || p.Seconds < last {
			return fmt.Errorf("%s: point %d: want times in order and numbers up to %g, not %v", s.Name, i+1, maxValue, p)
		}
		last = p.Seconds
	}
	return nil
}

// Bars set one figure of several things side by side, as the cost of several servers.
type Bars struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	Bars []Bar  `json:"bars"`
}

// A Bar is one of them.
type Bar struct {
	Label string  `json:"label"`
	Value float64 `json:"value"` // 0 or more
	Note  string  `json:"note,omitempty"`
}

func (b Bars) validate() error {
	if b.Name == "" || len(b.Bars) > maxParts {
		return fmt.Errorf("%q, %d bars: want a name and at most %d bars", b.Name, len(b.Bars), maxParts)
	}
	for i, one := range b.Bars {
		if one.Label == "" || !drawable(one.Value) || one.Value < 0 {
			return fmt.Errorf("%s: bar %d: want a label and a number from 0 to %g, not %v", b.Name, i+1, maxValue, one.Value)
		}
	}
	return nil
}

func drawable(v float64) bool { return math.Abs(v) <= maxValue } // false for NaN

// plain is s without what could move a terminal's cursor or turn text around: names in a file from elsewhere
// may hold anything.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			return ' '
		case unicode.IsControl(c), c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069,
			c == 0x200e, c == 0x200f, c == 0x061c, c == 0x2028, c == 0x2029:
			return -1
		}
		return c
	}, s)
}
