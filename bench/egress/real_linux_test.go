package egress

import (
	"bytes"
	"io"
	"os/exec"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"freshet/bench/peers"
	"freshet/bench/report"
	"freshet/bench/stand"
)

// bench is a bench for a short form of a row, whose windows are for in all.
func bench(t *testing.T, length time.Duration) *stand.Bench {
	t.Helper()
	return stand.New(t, stand.Config{For: length, Binary: built.Binary(t)}, t.Name())
}

// value returns the figure called name of the result called id.
func value(t *testing.T, results []*report.Result, id, name string) float64 {
	t.Helper()
	for _, r := range results {
		if r.ID != id {
			continue
		}
		v, ok := r.Value(name)
		if !ok {
			t.Fatalf("%s has no figure %s: %v", id, name, r)
		}
		return v
	}
	t.Fatalf("no result %s in %v", id, results)
	return 0
}

// What an edge and a naive server take of a crowd is measured by processes; how much it is proves nothing here.
func TestSlope(t *testing.T) {
	t.Parallel()
	plan := slopePlan{edge: [2]int{5, 20}, peer: [2]int{3, 12}, beside: []peers.Kind{peers.Naive}, settle: shortSettle}
	run := report.New("slope", "1", []string{"freshet"}, time.Now())
	b := bench(t, 1200*time.Millisecond)
	b.Config.Report = run
	results := plan.run(b)
	for _, r := range results {
		t.Log(r)
	}
	if len(results) != 3 || results[2].ID != "slope-ratio" {
		t.Fatalf("got %d results, want the edge's, the naive server's and their ratio", len(results))
	}
	for _, name := range []string{"failed_5", "failed_20"} {
		if got := value(t, results, "slope-edge", name); got != 0 {
			t.Errorf("edge: %s is %v, want 0", name, got)
		}
	}
	for _, name := range []string{"came_5", "came_20"} { // of windows of a second, a picture more or less
		if got := value(t, results, "slope-edge", name); got < .7 || got > 1.4 {
			t.Errorf("edge: %s is %v, want about 1", name, got)
		}
	}
	if got := value(t, results, "slope-naive", "failed_12"); got != 0 {
		t.Errorf("naive: %v failed, want 0", got)
	}
	if len(run.Bars) != 2 || len(run.Bars[0].Bars) != 2 || len(run.Bars[1].Bars) != 4 {
		t.Errorf("charts: %+v", run.Bars)
	}
}

// Janus is measured where it is installed, with what its figures leave out.
func TestJanus(t *testing.T) {
	if _, err := exec.LookPath("janus"); err != nil || testing.Short() {
		t.Skip("Janus is not installed (make peers), or -short")
	}
	t.Parallel()
	plan := slopePlan{peer: [2]int{2, 6}, settle: shortSettle}
	results := plan.janus(bench(t, 1200*time.Millisecond))
	if got := value(t, results, "slope-janus", "failed_6"); got != 0 {
		t.Errorf("%v failed, want 0", got)
	}
	if got := value(t, results, "slope-janus", "came_6"); got < .7 || got > 1.4 {
		t.Errorf("%v of the packets came, want about 1", got)
	}
	if !strings.Contains(results[0].String(), "cannot 1 has no WHIP") {
		t.Errorf("what it cannot do is not said: %v", results[0])
	}
}

// The edge is held to the cheapest of the others, and to nothing where a window came to nothing.
func TestSlopeRatio(t *testing.T) {
	of := func(name string, less, more []float64) *slope {
		s := &slope{name: name, costs: [2]cost{{viewers: 10, cores: less, rate: 1700}, {viewers: 610, cores: more, rate: 101_700}}}
		s.reckon()
		return s
	}
	edge := of("edge", []float64{.1, .1, .1}, []float64{.2, .3, .22})
	dear := of("naive", []float64{.1, .1, .1}, []float64{1.6, 1.6, 1.6})
	cheap := of("naive-gcm", []float64{.1, .1, .1}, []float64{1.1, 1.1, 1.1})
	r := ratio(edge, []*slope{dear, cheap})
	if v, _ := r.Value("value"); v < .119 || v > .121 || !r.OK() || !strings.Contains(r.String(), "beside naive-gcm") {
		t.Errorf("got %v, want 0.12 beside naive-gcm", r)
	}
	if r = ratio(of("edge", []float64{.1}, []float64{.4}), []*slope{cheap, dear}); r.OK() {
		t.Errorf("0.3 is within 1/6: %v", r)
	}
	if r = ratio(of("edge", []float64{.1}, []float64{.1}), []*slope{cheap}); r.OK() || r.Err == "" {
		t.Errorf("a window without a cost: %v", r)
	}
	// Whoever serves a part of the larger audience is no yardstick.
	cheap.costs[1].rate = 40_000
	cheap.reckon()
	if r = ratio(edge, []*slope{cheap, dear}); !strings.Contains(r.String(), "beside naive (") {
		t.Errorf("beside a server that was overloaded: %v", r)
	}
	if r = ratio(edge, []*slope{cheap}); r.Err == "" {
		t.Errorf("beside nobody: %v", r)
	}
}

// Viewers of an edge are counted, and do not bring goroutines, once those of their handshakes have ended: 2 s later.
func TestSessions(t *testing.T) {
	t.Parallel()
	plan := sessionsPlan{first: 10, all: 30, step: 300 * time.Millisecond}
	results := plan.run(bench(t, time.Second))
	for _, r := range results {
		t.Log(r)
	}
	if got := value(t, results, "sessions-failed", "value"); got != 0 {
		t.Errorf("%v viewers failed, want 0", got)
	}
	if got := value(t, results, "sessions-failed", "watching"); got != 30 {
		t.Errorf("the edge has %v viewers, want 30", got)
	}
	if got := value(t, results, "sessions-memory", "resident_bytes_30"); got < 1<<20 {
		t.Errorf("the edge says it has %v bytes of memory", got)
	}
	if got := value(t, results, "sessions-goroutines", "value"); got >= 15 {
		t.Errorf("20 viewers brought %v goroutines", got)
	}
}

// Goroutines are counted as the profile of this process has them, but for those of HTTP connections.
func TestCountGoroutines(t *testing.T) {
	n, err := countGoroutines(`goroutine profile: total 9
4 @ 0x1 0x2
#	0x1	main.loop+0x1	/x.go:1

3 @ 0x3
#	0x3	net/http.(*conn).serve+0x7f2	/server.go:2103

2 @ 0x4
#	0x4	main.main+0x1	/x.go:2
`)
	if err != nil || n != 6 {
		t.Errorf("got %d, %v, want 6", n, err)
	}
	var own bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&own, 1); err != nil {
		t.Fatal(err)
	}
	if n, err := countGoroutines(own.String()); err != nil || n < 2 {
		t.Errorf("of this process: got %d, %v", n, err)
	}
	for _, text := range []string{"", "nothing", "x @ 0x1\n"} {
		if n, err := countGoroutines(text); err == nil {
			t.Errorf("%q: got %d", text, n)
		}
	}
}

// Viewers who check everything lose nothing; and two runs of one row can be compared, each bounded figure by what
// its repeats differ by.
func TestDecoded(t *testing.T) {
	t.Parallel()
	var runs [2]*report.Run
	for i := range runs {
		run := report.New("decoded", "1", []string{"freshet"}, time.Now())
		row := stand.Row{ID: "decoded", About: "a few", Run: decoded{12, shortSettle}.run}
		cfg := stand.Config{For: time.Second, Binary: built.Binary(t), Report: run, JSON: true, Stdout: t.Output(), Stderr: io.Discard}
		if err := stand.Run(t.Context(), cfg, []stand.Row{row}); err != nil {
			t.Log(err) // on a busy machine it is void, or late
		}
		run.Finish(time.Now())
		var file bytes.Buffer
		if err := run.WriteJSON(&file); err != nil {
			t.Fatal(err)
		}
		again, err := report.Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		runs[i] = again
		if got := value(t, again.Goals, "decoded-lost", "value"); got != 0 {
			t.Errorf("%v packets lost, want 0", got)
		}
		if got := value(t, again.Goals, "decoded-lost", "packets"); got < 12*megabitPackets/2 {
			t.Errorf("%v packets came to 12 viewers in a second", got)
		}
		if got := value(t, again.Goals, "decoded-wait-p99", "value"); got <= 0 {
			t.Errorf("packets waited for %v ms at the edge", got)
		}
	}
	found := 0
	for _, c := range report.Compare(runs[0], runs[1]).Changes {
		if c.ID != "decoded-wait-p99" && c.ID != "decoded-delay-p99" {
			continue
		}
		found++
		if c.Verdict == report.Unsure || c.Verdict != report.Voided && c.Noise == nil {
			t.Errorf("%s: %+v", c.ID, c)
		}
	}
	if found != 2 {
		t.Errorf("compared %d figures, want 2", found)
	}
}

// Every row has an id of its own, and so has everything that it gives.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		if r.About == "" || r.Run == nil || len(r.Gives) == 0 {
			t.Errorf("%s: %+v", r.ID, r)
		}
		for _, id := range r.Gives {
			if seen[id] {
				t.Errorf("two results are called %s", id)
			}
			seen[id] = true
		}
	}
}
