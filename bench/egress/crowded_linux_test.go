package egress

import (
	"testing"
	"time"

	"freshet/bench/report"
	"freshet/bench/stand"
)

// shortSettle is less than newcomers need to catch up with live: a short form only looks whether all works.
const shortSettle = 500 * time.Millisecond

// short runs a row with a few viewers, beside other tests and with the race detector: what is timed is no more than
// printed, and so are freezes, and refusals of an edge that such a machine makes late.
func short(t *testing.T, run func(*stand.Bench) []*report.Result) []*report.Result {
	t.Helper()
	t.Parallel() // most of it is waiting
	results := run(stand.New(t, stand.Config{Binary: built.Binary(t), Stderr: t.Output()}, t.Name()))
	for _, r := range results {
		t.Log(r)
		if _, err := r.MarshalJSON(); err != nil || r.Err != "" {
			t.Errorf("%s: %v %s", r.ID, err, r.Err)
		}
	}
	return results
}

// whole fails the test where packets were lost that this machine did not drop itself.
func whole(t *testing.T, results []*report.Result, id string) {
	t.Helper()
	if lost, here := value(t, results, id, "lost"), value(t, results, id, "dropped_here"); lost > here {
		t.Errorf("%s: %v packets lost, %v of them here", id, lost, here)
	}
}

func TestRush(t *testing.T) {
	r := rush{decoding: 4, filtered: 8, ramp: 50, idle: 4, fast: 15, rounds: 1, calm: time.Second, window: time.Second, piece: 10, settle: shortSettle}
	results := short(t, r.run)
	whole(t, results, "rush-freezes")
	if got := value(t, results, "rush-failed", "came"); got != 4+8+4+15 {
		t.Errorf("%v viewers came", got)
	}
	if got, full := value(t, results, "rush-failed", "value"), value(t, results, "rush-failed", "refused"); got > full {
		t.Errorf("%v viewers failed, %v of them refused", got, full)
	}
	for _, id := range []string{"rush-idle-p50", "rush-p50", "rush-p99"} {
		if got := value(t, results, id, "value"); got <= 0 {
			t.Errorf("%s: %v ms", id, got)
		}
	}
}

func TestHostile(t *testing.T) {
	h := hostile{viewers: 6, ramp: 50, rounds: 1, phase: 1500 * time.Millisecond, slice: 500 * time.Millisecond, settle: shortSettle}
	results := short(t, h.run)
	whole(t, results, "hostile-others")
	if got := value(t, results, "hostile-p99", "windows"); got < 3 {
		t.Errorf("%v windows in two phases of three, want 3 at least", got)
	}
	if got := value(t, results, "hostile-told", "value"); got < hostileTold/2 {
		t.Errorf("the edge counted %v of what was asked for", got)
	}
	if got := value(t, results, "hostile-told", "over_budget_per_s"); got == 0 {
		t.Error("no packet was refused for its viewer's budget")
	}
	if got := value(t, results, "hostile-resent", "value"); got == 0 || got > hostileResent {
		t.Errorf("sent again: %v of what a viewer gets, want %v at most", got, hostileResent)
	}
}

func TestOverload(t *testing.T) {
	o := overload{places: 10, early: 8, late: 7, fast: 40, slow: 2.5, knocks: 50, window: time.Second, settle: shortSettle}
	results := short(t, o.run)
	whole(t, results, "overload-freezes")
	if got := value(t, results, "overload-sent-on", "value"); got != 1 {
		t.Errorf("%v of the refusals say where to go, want all", got)
	}
	if n, in := value(t, results, "overload-refused-p99", "n"), value(t, results, "overload-freezes", "viewers"); n == 0 || in > 10 {
		t.Errorf("%v were refused at a full edge, and %v have places, of 10", n, in)
	}
}

// Those who come and go one after the other all see a picture, and the publisher hears little of them.
func TestThrong(t *testing.T) {
	t.Parallel()
	results := throng{viewers: 40, wave: 20, ramp: 20, settle: shortSettle}.run(bench(t, time.Second))
	for _, r := range results {
		t.Log(r)
	}
	if got, want := value(t, results, "throng-failed", "joined"), 40.; got != want {
		t.Errorf("%v joined, want %v", got, want)
	}
	if got := value(t, results, "throng-asks", "value"); got > throngAsks {
		t.Errorf("%v key frames a second were asked for, want %v at most", got, throngAsks)
	}
}
