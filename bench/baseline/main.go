// Baseline measures the hot paths and holds them against the committed baseline, which is the output of the same
// benchmarks on some machine at some time: `make bench`. It runs at the root of the repository, on Linux.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	baseline = "bench/baseline/baseline.txt"
	latest   = ".build/bench.txt"

	// rounds tell more than length: what disturbs a round disturbs one figure in ten of each benchmark.
	rounds = 10
	length = 200 * time.Millisecond
)

func main() {
	write := flag.Bool("write", false, "make what is measured the baseline")
	flag.Usage = usage
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *write); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintf(os.Stderr, `Measures the hot paths, %d rounds of %v each, and prints them beside %s.
It fails where one allocates more than there, or takes over %d times as long, in yardsticks.
What it measured stays in %s, for benchstat.

`, rounds, length, baseline, tooSlow, latest)
	flag.PrintDefaults()
}

func run(ctx context.Context, stdout io.Writer, write bool) error {
	b := bench{root: ".", paths: hotPaths, rounds: rounds, length: length, progress: os.Stderr}
	now, load, err := b.measure(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(latest), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(latest, now, 0o644); err != nil {
		return err
	}
	base, err := os.ReadFile(baseline)
	switch {
	case errors.Is(err, fs.ErrNotExist) && write:
		return os.WriteFile(baseline, now, 0o644)
	case err != nil:
		return fmt.Errorf("the baseline: %w (`make bench-baseline` makes one)", err)
	}
	c, err := compare(ctx, b.root, base, now)
	if err != nil {
		return err
	}
	c.starved = load.Starved()
	var table bytes.Buffer
	c.print(&table)
	if _, err := stdout.Write(table.Bytes()); err != nil {
		return err
	}
	if write {
		return os.WriteFile(baseline, now, 0o644)
	}
	return c.failed()
}
