package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Real benchmarks, much too short to say anything, go all the way.
func TestMeasure(t *testing.T) {
	var progress bytes.Buffer
	b := bench{root: root, paths: []hotPath{{"cluster/ring", "Read", sort}}, rounds: 2, length: time.Millisecond, progress: &progress}
	got, load, err := b.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]int{
		"\nBenchmarkRead ": 2, " yardsticks\n": 2, "\nBenchmarkYardstick/sort ": 2, "\nload: ": 1, "\npkg: freshet/cluster/ring\n": 2,
	} {
		if n := strings.Count(string(got), what); n != want {
			t.Errorf("%q: got %d, want %d in\n%s", what, n, want, got)
		}
	}
	if load.Cores == 0 {
		t.Errorf("load: got %+v", load)
	}
	if !strings.Contains(progress.String(), "round 2 of 2, some ") {
		t.Errorf("progress:\n%s", progress.String())
	}
	c, err := compare(t.Context(), root, got, got)
	if err != nil || c.failed() != nil || len(c.rows) != 2 {
		t.Errorf("with itself: got %v, %v", c, err)
	}
}

func TestMeasureFails(t *testing.T) {
	for _, row := range []struct {
		name string
		path hotPath
		want string
	}{
		{"no such folder", hotPath{"cluster/nowhere", "Read", sort}, "build the benchmarks of cluster/nowhere"},
		{"no such benchmark", hotPath{"cluster/ring", "Nothing", sort}, "cluster/ring has no BenchmarkNothing"},
	} {
		b := bench{root: root, paths: []hotPath{row.path}, rounds: 1, length: time.Millisecond, progress: &bytes.Buffer{}}
		if _, _, err := b.measure(t.Context()); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
}
