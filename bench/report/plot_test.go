package report

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTicks(t *testing.T) {
	for _, row := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 100, "0 20 40 60 80 100"}, {0, 1, "0 0.2 0.4 0.6 0.8 1"}, {-3, 7, "-2 0 2 4 6"}, {0, 62, "0 20 40 60"},
		{0, 2.4e6, "0 1M 2M"}, {5, 5, "5 5.2 5.4 5.6 5.8 6"}, {0, 0, "0 0.2 0.4 0.6 0.8 1"},
	} {
		var labels []string
		for _, tick := range newScale(row.lo, row.hi, 0, 1).ticks() {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != row.want {
			t.Errorf("%v to %v: got %s, want %s", row.lo, row.hi, got, row.want)
		}
	}
	for _, span := range [][2]float64{{1e15, 1e15}, {-1e15, 1e15}, {0, 1e-300}, {1e15 - 1, 1e15}} {
		s := newScale(span[0], span[1], 0, 100)
		if n := len(s.ticks()); n < 1 || n > 8 {
			t.Errorf("%v: %d ticks", span, n)
		}
		for _, v := range span {
			if at := s.at(v); strings.ContainsAny(at, "NIe") {
				t.Errorf("%v in %v is at %s", v, span, at)
			}
		}
	}
}

// A curve of many points keeps its peaks.
func TestThinned(t *testing.T) {
	var s Series
	for i := range 100_000 {
		v := 1.
		if i == 77_777 {
			v = 50
		}
		s.Add(time.Duration(i)*time.Millisecond, v)
	}
	peak, thin := 0., thinned(s.Points)
	for i, p := range thin {
		peak = max(peak, p.Value)
		if i > 0 && p.Seconds < thin[i-1].Seconds {
			t.Errorf("point %d goes back in time", i)
		}
	}
	if peak != 50 || len(thin) > 2*maxSteps {
		t.Errorf("%d points, the highest %v, want 50 among at most %d", len(thin), peak, 2*maxSteps)
	}
	if p := seriesPlot("a", s); len(p.Rows) != 10 || p.Rows[7][3] != "50" {
		t.Errorf("table: %q", p.Rows)
	}
}

func TestSpreadPlot(t *testing.T) {
	p := spreadPlot("a", Column{Name: "join", Unit: "ms"}, []float64{10, 20, 30, 40})
	if want := "M136 190H136V145H220V100H304V55H388V10"; p.Curve != want {
		t.Errorf("curve: got %s, want %s", p.Curve, want)
	}
	if got := fmt.Sprint(p.Rows[4]); got != "[75 % 30]" {
		t.Errorf("three quarters: %s", got)
	}
}

func TestBarPlot(t *testing.T) {
	p := barPlot("a", Bars{Name: "cost", Bars: []Bar{{"a", 1, ""}, {strings.Repeat("ü", 100), 4, ""}, {"c", 0, ""}}})
	if p.Bars[0].Width != "75" || p.Bars[1].Width != "300" || p.Bars[2].Width != "1" || p.Height != 3*barHeight+8 {
		t.Errorf("bars: %+v", p)
	}
	if n := len([]rune(p.Bars[1].Label)); n != 52 || len([]rune(p.Rows[1][0])) != 100 {
		t.Errorf("a long label is drawn with %d letters; table: %q", n, p.Rows[1])
	}
	if p := barPlot("a", Bars{Name: "none", Bars: []Bar{{"a", 0, ""}}}); p.Bars[0].Width != "1" {
		t.Errorf("nothing but zeros: %+v", p.Bars)
	}
	if spreadPlot("a", Column{Name: "x"}, nil).Curve != "" {
		t.Error("nothing was measured, and something was drawn")
	}
}
