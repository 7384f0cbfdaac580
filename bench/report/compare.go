package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// drift is how far figures of one viewers' table may move before that counts where no repeats say how much they
// move by themselves: on a machine that does other things as well, by 10 to 20 % between one minute and the next.
const drift = 0.1

// confidence is the distance from the middle of a normal distribution, in its standard deviations, that 95 % of
// it are within.
const confidence = 1.96

// A Verdict says what became of a figure from one run to the next.
type Verdict string

// The verdicts. Without a direction a figure only changes; without repeats or viewers nobody can tell noise.
const (
	Equal    Verdict = "equal"
	Noise    Verdict = "noise" // it moved, by no more than it does by itself
	Improved Verdict = "better"
	Worse    Verdict = "worse"
	Changed  Verdict = "changed" // beyond noise, and neither way is good
	Unsure   Verdict = "unsure"
	Voided   Verdict = "void" // one of the runs was on a starved machine
)

// A Change is one figure in two runs.
type Change struct {
	ID      string   `json:"id"` // of the goal, its figure behind it where that is not "value"; "viewers" and the column
	Unit    string   `json:"unit,omitempty"`
	A       float64  `json:"a"`
	B       float64  `json:"b"`
	Share   *float64 `json:"change,omitempty"` // of A; without it where A is 0
	Noise   *float64 `json:"noise,omitempty"`  // how far it moves by itself, in its unit
	By      string   `json:"noise_from,omitempty"`
	Verdict Verdict  `json:"verdict"`
	Why     string   `json:"why,omitempty"`
}

// A Comparison is what changed from run A to run B.
type Comparison struct {
	A       string   `json:"a"` // titles
	B       string   `json:"b"`
	Notes   []string `json:"notes"` // why the two may not be comparable
	Changes []Change `json:"changes"`
}

// Worse counts the figures that got worse beyond noise.
func (c *Comparison) Worse() int {
	n := 0
	for _, one := range c.Changes {
		if one.Verdict == Worse {
			n++
		}
	}
	return n
}

// Compare says what changed from a to b, which are valid. Noise is, for a figure that was measured several times
// in a run, the larger of the two spreads of its repeats; and, for a time or a rate of work, no less than the machine
// itself moved in either run (Machine.Drift): repeats follow one another within seconds, and a machine that others share
// is another one minutes later.
//
// For a column of the viewers' tables it is the 95 % confidence interval of the quantile, from order statistics
// and the binomial distribution: two runs differ where the intervals of a quantile do not meet and it moved by
// 10 % at least. Such intervals assume nothing of the distribution, need no random numbers, and tell of the tail,
// which a rank test (Mann-Whitney) does not: of 1,000 viewers, 15 who wait ten times as long hardly move the ranks.
// The 10 % stand for what all viewers of one run have in common, which their spread cannot show.
func Compare(a, b *Run) *Comparison {
	c := &Comparison{A: a.Title, B: b.Title, Notes: []string{}, Changes: []Change{}}
	if a.Title != b.Title {
		c.note("they measured different things")
	} else if !slices.Equal(a.Command, b.Command) {
		c.note("their commands differ: %s, then %s", a.Rerun(), b.Rerun())
	}
	for _, d := range a.Machine.differs(b.Machine) {
		c.note("%s", d)
	}
	for i, r := range []*Run{a, b} {
		if r.Machine.During.Starved() {
			c.note("the machine of the %s was busy with other things: %v", []string{"first", "second"}[i], r.Machine.During)
		}
	}
	byID := map[string]*Result{}
	for _, g := range b.Goals {
		byID[g.ID] = g
	}
	for _, g := range a.Goals {
		if other := byID[g.ID]; other != nil {
			c.goal(g, other, max(a.Machine.Drift, b.Machine.Drift))
			delete(byID, g.ID)
		} else {
			c.note("%s is only in the first", g.ID)
		}
	}
	for _, g := range b.Goals {
		if byID[g.ID] != nil {
			c.note("%s is only in the second", g.ID)
		}
	}
	c.viewers(&a.Viewers, &b.Viewers)
	return c
}

func (c *Comparison) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// goal compares the figures of one goal.
func (c *Comparison) goal(a, b *Result, drift float64) {
	left := 0 // figures that both have and that left their bound
	for i := range a.figures {
		was := &a.figures[i]
		is := b.find(was.name)
		if is == nil {
			continue
		}
		va, ok1 := was.number()
		vb, ok2 := is.number()
		if !ok1 || !ok2 {
			continue
		}
		if !is.keeps(vb) {
			left++
		}
		one := newChange(a.ID, "", va, vb)
		if was.name == "value" {
			one.Unit = textOf(a, "unit")
		} else {
			one.ID += " " + was.name
		}
		spread, known := was.spread()
		if other, ok := is.spread(); ok && (!known || other > spread) {
			spread, known = other, true
		}
		by := "repeats"
		if moved := drift * math.Abs(va); known && timed(one.Unit, was.name) && moved > spread {
			spread, by = moved, "machine"
		}
		if known {
			one.Noise, one.By = &spread, by
		}
		one.judge(is.better, known, math.Abs(vb-va) <= spread)
		if one.Verdict == Unsure && is.keeps(va) && !is.keeps(vb) {
			one.Verdict, one.Why = Worse, "its bound was kept, and no more"
		}
		if a.Void || b.Void {
			one.Verdict, one.Why = Voided, "the machine was busy with other things"
		}
		c.Changes = append(c.Changes, one)
	}
	if !a.OK() || b.OK() || b.Void {
		return
	}
	// What was reached and is no more, and no figure above tells why.
	if why := append(b.Misses(), b.Err); b.Err != "" || len(b.misses) > left {
		c.Changes = append(c.Changes, Change{
			ID: b.ID, A: 1, B: 0, Unit: "reached", Verdict: Worse, Why: strings.Trim(strings.Join(why, "; "), "; "),
		})
	}
}

// timed says whether a figure of that unit and name is a time or a rate of work, which follows the machine's speed.
func timed(unit, name string) bool {
	switch unit {
	case "us/packet", "cores", "ms", "ratio":
		return true
	}
	return strings.HasPrefix(name, "cores") || strings.HasPrefix(name, "us_")
}

func textOf(r *Result, name string) string {
	if f := r.find(name); f != nil {
		text, _ := f.value.(string)
		return text
	}
	return ""
}

func newChange(id, unit string, a, b float64) Change {
	c := Change{ID: id, Unit: unit, A: a, B: b}
	if a != 0 {
		if share := Round((b-a)/math.Abs(a), 4); !math.IsInf(share, 0) {
			c.Share = &share
		}
	}
	return c
}

// judge sets the verdict. known says that there is something to tell noise by, within that it explains the change.
func (c *Change) judge(better Direction, known, within bool) {
	switch {
	case c.A == c.B:
		c.Verdict = Equal
	case !known:
		c.Verdict = Unsure
	case within:
		c.Verdict = Noise
	case better == "":
		c.Verdict = Changed
	case (c.B < c.A) == (better == Less):
		c.Verdict = Improved
	default:
		c.Verdict = Worse
	}
}

// viewers compares the median and the tail of each column.
func (c *Comparison) viewers(a, b *Table) {
	for i, col := range a.Columns {
		j := slices.IndexFunc(b.Columns, func(other Column) bool { return other == col })
		if j < 0 {
			c.note("viewers: %s is only in the first", col.Name)
			continue
		}
		was, is := a.sorted(i), b.sorted(j)
		if len(was) != len(is) || len(a.Rows) != len(b.Rows) {
			c.note("viewers: %s was measured for %d of %d, then for %d of %d", col.Name, len(was), len(a.Rows), len(is), len(b.Rows))
		}
		if len(was) == 0 || len(is) == 0 {
			continue
		}
		for _, q := range []float64{.5, .99} {
			c.Changes = append(c.Changes, column(col, q, was, is))
		}
	}
	for _, col := range b.Columns {
		if !slices.Contains(a.Columns, col) {
			c.note("viewers: %s is only in the second", col.Name)
		}
	}
}

// column compares quantile q of what viewers had of col.
func column(col Column, q float64, was, is []float64) Change {
	one := newChange("viewers "+col.Name+" p"+Number(100*q), col.Unit, Quantile(was, q), Quantile(is, q))
	a, b := around(was, q), around(is, q)
	small := math.Abs(one.B-one.A) < drift*math.Abs(one.A)
	one.By = "viewers"
	if noise := max(a.hi-a.lo, b.hi-b.lo); !math.IsInf(noise, 0) {
		one.Noise = &noise
	}
	one.judge(col.Better, true, small || a.meets(b))
	if one.Verdict == Noise && !small && one.Noise == nil {
		one.Verdict, one.Why = Unsure, "too few viewers"
	}
	return one
}

type interval struct{ lo, hi float64 }

func (i interval) meets(o interval) bool { return i.lo <= o.hi && o.lo <= i.hi }

// around returns what quantile q of the whole, of which sorted is a sample, lies within. It is open at an end
// where the sample is too small to say.
func around(sorted []float64, q float64) interval {
	n := float64(len(sorted))
	wide := confidence * math.Sqrt(n*q*(1-q))
	lo, hi := int(math.Floor(n*q-wide)), int(math.Ceil(n*q+wide))+1 // ranks, from 1
	all := interval{math.Inf(-1), math.Inf(1)}
	if lo >= 1 {
		all.lo = sorted[lo-1]
	}
	if hi <= len(sorted) {
		all.hi = sorted[hi-1]
	}
	return all
}
