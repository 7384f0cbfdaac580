package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	// alpha is benchstat's: one benchmark in a hundred that did not change seems to.
	alpha = "0.01"
	// drift is how far a figure moves from one minute to the next, whatever its spread within a run says.
	drift = 0.1
	// tooSlow is far beyond what another machine, kernel or compiler makes of a figure in yardsticks.
	tooSlow = 2
	// steady is how far a count of allocations may move: rounds of different length end at different places of
	// what comes once in a while. Up to 50 it must not move at all.
	steady = 1.02
)

// A sample is what was measured of one figure of a benchmark in one run. There is none where it was not part of it.
type sample struct {
	there  bool
	median float64
	spread string // 95 % confidence interval of the median, as a share of it
}

// A pair is a figure in both runs.
type pair struct {
	base, now sample
	moved     bool // by more than its spread explains
}

func (p *pair) both() bool { return p.base.there && p.now.there }

// ratio is of now to base, 1 where both are nothing.
func (p *pair) ratio() float64 {
	if p.now.median == p.base.median {
		return 1
	}
	return p.now.median / p.base.median
}

// A row is one benchmark in both runs.
type row struct {
	folder, name string
	time         pair // seconds
	yards        pair // yardsticks; of a yardstick itself there is none
	allocs       pair
}

// A verdict is what became of a benchmark.
type verdict string

const (
	same       verdict = ""
	faster     verdict = "faster"
	slower     verdict = "slower"
	added      verdict = "new"
	gone       verdict = "gone"
	muchSlower verdict = "TOO SLOW"
	allocates  verdict = "ALLOCATES MORE"
)

func (r *row) verdict() verdict {
	switch {
	case !r.time.base.there:
		return added
	case !r.time.now.there:
		return gone
	case r.allocs.both() && r.allocs.now.median > r.allocs.base.median*steady:
		return allocates
	case !r.yards.both() || !r.yards.moved:
		return same
	}
	switch x := r.yards.ratio(); {
	case x > tooSlow:
		return muchSlower
	case x > 1+drift:
		return slower
	case x < 1/(1+drift):
		return faster
	}
	return same
}

// A comparison is what changed from the baseline to now.
type comparison struct {
	base, now map[string]string // where they ran: goos, goarch, cpu, go, load
	rows      []*row
	starved   bool // the machine was so busy with other things now that times prove nothing
}

// failed is the error that says what got too bad, nil where nothing did.
func (c *comparison) failed() error {
	var bad []error
	for _, r := range c.rows {
		switch r.verdict() {
		case allocates:
			bad = append(bad, fmt.Errorf("%s %s allocates %v times, in the baseline %v", r.folder, r.name, r.allocs.now.median, r.allocs.base.median))
		case muchSlower:
			if c.starved {
				continue
			}
			bad = append(bad, fmt.Errorf("%s %s takes %.2f times as long as in the baseline, in yardsticks", r.folder, r.name, r.yards.ratio()))
		}
	}
	return errors.Join(bad...)
}

// compare has benchstat compare two outputs of benchmarks.
func compare(ctx context.Context, root string, base, now []byte) (*comparison, error) {
	dir, err := os.MkdirTemp("", "freshet-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system's to clean up
	args := []string{"tool", "-modfile=deploy/tools/go.mod", "benchstat", "-format=csv", "-alpha=" + alpha,
		"-table=pkg", "-row=.fullname", "-col=.file", "-ignore=goos,goarch,cpu,go,load"}
	for name, run := range map[string][]byte{"base": base, "now": now} {
		if err := os.WriteFile(filepath.Join(dir, name), run, 0o644); err != nil {
			return nil, err
		}
	}
	args = append(args, "base="+filepath.Join(dir, "base"), "now="+filepath.Join(dir, "now"))
	var out, bad bytes.Buffer
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir, c.Stdout, c.Stderr = root, &out, &bad
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("benchstat: %w\n%s", err, bad.Bytes())
	}
	rows, err := parse(&out)
	if err != nil {
		return nil, fmt.Errorf("benchstat: %w", err)
	}
	return &comparison{base: where(base), now: where(now), rows: rows}, nil
}

// where reads off an output what tells where it was made.
func where(run []byte) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(string(run)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && key != "pkg" && !strings.HasPrefix(line, "Benchmark") {
			all[key] = value
		}
	}
	return all
}

// parse reads benchstat's CSV: for each package, for each unit, a line with the names of the files, one with unit, CI,
// "vs base" and P, and the benchmarks. What only one of the files has lacks the other's columns.
func parse(r io.Reader) (rows []*row, err error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	var folder, unit string
	var files []string // by column
	for {
		f, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		switch {
		case len(f) == 1:
			folder = strings.TrimPrefix(f[0], "pkg: freshet/")
		case f[0] == "" && !slices.Contains(f, "CI"):
			files = f
		case f[0] == "":
			unit = f[1]
		case f[0] != "geomean":
			of := find(&rows, folder, f[0]).of(unit)
			if of == nil {
				continue
			}
			if err := of.read(files, f); err != nil {
				return nil, fmt.Errorf("%s %s, %s: %w", folder, f[0], unit, err)
			}
		}
	}
}

// find returns the row of a benchmark, a new one where there is none.
func find(rows *[]*row, folder, name string) *row {
	for _, r := range *rows {
		if r.folder == folder && r.name == name {
			return r
		}
	}
	r := &row{folder: folder, name: name}
	*rows = append(*rows, r)
	return r
}

// of returns where the figure of that unit belongs, nil where nobody asks for it.
func (r *row) of(u string) *pair {
	switch u {
	case "sec/op":
		return &r.time
	case unit:
		return &r.yards
	case "allocs/op":
		return &r.allocs
	}
	return nil
}

// read takes a line of benchstat's.
func (p *pair) read(files, f []string) error {
	for i, file := range files {
		if file == "" || i+1 >= len(f) || f[i] == "" {
			continue
		}
		median, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			return err
		}
		s := sample{there: true, median: median, spread: f[i+1]}
		switch file {
		case "base":
			p.base = s
		case "now":
			p.now = s
		default:
			return fmt.Errorf("a file %q", file)
		}
	}
	// Behind the two files stand how far it moved, "~" for not beyond noise, and P.
	p.moved = p.both() && len(f) > 5 && f[5] != "~"
	return nil
}
