package relay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Result is what one target came to.
type Result struct {
	ID     string
	Target string // in words
	Void   bool   // the machine was busy with other things: the figures prove nothing
	Err    string // why nothing was measured

	figures []figure
	misses  []string
	load    machineLoad
}

// A figure is one value that was measured, or one that says under which conditions.
type figure struct {
	name  string
	value any // int, float64, bool, string
}

// OK says whether the target was reached, on a machine that could tell.
func (r *Result) OK() bool { return len(r.misses) == 0 && r.Err == "" && !r.Void }

// set adds a figure. Shares are of 1, times in milliseconds (see ms).
func (r *Result) set(name string, value any) { r.figures = append(r.figures, figure{name, value}) }

// atMost adds a figure that must not be over bound.
func (r *Result) atMost(name string, got, bound float64) {
	r.set(name, got)
	r.want(got <= bound, "%s is %s, want at most %s", name, number(got), number(bound))
}

// atLeast adds a figure that must not be under bound.
func (r *Result) atLeast(name string, got, bound float64) {
	r.set(name, got)
	r.want(got >= bound, "%s is %s, want at least %s", name, number(got), number(bound))
}

// want notes a miss where ok is false.
func (r *Result) want(ok bool, format string, args ...any) {
	if !ok {
		r.misses = append(r.misses, fmt.Sprintf(format, args...))
	}
}

// value returns the figure called name; ok is false where there is none.
func (r *Result) value(name string) (v float64, ok bool) {
	for _, f := range r.figures {
		if f.name != name {
			continue
		}
		switch v := f.value.(type) {
		case float64:
			return v, true
		case int:
			return float64(v), true
		}
	}
	return 0, false
}

// ms returns d in milliseconds, to the microsecond.
func ms(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// MarshalJSON writes the result flat, in the order in which the figures came.
func (r *Result) MarshalJSON() ([]byte, error) {
	all := []figure{{"id", r.ID}}
	all = append(all, r.figures...)
	if r.Target != "" {
		all = append(all, figure{"target", r.Target})
	}
	if len(r.misses) > 0 {
		all = append(all, figure{"missed", r.misses})
	}
	if r.Err != "" {
		all = append(all, figure{"error", r.Err})
	}
	if r.load.cores > 0 {
		all = append(all, figure{"cores", r.load.cores}, figure{"load_average", r.load.average},
			figure{"busy", r.load.busy}, figure{"busy_others", r.load.others})
	}
	if r.Void {
		all = append(all, figure{"void", true})
	}
	all = append(all, figure{"ok", r.OK()})
	var b bytes.Buffer
	for i, f := range all {
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		b.WriteByte("{,"[min(i, 1)])
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// String is the result in a line for people, with a line more for each thing that was missed.
func (r *Result) String() string {
	var b strings.Builder
	verdict := "ok    "
	switch {
	case r.Void:
		verdict = "VOID  "
	case !r.OK():
		verdict = "MISSED"
	}
	fmt.Fprintf(&b, "%s %s", verdict, r.ID)
	for i, f := range r.figures {
		sep := " · "
		if i == 0 {
			sep = ": "
		}
		text := fmt.Sprint(f.value)
		if v, ok := f.value.(float64); ok {
			text = number(v)
		}
		fmt.Fprintf(&b, "%s%s %s", sep, strings.ReplaceAll(f.name, "_", " "), text)
	}
	if r.Target != "" {
		fmt.Fprintf(&b, " (target: %s)", r.Target)
	}
	if r.load.cores > 0 {
		fmt.Fprintf(&b, " [%v]", r.load)
	}
	for _, m := range r.misses {
		fmt.Fprintf(&b, "\n       %s", m)
	}
	if r.Err != "" {
		fmt.Fprintf(&b, "\n       %s", r.Err)
	}
	return b.String()
}

// number is v with as many digits as its size deserves: shares near 1 keep what tells them from it.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return fmt.Sprintf("%.6g", v)
}
