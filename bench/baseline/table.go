package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes the table, and above it where the two runs were made if that differs.
func (c *comparison) print(w io.Writer) {
	for _, key := range slices.Sorted(maps.Keys(c.now)) {
		if was, is := c.base[key], c.now[key]; was != is {
			_, _ = fmt.Fprintf(w, "%s: %s, in the baseline %s\n", key, is, cmp.Or(was, "not told"))
		}
	}
	if c.starved {
		_, _ = fmt.Fprintln(w, "This machine was busy with other things: the times prove nothing, and none fails.")
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }
	line("", "now", "", "baseline", "", "ratio", "in yardsticks", "allocs", "baseline", "")
	width := 0
	for _, r := range c.rows {
		width = max(width, len(r.title()))
	}
	for _, r := range c.rows {
		yards := ""
		if r.yards.both() {
			yards = fmt.Sprintf("%.2f %-4s", r.yards.ratio(), yardstickOf(r.folder, r.name))
		}
		ratio := ""
		if r.time.both() {
			ratio = fmt.Sprintf("%.2f", r.time.ratio())
		}
		line(fmt.Sprintf("%-*s", width, r.title()), r.time.now.took(), r.time.now.within(), r.time.base.took(), r.time.base.within(),
			ratio, yards, r.allocs.now.count(), r.allocs.base.count(), string(r.verdict()))
	}
	_ = t.Flush()
	_, _ = fmt.Fprintf(w, `
faster, slower: by over %.0f %% in yardsticks, with p < %s over the rounds of both runs. ± is the 95 %% confidence
interval of a median. A yardstick is work that Freshet has no part in, measured beside: it takes out of a ratio
how fast the machine was.
`, drift*100, alpha)
}

func (r *row) title() string { return r.folder + " " + r.name }

// took writes a time with three digits.
func (s *sample) took() string {
	if !s.there {
		return "–"
	}
	d := s.median * float64(time.Second)
	for _, u := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if d >= u.ns {
			return fmt.Sprintf("%.3g %s", d/u.ns, u.name)
		}
	}
	return fmt.Sprintf("%.3g ns", d)
}

func (s *sample) within() string {
	if s.spread == "" {
		return ""
	}
	return "±" + s.spread
}

func (s *sample) count() string {
	if !s.there {
		return "–"
	}
	return fmt.Sprintf("%.0f", s.median)
}
