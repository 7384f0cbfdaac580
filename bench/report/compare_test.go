package report

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

// verdicts are those of c, by id.
func verdicts(c *Comparison) map[string]Verdict {
	all := map[string]Verdict{}
	for _, one := range c.Changes {
		all[one.ID] = one.Verdict
	}
	return all
}

// goal returns a run with one goal, at most 10, that was measured so often.
func goal(value float64, repeats ...float64) *Run {
	g := GoalAtMost("cost", "µs", value, 10)
	g.Repeats("value", repeats...)
	return &Run{Title: "x", Goals: []*Result{g}}
}

func TestCompareGoals(t *testing.T) {
	for _, row := range []struct {
		name string
		a, b *Run
		want Verdict
	}{
		{"the same", goal(1), goal(1), Equal},
		{"no repeats", goal(1), goal(2), Unsure},
		{"no repeats, and over the bound", goal(9), goal(11), Worse},
		{"no repeats, and over the bound before", goal(11), goal(12), Unsure},
		{"within the first's spread", goal(1, .9, 1.1), goal(1.2), Noise},
		{"within the second's spread", goal(1, .99, 1.01), goal(1.2, 1.1, 1.4), Noise},
		{"over the bound, within the spread", goal(9.9, 9.5, 10.5), goal(10.2), Noise},
		{"beyond", goal(1, .99, 1.01), goal(1.2), Worse},
		{"below", goal(1, .99, 1.01), goal(.8), Improved},
		{"from nothing", goal(0, 0, 0), goal(1, 1, 1), Worse},
		{"one repeat says nothing", goal(1, 1), goal(2, 2), Unsure},
	} {
		c := Compare(row.a, row.b)
		if got := verdicts(c); len(got) != 1 || got["cost"] != row.want {
			t.Errorf("%s: got %v, want %s", row.name, got, row.want)
		}
		if want := row.want == Worse; (c.Worse() == 1) != want {
			t.Errorf("%s: %d worse", row.name, c.Worse())
		}
	}
}

// A time follows the machine's speed, which repeats within seconds do not tell; a count does not.
func TestCompareOnAMovingMachine(t *testing.T) {
	run := func(unit string, value float64, work ...float64) *Run {
		g := GoalAtMost("cost", unit, value, 10)
		g.Repeats("value", value, value*1.01)
		r := &Run{Title: "x", Goals: []*Result{g}}
		for _, w := range work {
			r.Work(w)
		}
		return r
	}
	for _, row := range []struct {
		name string
		a, b *Run
		want Verdict
	}{
		{"steady", run("us/packet", 1, 2, 2.02), run("us/packet", 1.1, 2, 2), Worse},
		{"the first moved", run("us/packet", 1, 2, 2.4, 2.1), run("us/packet", 1.1), Noise},
		{"the second moved", run("cores", 1), run("cores", 1.1, 2.4, 2), Noise},
		{"not by so much", run("ms", 1, 2, 2.4), run("ms", 1.21), Worse},
		{"bytes", run("MB", 1, 2, 2.4), run("MB", 1.1, 2, 2.4), Worse},
		{"work that cost nothing", run("ms", 1, 0, 2), run("ms", 1.1), Worse},
	} {
		c := Compare(row.a, row.b)
		if got := verdicts(c)["cost"]; got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

// A goal of several figures: each has its own direction, and what no figure tells is told too.
func TestCompareFigures(t *testing.T) {
	run := func(delivered float64, n int, err string, misses ...string) *Run {
		r := &Result{ID: "loss", Err: err}
		r.Set("n", n)
		r.Set("mode", "frame")
		r.AtLeast("delivered", delivered, .99)
		r.Repeats("delivered", delivered, delivered)
		r.Repeats("n", float64(n), float64(n))
		for _, m := range misses {
			r.Want(false, "%s", m)
		}
		return &Run{Title: "x", Goals: []*Result{r}}
	}
	c := Compare(run(1, 100, ""), run(.98, 90, ""))
	if got := verdicts(c); len(got) != 2 || got["loss n"] != Changed || got["loss delivered"] != Worse {
		t.Errorf("less delivered: %v", got)
	}
	if got := verdicts(Compare(run(.98, 90, ""), run(1, 90, ""))); got["loss delivered"] != Improved {
		t.Errorf("more delivered: %v", got)
	}
	for _, other := range []*Run{run(1, 100, "no such thing"), run(1, 100, "", "it stood still"), run(.98, 100, "", "it stood still")} {
		c := Compare(run(1, 100, ""), other)
		last := c.Changes[len(c.Changes)-1]
		if last.ID != "loss" || last.Verdict != Worse || last.Why == "" {
			t.Errorf("%s: %+v", other.Goals[0], last)
		}
	}
	void := run(.5, 100, "")
	void.Goals[0].Void = true
	if got := verdicts(Compare(run(1, 100, ""), void)); got["loss delivered"] != Voided {
		t.Errorf("void: %v", got)
	}
}

// swarm returns a run of n viewers who wait for ms, each a little more than the one before, the last tail of
// them times longer.
func swarm(n, tail int, ms, times float64) *Run {
	r := &Run{Title: "x", Viewers: Table{Columns: []Column{{"join", "ms", Less}}}}
	for i := range n {
		v := ms * (1 + .5*float64(i)/float64(n))
		if i >= n-tail {
			v *= times
		}
		r.Viewers.Add(v)
	}
	return r
}

func TestCompareViewers(t *testing.T) {
	for _, row := range []struct {
		name     string
		a, b     *Run
		p50, p99 Verdict
	}{
		{"the same", swarm(1000, 0, 20, 1), swarm(1000, 0, 20, 1), Equal, Equal},
		{"by 5 %: the machine's own", swarm(1000, 0, 20, 1), swarm(1000, 0, 21, 1), Noise, Noise},
		{"by 20 %", swarm(1000, 0, 20, 1), swarm(1000, 0, 24, 1), Worse, Worse},
		{"by 20 %, to the good", swarm(1000, 0, 24, 1), swarm(1000, 0, 20, 1), Improved, Improved},
		{"a tail alone", swarm(1000, 0, 20, 1), swarm(1000, 30, 20, 10), Equal, Worse},
		{"few: the middle by 20 % is within the spread", swarm(20, 0, 20, 1), swarm(20, 0, 24, 1), Noise, Unsure},
		{"few, but far apart", swarm(20, 0, 20, 1), swarm(20, 0, 200, 1), Worse, Unsure},
	} {
		got := verdicts(Compare(row.a, row.b))
		if got["viewers join p50"] != row.p50 || got["viewers join p99"] != row.p99 {
			t.Errorf("%s: got %v, want %s and %s", row.name, got, row.p50, row.p99)
		}
	}
}

// Viewers of whom nothing was measured are not forgotten.
func TestCompareMissing(t *testing.T) {
	a, b := swarm(100, 0, 20, 1), swarm(100, 0, 20, 1)
	for i := range 40 {
		b.Viewers.Rows[i][0] = math.NaN()
	}
	want := "viewers: join was measured for 100 of 100, then for 60 of 100"
	if c := Compare(a, b); !slices.Contains(c.Notes, want) {
		t.Errorf("got %q, want %q", c.Notes, want)
	}
}

func TestCompareNotes(t *testing.T) {
	a, b := sample(), sample()
	if c := Compare(a, b); len(c.Notes) != 0 || c.Worse() != 0 {
		t.Errorf("a run with itself: %q, %d worse", c.Notes, c.Worse())
	}
	b.Command, b.Machine.Cores, b.Machine.During = []string{"freshet", "x"}, 8, Load{Cores: 8, Busy: .95, Others: .5}
	b.Goals[1].ID = "other"
	b.Viewers.Columns[2].Name = "freeze"
	got := strings.Join(Compare(a, b).Notes, "\n")
	for _, want := range []string{
		"their commands differ: freshet bench load", "another number of cores: 2, then 8", "the machine of the second was busy with other things: 8 cores",
		"sent is only in the first", "other is only in the second", "freezes is only in the first", "freeze is only in the second",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	b.Title = "y"
	if c := Compare(a, b); c.Notes[0] != "they measured different things" {
		t.Errorf("another bench: %q", c.Notes)
	}
}

func TestCompareWritten(t *testing.T) {
	a, b := goal(1, .99, 1.01), goal(1.2)
	b.Title = "y\x1b[2J"
	c := Compare(a, b)
	got := written(t, c.WriteText)
	for _, want := range []string{"A: x\nB: y[2J\n", "note: they measured", "+20.0 %", "0.02 (repeats)", "WORSE\n", "Worse beyond noise: 1.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	var again Comparison
	if err := json.Unmarshal([]byte(written(t, c.WriteJSON)), &again); err != nil || again.Worse() != 1 || again.Changes[0].B != 1.2 {
		t.Errorf("JSON: %+v, %v", again, err)
	}
	if got := written(t, Compare(&Run{Title: "x"}, &Run{Title: "x"}).WriteText); !strings.Contains(got, "no figure in common") {
		t.Errorf("nothing to compare: %s", got)
	}
}
