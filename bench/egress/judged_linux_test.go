package egress

import (
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/bench/load"
)

// A join costs what watching does not: here 2 ms each, whatever else the edge does.
func TestCostOfAJoin(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		name                  string
		before, during, after spell
		ramp                  time.Duration
		joins                 int
		want                  float64
	}{
		{"nobody watches", spell{0, s}, spell{200 * time.Millisecond, 10 * s}, spell{0, s}, 10 * s, 100, 2},
		// Half a core before, one after: 7.5 s in the ramp of ten, 3 s in the three after it.
		{"more and more watch", spell{s, 2 * s}, spell{10500*time.Millisecond + 200*time.Millisecond, 13 * s}, spell{2 * s, 2 * s}, 10 * s, 100, 2},
		{"nobody came", spell{0, s}, spell{0, s}, spell{0, s}, s, 0, 0},
	} {
		if got := costOf(row.before, row.during, row.after, row.ramp, row.joins); got < row.want-1e-9 || got > row.want+1e-9 {
			t.Errorf("%s: got %v ms, want %v", row.name, got, row.want)
		}
	}
}

// Of waves that took more and less than nothing over what watching costs, the sum is told, each by its joins.
func TestCostOfAllJoins(t *testing.T) {
	of := func(cost float64, joined int) wave { return wave{[]*load.SwarmResult{{Joined: joined}}, cost} }
	if got := together([]wave{of(4, 100), of(-1, 300), of(0, 0)}); got != .25 {
		t.Errorf("got %v ms, want 0.25", got)
	}
	if got := together(nil); got != 0 {
		t.Errorf("of none: %v", got)
	}
}

// What happens while viewers come and go belongs to no phase.
func TestPiecesOfAPhase(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(100, int64(s*1e9)) }
	piece := func(from, p99 float64) load.Slice {
		return load.Slice{From: at(from), To: at(from + 1), Delay: load.Spread{N: 1, P99: p99}}
	}
	all := []load.Slice{piece(0, 1), piece(1, 2), piece(2, 3), piece(3, 4), piece(4, 5)}
	all[2].Delay.N = 0
	if got, want := p99s(all, phase{from: at(.5), to: at(4.5)}), []float64{2, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHostileIsJudged(t *testing.T) {
	h := hostile{viewers: 7}
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var rounds []round
	others := &load.SwarmResult{Joined: 7}
	pass := func(second int, p99 float64) phase {
		for i := range 10 {
			from := at(second + i)
			others.Slices = append(others.Slices, load.Slice{From: from, To: from.Add(time.Second), Delay: load.Spread{N: 9, P99: p99}})
		}
		return phase{from: at(second), to: at(second + 10)}
	}
	for i := range 3 {
		rounds = append(rounds, round{pass(20*i, 10), pass(20*i+10, 10.5)})
	}
	told := asked{took: time.Second, nacks: hostileNACKs, keys: hostileKeys, sent: 1050, resent: 20}
	for _, row := range []struct {
		name   string
		change func(*load.SwarmResult, *asked)
		missed string
	}{
		{"good", func(*load.SwarmResult, *asked) {}, ""},
		{"slower", func(r *load.SwarmResult, _ *asked) {
			for i := range r.Slices {
				if i/10%2 == 1 {
					r.Slices[i].Delay.P99 = 11.1
				}
			}
		}, "hostile-p99"},
		{"nothing is stamped", func(r *load.SwarmResult, _ *asked) { r.Slices = nil }, "hostile-p99"},
		{"frozen", func(r *load.SwarmResult, _ *asked) { r.Steady.Freezes = 1 }, "hostile-others"},
		{"lossy", func(r *load.SwarmResult, _ *asked) { r.Lost = 1 }, "hostile-others"},
		{"somebody failed", func(r *load.SwarmResult, _ *asked) { r.Joined, r.Failed = 6, 1 }, "hostile-others"},
		{"nobody counted", func(_ *load.SwarmResult, a *asked) { a.keys = 0 }, "hostile-told"},
		{"amplified", func(_ *load.SwarmResult, a *asked) { a.resent, a.sent = 30, 1030 }, "hostile-resent"},
	} {
		r, a := *others, told
		r.Slices = slices.Clone(others.Slices)
		row.change(&r, &a)
		missed := ""
		for _, g := range h.judge(&r, rounds, a) {
			if !g.OK() {
				missed += g.ID
			}
		}
		if missed != row.missed {
			t.Errorf("%s: missed %q, want %q", row.name, missed, row.missed)
		}
	}
}

func TestOverloadIsJudged(t *testing.T) {
	o := overload{places: 10, early: 8, late: 7}
	for _, row := range []struct {
		name   string
		change func(early, late *load.SwarmResult, k *knocking, filled *float64)
		missed string
	}{
		{"good", func(_, _ *load.SwarmResult, _ *knocking, _ *float64) {}, ""},
		{"slow", func(_, _ *load.SwarmResult, k *knocking, _ *float64) { k.took[0] = 51 }, "overload-refused-p99"},
		{"nowhere to go", func(_, _ *load.SwarmResult, k *knocking, _ *float64) { k.wrong = []string{"404"} }, "overload-sent-on"},
		{"nobody was refused", func(_, _ *load.SwarmResult, k *knocking, _ *float64) { k.took, k.letIn = nil, 3 }, "overload-refused-p99 overload-sent-on"},
		{"most were let in", func(_, _ *load.SwarmResult, k *knocking, _ *float64) { k.letIn = 3 }, "overload-sent-on"},
		{"one too many", func(_, late *load.SwarmResult, _ *knocking, _ *float64) {
			late.Failed, late.Failures = 4, map[load.End]int{load.EndRefused: 4}
		}, "overload-sent-on"},
		{"one was lost", func(_, late *load.SwarmResult, _ *knocking, _ *float64) { late.Failed++ }, "overload-sent-on"},
		{"frozen", func(early, _ *load.SwarmResult, _ *knocking, _ *float64) { early.Steady.Freezes = 1 }, "overload-freezes"},
		{"lossy", func(_, late *load.SwarmResult, _ *knocking, _ *float64) { late.Lost = 1 }, "overload-freezes"},
		{"half empty", func(_, _ *load.SwarmResult, _ *knocking, filled *float64) { *filled = .5 }, "overload-filled"},
	} {
		early := &load.SwarmResult{Wanted: 8, Joined: 8}
		late := &load.SwarmResult{Wanted: 7, Joined: 2, Failed: 5, Failures: map[load.End]int{load.EndRefused: 5}}
		k, filled := knocking{took: []float64{1, 2, 3}}, .95
		row.change(early, late, &k, &filled)
		var all []string
		for _, g := range o.judge(early, late, k, filled) {
			if !g.OK() {
				all = append(all, g.ID)
			}
		}
		if missed := strings.Join(all, " "); missed != row.missed {
			t.Errorf("%s: missed %q, want %q", row.name, missed, row.missed)
		}
	}
}

func TestPercentiles(t *testing.T) {
	all := []float64{4, 1, 3, 2, 5, 9}
	for q, want := range map[float64]float64{.5: 3, .99: 9, 1: 9, .1: 1} {
		if got := percentile(all, q); got != want {
			t.Errorf("%v: got %v, want %v", q, got, want)
		}
	}
	if got, want := thirds(all, 1), []float64{4, 3, 9}; !slices.Equal(got, want) {
		t.Errorf("thirds: got %v, want %v", got, want)
	}
	if percentile(nil, .5) != 0 || thirds(nil, .5) != nil {
		t.Error("there is something in nothing")
	}
}
