package stand

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"freshet/bench/report"
)

// Rows run in order, those that are asked for or all but the extra ones; each is told, also one that fails.
func TestRun(t *testing.T) {
	var ran []string
	row := func(id string, extra bool, gives ...string) Row {
		return Row{ID: id, Gives: gives, About: "a row", Real: "all", Fakes: "nothing of " + id, Extra: extra, Run: func(b *Bench) []*report.Result {
			ran = append(ran, b.ID)
			switch id {
			case "fails":
				b.Fatal("no luck")
			case "infinite":
				return []*report.Result{report.GoalAtMost("infinite", "us", math.Inf(1), 2)}
			}
			return []*report.Result{report.GoalAtMost(id+"-cost", "us", 1, 2)}
		}}
	}
	rows := []Row{row("a", false, "a-cost", "a-sent"), row("fails", false), row("long", true), row("infinite", true)}
	for _, c := range []struct {
		only   []string
		ran    string
		missed bool
	}{
		{nil, "a fails", true}, {[]string{"a-s*"}, "a", false}, {[]string{"a", "long"}, "a long", false}, {[]string{"fails"}, "fails", true},
		{[]string{"infinite", "a"}, "a infinite", true},
	} {
		ran = nil
		var out, told bytes.Buffer
		run := report.New("rows", "1", []string{"freshet"}, time.Now())
		err := Run(t.Context(), Config{Only: c.only, JSON: true, Stdout: &out, Stderr: &told, Report: run}, rows)
		// A busy machine voids a row, which is a miss as well.
		voided := strings.Contains(out.String(), `"void":true`)
		if got := strings.Join(ran, " "); got != c.ran || errors.Is(err, ErrMissed) != (c.missed || voided) {
			t.Errorf("%v: ran %s, %v; want %s, missed %v", c.only, got, err, c.ran, c.missed)
		}
		if real, fakes := strings.Join(run.Real, "; "), len(run.Simulated); real != strings.ReplaceAll(c.ran, " ", ", ")+": all" || fakes != len(ran) {
			t.Errorf("%v: real: %s; %d sentences on what is not", c.only, real, fakes)
		}
		if lines := strings.Count(out.String(), "\n"); lines != len(ran) || len(run.Goals) != len(ran) {
			t.Errorf("%v: %d lines and %d goals of %d rows", c.only, lines, len(run.Goals), len(ran))
		}
		if c.missed && !strings.Contains(out.String(), `"error":"no luck"`) && !strings.Contains(out.String(), `"error":"figure value is +Inf"`) {
			t.Errorf("%v: the failure is not told: %s", c.only, out.String())
		}
	}
	var list bytes.Buffer
	if err := List(&list, rows); err != nil || !strings.Contains(list.String(), "gives a-cost, a-sent") {
		t.Errorf("list: %v\n%s", err, list.String())
	}
	for _, c := range []struct {
		cfg Config
		ok  bool
	}{
		{Config{}, true}, {Config{Only: []string{"a*", "long"}}, true},
		{Config{Only: []string{"nothing"}}, false}, {Config{Only: []string{"["}}, false},
		{Config{For: time.Millisecond}, false}, {Config{For: -1}, false}, {Config{Times: -1}, false}, {Config{Times: 5000}, false},
	} {
		if err := c.cfg.Validate(rows); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}

// A result goes to standard output whole, in a line, and to people in another.
func TestResult(t *testing.T) {
	r := &report.Result{ID: "loss-2-rtt-100", Target: "all"}
	r.Set("rtt_ms", report.MS(100*time.Millisecond))
	r.Set("loss", .02)
	r.Set("n", 57000)
	r.AtLeast("delivered", .99999, .99999)
	r.AtMost("p99_ms", 103.5, 150)
	b, err := json.Marshal(r)
	want := `{"id":"loss-2-rtt-100","rtt_ms":100,"loss":0.02,"n":57000,"delivered":0.99999,"p99_ms":103.5,"target":"all","ok":true}`
	if err != nil || string(b) != want {
		t.Errorf("got  %s, %v\nwant %s", b, err, want)
	}
	if got := r.String(); !strings.HasPrefix(got, "ok     loss-2-rtt-100: rtt ms 100 · loss 0.02 · n 57000") {
		t.Errorf("text: %s", got)
	}
	r.AtMost("max_ms", 151, 150)
	r.Void = true
	b, err = json.Marshal(r)
	if err != nil || !strings.HasSuffix(string(b), `"missed":["max_ms is 151, want at most 150"],"void":true,"ok":false}`) || r.OK() {
		t.Errorf("missed: %s, %v", b, err)
	}
	// The whole line, as it goes to standard output.
	r = &report.Result{ID: "kill", Err: "a < b", Load: report.Load{Cores: 2, Average: .25, Busy: .5, Others: .012}}
	var out, people bytes.Buffer
	if err := write(Config{JSON: true, Stdout: &out, Stderr: &people}, r); err != nil {
		t.Fatal(err)
	}
	want = `{"id":"kill","error":"a < b","cores":2,"load_average":0.25,"busy":0.5,"busy_others":0.012,"ok":false}` + "\n"
	if out.String() != want {
		t.Errorf("line: got %swant %s", out.String(), want)
	}
	if want := "MISSED kill [2 cores, load 0.25, busy 50 %, others 1 %]\n       a < b\n"; people.String() != want {
		t.Errorf("text: got %swant %s", people.String(), want)
	}
	if r.Set("nan", math.NaN()); true {
		if _, err := json.Marshal(r); err == nil {
			t.Error("a figure that is no number was written")
		}
	}
}

// A stand ends what its row began, last first, also after a failure, and shows why it failed.
func TestStand(t *testing.T) {
	s := newStand(t.Context())
	var order []int
	s.run(func() {
		s.Cleanup(func() { order = append(order, 1) })
		s.Cleanup(func() { order = append(order, 2); s.Fatal("in a cleanup") })
		s.Cleanup(func() { panic("in a cleanup too") })
		s.Fatalf("row: %d", 7)
		t.Error("went on after Fatal")
	})
	if got := s.failure(); !strings.HasPrefix(got, "row: 7; panic: in a cleanup too") || !strings.HasSuffix(got, "; in a cleanup") {
		t.Errorf("failure: %q", got)
	}
	if len(order) != 2 || order[0] != 2 || s.Context().Err() == nil {
		t.Errorf("cleanups: %v, context %v", order, s.Context().Err())
	}
	log := &tail{max: 20}
	for range 100 {
		_, _ = log.Write([]byte("0123456789\n")) // never fails
	}
	if got := string(log.bytes()); got != "0123456789\n" || len(log.b) > 2*log.max+11 {
		t.Errorf("tail: %q of %d kept", got, len(log.b))
	}
}

// Rows draw into a chart together, where there is a page.
func TestChart(t *testing.T) {
	b := New(t, Config{}, "a")
	b.Chart(report.Bars{Name: "cost"}) // goes nowhere
	b.Config.Report = report.New("rows", "1", nil, time.Now())
	for _, label := range []string{"x", "y"} {
		b.Chart(report.Bars{Name: "cost", Unit: "us", Bars: []report.Bar{{Label: label}}})
	}
	b.Chart(report.Bars{Name: "memory", Bars: []report.Bar{{Label: "z"}}})
	if got := b.Config.Report.Bars; len(got) != 2 || len(got[0].Bars) != 2 || got[0].Bars[1].Label != "y" {
		t.Errorf("got %+v, want a chart of two bars and one of one", got)
	}
}
