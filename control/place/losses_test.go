package place

import (
	"math"
	"testing"
)

// A hub leaves a line that loses much for a way around it, and takes it back once it is well. What is lost little moves nobody,
// nor does what is no line. It failed with a LossySince of 0 and of 1, with a lossyTimes of 1, and with 1 for the price or the delay alone.
func TestLosses(t *testing.T) {
	m := line("yul", "par", "sin")
	s := []Stream{{ID: "s", Origin: "yul-o", LayerBPS: []int64{1e6}, Demand: []Demand{{Edge: "par-1"}, {Edge: "sin-1"}}}}
	parent := func(d Decision) string {
		for _, h := range d.Trees["s"].Hubs {
			if h.Region == "sin" {
				return h.Parent
			}
		}
		return ""
	}
	for _, c := range []struct {
		name   string
		price  float64 // of par to sin; yul to sin is 4.4
		losses []Loss
		want   string
	}{
		{"all is well", 2.2, nil, "par-1"},
		{"the last line loses much", 2.2, []Loss{{"sin", "par", .05}}, "yul-o"},
		{"it loses little", 2.2, []Loss{{"par", "sin", .02}}, "par-1"},
		{"the straight line is cheaper", 7, nil, "yul-o"},
		{"and loses much", 7, []Loss{{"yul", "sin", .05}}, "par-1"},
		{"and so does the way around", 7, []Loss{{"yul", "sin", .05}, {"par", "sin", .05}}, "yul-o"},
		{"no line", 2.2, []Loss{{"sin", "mars", .5}, {"sin", "sin", .5}, {"par", "sin", math.NaN()}, {"par", "sin", -1}}, "par-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := m
			m.Prices = []Price{{"par", "sin", c.price}}
			before := Trees(m, s, nil)
			m.Losses = c.losses
			after := Trees(m, s, before.Trees)
			if got := parent(after); got != c.want {
				t.Errorf("sin stands below %s, want %s", got, c.want)
			}
			m.Losses = nil
			if got, want := parent(Trees(m, s, after.Trees)), parent(before); got != want {
				t.Errorf("all is well again: sin stands below %s, want %s", got, want)
			}
		})
	}
}
