package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"freshet/bench/report"
)

func TestFigure(t *testing.T) {
	for _, row := range []struct {
		line, name string
		ns         float64
		ok         bool
	}{
		{"BenchmarkWrite \t 1000\t 12.5 ns/op\t 0 B/op", "Write", 12.5, true},
		{"BenchmarkDatagram/append 10 21.55 ns/op 55683.47 MB/s", "Datagram/append", 21.55, true},
		{"BenchmarkX 10 7 B/viewer 3 ns/op", "X", 3, true},
		{"BenchmarkX 10 7 B/viewer", "", 0, false},
		{"BenchmarkX 10 many ns/op", "", 0, false},
		{"BenchmarkX 10 0 ns/op", "", 0, false},
		{"BenchmarkX 10 NaN ns/op", "", 0, false},
		{"BenchmarkX", "", 0, false},
	} {
		name, ns, err := figure(row.line)
		if name != row.name || ns != row.ns || (err == nil) != row.ok {
			t.Errorf("%q: got %q, %v, %v", row.line, name, ns, err)
		}
	}
}

func TestRecord(t *testing.T) {
	path := hotPath{"x", "B/one", send}
	head := "goos: linux\npkg: freshet/x\ncpu: fast\n"
	yard := "goos: linux\npkg: freshet/bench/baseline\ncpu: fast\nBenchmarkYardstick/send 10 200 ns/op\nPASS\n"
	for _, row := range []struct {
		name, yard, printed string
		want                string // of the output, or of the error
		ok                  bool
	}{
		{"two of a path", yard, head + "BenchmarkB/one/viewers=1 10 50 ns/op\nBenchmarkB/one/viewers=2 10 100 ns/op\nPASS\n",
			"go: go1\ngoos: linux\npkg: freshet/bench/baseline\ncpu: fast\nBenchmarkYardstick/send 10 200 ns/op\n" +
				"pkg: freshet/x\nBenchmarkB/one/viewers=1 10 50 ns/op\t0.25 yardsticks\nBenchmarkB/one/viewers=2 10 100 ns/op\t0.5 yardsticks\n", true},
		{"it was renamed", yard, head + "PASS\n", "x has no BenchmarkB/one", false},
		{"another yardstick", strings.ReplaceAll(yard, "/send", "/post"), head + "BenchmarkB/one 10 100 ns/op\n", `no yardstick "send"`, false},
		{"no time", yard, head + "BenchmarkB/one 10\n", "no time in", false},
		{"no time of the yardstick", "BenchmarkYardstick/send 10\n", head + "BenchmarkB/one 10 100 ns/op\n", "no time in", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRecord("go1")
			err := r.yardstick([]byte(row.yard))
			if err == nil {
				err = r.add(path, []byte(row.printed))
			}
			got := r.out.String()
			if err != nil {
				got = err.Error()
			}
			if (err == nil) != row.ok || row.ok && got != row.want || !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestHas(t *testing.T) {
	for _, row := range []struct {
		path, name string
		want       bool
	}{
		{"Write", "Write", true}, {"Write", "WriteWatched", false}, {"Tick", "Tick/frame/viewers=9", true},
		{"Tick/frame", "Tick/frame/viewers=9", true}, {"Tick/frame", "Tick/frame-cm/viewers=9", false}, {"Tick/frame", "Tick", false},
	} {
		if got := (hotPath{name: row.path}).has(row.name); got != row.want {
			t.Errorf("%s of %s: got %v, want %v", row.name, row.path, got, row.want)
		}
	}
	if got, want := (hotPath{"x", "Seal/own", seal}).pattern(), "^BenchmarkSeal$/^own$"; got != want {
		t.Errorf("pattern: got %q, want %q", got, want)
	}
}

// The table names benchmarks that are there, yardsticks that are there, and what the committed baseline holds.
func TestHotPaths(t *testing.T) {
	base, err := os.ReadFile("baseline.txt")
	if err != nil {
		t.Fatal(err)
	}
	folder, held := "", map[hotPath]bool{}
	for line := range strings.Lines(string(base)) {
		if pkg, ok := strings.CutPrefix(strings.TrimSpace(line), "pkg: freshet/"); ok {
			folder = pkg
		}
		if name, _, err := figure(line); err == nil && folder != yardsticks {
			i := slices.IndexFunc(hotPaths, func(p hotPath) bool { return p.folder == folder && p.has(name) })
			if i < 0 {
				t.Errorf("the baseline has %s %s, the table has not", folder, name)
				continue
			}
			held[hotPaths[i]] = true
		}
	}
	sources := map[string]string{}
	for _, folder := range folders(hotPaths) {
		files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("tests of %s: %v, %v", folder, files, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			sources[folder] += string(b)
		}
	}
	for _, p := range hotPaths {
		top, _, _ := strings.Cut(p.name, "/")
		if !strings.Contains(sources[p.folder], "func Benchmark"+top+"(") {
			t.Errorf("%s has no Benchmark%s", p.folder, top)
		}
		if !strings.Contains(string(base), "\nBenchmarkYardstick/"+p.yardstick+" ") {
			t.Errorf("%s %s: no yardstick %q in the baseline", p.folder, p.name, p.yardstick)
		}
		if !held[p] {
			t.Errorf("%s %s is not in the baseline: `make bench-baseline` puts it there", p.folder, p.name)
		}
	}
}

func TestWhere(t *testing.T) {
	r := newRecord("go1.26")
	if err := r.yardstick([]byte("goos: linux\ncpu: a: b\npkg: freshet/x\nBenchmarkA 1 2 ns/op\n")); err != nil {
		t.Fatal(err)
	}
	got := where(r.end(report.Load{Cores: 2, Average: 0.5, Busy: 0.6, Others: 0.1}))
	if len(got) != 4 || got["load"] != "2 cores, load 0.50, busy 60 %, others 10 %" || got["go"] != "go1.26" || got["goos"] != "linux" || got["cpu"] != "a: b" {
		t.Errorf("got %v", got)
	}
}
