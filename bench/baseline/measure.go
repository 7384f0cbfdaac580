package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"freshet/bench/report"
)

// A bench measures hot paths in rounds, so that a minute in which the machine is slow spoils a little of each
// benchmark and not all of one.
type bench struct {
	root     string // of the repository
	paths    []hotPath
	rounds   int
	length   time.Duration // of a benchmark in a round
	progress io.Writer
}

// measure returns what the benchmarks printed, in the format of go test, with one more figure a line: its time in
// yardsticks. load is what the machine did meanwhile.
func (b *bench) measure(ctx context.Context) (out []byte, load report.Load, err error) {
	dir, err := os.MkdirTemp("", "freshet-bench-")
	if err != nil {
		return nil, load, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system's to clean up
	programs := map[string]string{}
	for i, folder := range append([]string{yardsticks}, folders(b.paths)...) {
		b.tell("building the benchmarks of %s", folder)
		programs[folder] = filepath.Join(dir, fmt.Sprint(i))
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", programs[folder], "./"+folder)
		build.Dir = b.root
		if out, err := build.CombinedOutput(); err != nil {
			return nil, load, fmt.Errorf("build the benchmarks of %s: %w\n%s", folder, err, out)
		}
	}
	r := newRecord(runtime.Version())
	begun, before := time.Now(), report.ReadCounters()
	for round := range b.rounds {
		left := "" // known when one round was measured
		if gone := time.Since(begun); round > 0 {
			left = fmt.Sprintf(", some %v left", (gone / time.Duration(round) * time.Duration(b.rounds-round)).Round(time.Second))
		}
		b.tell("round %d of %d%s", round+1, b.rounds, left)
		for _, p := range b.paths {
			// The yardstick is of the same seconds as what is held against it.
			out, err := b.once(ctx, programs[yardsticks], hotPath{folder: yardsticks, name: "Yardstick/" + p.yardstick})
			if err == nil {
				err = r.yardstick(out)
			}
			if err == nil {
				out, err = b.once(ctx, programs[p.folder], p)
			}
			if err == nil {
				err = r.add(p, out)
			}
			if err != nil {
				return nil, load, err
			}
		}
	}
	load = report.ReadCounters().Since(before)
	return r.end(load), load, nil
}

// once runs the benchmarks of p, which program has. One core, whatever the machine has: else the number of cores would
// be part of each figure.
func (b *bench) once(ctx context.Context, program string, p hotPath) ([]byte, error) {
	var out, bad bytes.Buffer
	c := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench="+p.pattern(), "-test.benchmem", "-test.cpu=1",
		"-test.benchtime="+b.length.String(), "-test.timeout=5m")
	c.Dir, c.Stdout, c.Stderr = filepath.Join(b.root, p.folder), &out, &bad
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("benchmarks of %s: %w\n%s", p.folder, err, strings.TrimSpace(out.String()+bad.String()))
	}
	return out.Bytes(), nil
}

func (b *bench) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, format+"\n", args...) // nobody's work hangs on it
}
