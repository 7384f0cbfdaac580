package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"freshet/bench/report"
)

// unit is that of the figure which a record adds to each line.
const unit = "yardsticks"

// A record puts together what the programs of a run printed.
type record struct {
	out   bytes.Buffer
	names map[string]bool    // what of goos, goarch and cpu is written already
	yards map[string]float64 // ns of each yardstick, as measured last
}

func newRecord(goVersion string) *record {
	r := &record{names: map[string]bool{}, yards: map[string]float64{}}
	fmt.Fprintf(&r.out, "go: %s\n", goVersion)
	return r
}

// yardstick takes what the program of the yardsticks printed of one.
func (r *record) yardstick(output []byte) error {
	return r.lines(output, func(name, line string, ns float64) error {
		r.yards[strings.TrimPrefix(name, "Yardstick/")] = ns
		fmt.Fprintln(&r.out, line)
		return nil
	})
}

// add takes what the benchmarks of p printed, one at least.
func (r *record) add(p hotPath, output []byte) error {
	yard := r.yards[p.yardstick]
	if yard == 0 {
		return fmt.Errorf("%s %s: no yardstick %q was measured", p.folder, p.name, p.yardstick)
	}
	seen := false
	err := r.lines(output, func(_, line string, ns float64) error {
		seen = true
		fmt.Fprintf(&r.out, "%s\t%.5g %s\n", line, ns/yard, unit)
		return nil
	})
	if err == nil && !seen {
		return fmt.Errorf("%s has no Benchmark%s, or it was skipped:\n%s", p.folder, p.name, bytes.TrimSpace(output))
	}
	return err
}

// end returns all of it. Load is what the machine did meanwhile.
func (r *record) end(load report.Load) []byte {
	fmt.Fprintf(&r.out, "load: %v\n", load)
	return r.out.Bytes()
}

// lines hands each line that is a benchmark's to take, with its name and time, and keeps what tells where it ran.
func (r *record) lines(output []byte, take func(name, line string, ns float64) error) error {
	for line := range strings.Lines(string(output)) {
		line = strings.TrimRight(line, "\r\n")
		key, _, _ := strings.Cut(line, ": ")
		switch {
		case key == "pkg":
			fmt.Fprintln(&r.out, line)
		case key == "goos" || key == "goarch" || key == "cpu":
			if !r.names[key] {
				r.names[key] = true
				fmt.Fprintln(&r.out, line)
			}
		case strings.HasPrefix(line, "Benchmark"):
			name, ns, err := figure(line)
			if err != nil {
				return err
			}
			if err := take(name, line, ns); err != nil {
				return err
			}
		}
	}
	return nil
}

// figure reads the name and the time off a benchmark's line.
func figure(line string) (name string, ns float64, err error) {
	f := strings.Fields(line)
	for i := 3; i < len(f); i += 2 {
		if f[i] != "ns/op" {
			continue
		}
		if ns, err = strconv.ParseFloat(f[i-1], 64); err != nil || !(ns > 0) {
			break
		}
		return strings.TrimPrefix(f[0], "Benchmark"), ns, nil
	}
	return "", 0, fmt.Errorf("no time in %q", line)
}
