package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Result is what one target came to: its figures, in order, and whether they are as wanted.
type Result struct {
	ID     string
	Target string // in words
	Void   bool   // the machine was busy with other things: the figures prove nothing
	Err    string // why nothing was measured
	Load   Load   // of the machine meanwhile; zero where nobody looked

	figures []figure
	misses  []string
}

// A figure is one value that was measured, or one that says under which conditions.
type figure struct {
	name    string
	value   any       // int, float64, bool, string
	better  Direction // which way is good; "" where there is no bound
	bound   float64
	repeats []float64 // what it was each time it was measured
}

// A Direction says which of two values is the better one; "" that neither is.
type Direction string

// The two directions.
const (
	Less Direction = "less"
	More Direction = "more"
)

func (d Direction) valid() bool { return d == "" || d == Less || d == More }

// GoalAtMost returns the result of a goal that is one value, not over bound. Its line has "value", "unit" and
// the target as "<= bound".
func GoalAtMost(id, unit string, value, bound float64) *Result {
	r := &Result{ID: id, Target: "<= " + Number(bound)}
	r.AtMost("value", value, bound)
	r.Set("unit", unit)
	return r
}

// GoalAtLeast is GoalAtMost for a value that must not be under bound.
func GoalAtLeast(id, unit string, value, bound float64) *Result {
	r := &Result{ID: id, Target: ">= " + Number(bound)}
	r.AtLeast("value", value, bound)
	r.Set("unit", unit)
	return r
}

// OK says whether the target was reached, on a machine that could tell.
func (r *Result) OK() bool { return len(r.misses) == 0 && r.Err == "" && !r.Void }

// Misses are what was not as wanted, a line each.
func (r *Result) Misses() []string { return slices.Clone(r.misses) }

// Set adds a figure: an int, a float64, a bool or a string. Shares are of 1, times in milliseconds (see MS).
func (r *Result) Set(name string, value any) {
	r.figures = append(r.figures, figure{name: name, value: value})
}

// AtMost adds a figure that must not be over bound.
func (r *Result) AtMost(name string, got, bound float64) {
	r.figures = append(r.figures, figure{name: name, value: got, better: Less, bound: bound})
	r.Want(got <= bound, "%s is %s, want at most %s", name, Number(got), Number(bound))
}

// AtLeast adds a figure that must not be under bound.
func (r *Result) AtLeast(name string, got, bound float64) {
	r.figures = append(r.figures, figure{name: name, value: got, better: More, bound: bound})
	r.Want(got >= bound, "%s is %s, want at least %s", name, Number(got), Number(bound))
}

// Want notes a miss where ok is false.
func (r *Result) Want(ok bool, format string, args ...any) {
	if !ok {
		r.misses = append(r.misses, fmt.Sprintf(format, args...))
	}
}

// Repeats adds to the figure called name what it was each time it was measured in this run. What they differ by
// is the figure's margin. Without such a figure it does nothing.
func (r *Result) Repeats(name string, values ...float64) {
	if f := r.find(name); f != nil {
		f.repeats = slices.Clone(values)
	}
}

// Value returns the figure called name; ok is false where there is none, or none that is a number.
func (r *Result) Value(name string) (v float64, ok bool) {
	f := r.find(name)
	if f == nil {
		return 0, false
	}
	return f.number()
}

func (r *Result) find(name string) *figure {
	for i := range r.figures {
		if r.figures[i].name == name {
			return &r.figures[i]
		}
	}
	return nil
}

func (f *figure) number() (float64, bool) {
	switch v := f.value.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

// keeps says whether v is within the bound of f; without a bound everything is.
func (f *figure) keeps(v float64) bool {
	switch f.better {
	case Less:
		return v <= f.bound
	case More:
		return v >= f.bound
	}
	return true
}

// spread is what the repeats of f differ by; ok is false where it was not measured at least twice.
func (f *figure) spread() (by float64, ok bool) {
	if len(f.repeats) < 2 {
		return 0, false
	}
	return slices.Max(f.repeats) - slices.Min(f.repeats), true
}

// margin is the spread of f as a share of the median repeat; ok is false where that is next to nothing.
func (f *figure) margin() (share float64, ok bool) {
	by, ok := f.spread()
	if !ok {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(f.repeats))
	if share = by / math.Abs(sorted[len(sorted)/2]); share <= maxValue {
		return share, true
	}
	return 0, by == 0
}

func (r *Result) validate() error {
	if len(r.figures) > maxParts {
		return fmt.Errorf("%d figures, want at most %d", len(r.figures), maxParts)
	}
	for i, f := range r.figures {
		if f.name == "" || slices.Contains(reserved, f.name) || r.find(f.name) != &r.figures[i] {
			return fmt.Errorf("figure %q: want a name of its own", f.name)
		}
		if v, ok := f.number(); ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return fmt.Errorf("figure %s is %v", f.name, v)
		}
		if !f.better.valid() || math.IsNaN(f.bound) || math.IsInf(f.bound, 0) {
			return fmt.Errorf("figure %s: bound %q %v", f.name, f.better, f.bound)
		}
		if len(f.repeats) > maxSamples || !allDrawable(f.repeats) {
			return fmt.Errorf("figure %s: %d repeats: want at most %d, numbers up to %g", f.name, len(f.repeats), maxSamples, maxValue)
		}
	}
	return nil
}

func allDrawable(all []float64) bool {
	for _, v := range all {
		if !drawable(v) {
			return false
		}
	}
	return true
}

// MS returns d in milliseconds, to the microsecond.
func MS(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// String is the result in a line for people, with a line more for each thing that was missed.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-6s %s", r.verdict(), r.ID)
	for i, f := range r.figures {
		sep := " · "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s %s", sep, strings.ReplaceAll(f.name, "_", " "), f.text())
	}
	if r.Target != "" {
		fmt.Fprintf(&b, " (target: %s)", r.Target)
	}
	if r.Load.Cores > 0 {
		fmt.Fprintf(&b, " [%v]", r.Load)
	}
	for _, m := range r.misses {
		fmt.Fprintf(&b, "\n       %s", m)
	}
	if r.Err != "" {
		fmt.Fprintf(&b, "\n       %s", r.Err)
	}
	return b.String()
}

func (r *Result) verdict() string {
	switch {
	case r.Void:
		return "VOID"
	case !r.OK():
		return "MISSED"
	}
	return "ok"
}

func (f *figure) text() string {
	if v, ok := f.value.(float64); ok {
		return Number(v)
	}
	return fmt.Sprint(f.value)
}

// Number is v with as many digits as its size deserves: shares near 1 keep what tells them from it.
func Number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return fmt.Sprintf("%.6g", v)
}

// Round returns v with digits behind the point.
func Round(v float64, digits int) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	if err != nil {
		return v
	}
	return f
}
