package place

import (
	"math"
	"reflect"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b Point
		want float64
	}{
		{montreal, paris, 5505}, {paris, tokyo, 9712}, {tokyo, paris, 9712}, {paris, paris, 0},
		{Point{0, 179.5}, Point{0, -179.5}, 111}, {Point{90, 0}, Point{-90, 0}, 20015},
	} {
		if got := Distance(c.a, c.b); math.Abs(got-c.want) > 1+c.want/500 {
			t.Errorf("%v to %v: %.0f km, want %.0f", c.a, c.b, got, c.want)
		}
	}
}

func TestBetween(t *testing.T) {
	at := func(p Point, seconds ...float64) Node {
		n := Node{At: p}
		if len(seconds) > 0 {
			n.Coordinate = &Coordinate{Height: seconds[0]}
			copy(n.Coordinate.Vec[:], seconds[1:])
		}
		return n
	}
	nan := math.NaN()
	for _, c := range []struct {
		name         string
		a, b         []Node
		delay, price float64
	}{
		{"by distance", []Node{at(montreal)}, []Node{at(paris)}, 38.5, 5.5},
		{"by round trips, priced by distance", []Node{at(montreal, .001, .06)}, []Node{at(paris, .001, -.02)}, 41, 5.5},
		{"by round trips alone", []Node{at(Point{}, .001, .06)}, []Node{at(paris, .001, -.02)}, 41, 5.86},
		{"the mean of a region", []Node{at(montreal), at(Point{}), at(montreal)}, []Node{at(paris)}, 38.5, 5.5},
		{"one was measured", []Node{at(montreal, .001, .06)}, []Node{at(paris)}, 38.5, 5.5},
		{"nothing known", []Node{at(Point{})}, []Node{at(paris)}, unknownMS, unknownPrice},
		{"no numbers", []Node{at(montreal, nan)}, []Node{at(paris, .001)}, unknownMS, unknownPrice},
		{"no place", []Node{at(Point{nan, 1})}, []Node{at(paris)}, unknownMS, unknownPrice},
		{"out of this world", []Node{at(montreal, math.Inf(1))}, []Node{at(paris, .001)}, unknownMS, unknownPrice},
		{"the same place", []Node{at(paris)}, []Node{at(paris)}, withinMS, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := areaOf(c.a), areaOf(c.b)
			delay, price := between(&a, &b)
			if math.Abs(delay-c.delay) > .2 || math.Abs(price-c.price) > .05 {
				t.Errorf("got %.2f ms, %.2f; want %.2f, %.2f", delay, price, c.delay, c.price)
			}
		})
	}
}

// TestOddStreams: what makes no sense decides as what does.
func TestOddStreams(t *testing.T) {
	m := line("yul", "par")
	plain := Stream{ID: "s", Origin: "yul-o", Standby: "par-o", LayerBPS: []int64{1e6}, Demand: []Demand{{Edge: "par-1"}}}
	want := Trees(m, []Stream{plain}, nil)
	odd := plain
	odd.LayerBPS = append([]int64{1e6}, make([]int64, 1000)...)
	odd.Demand = []Demand{{Edge: "par-1", Layer: 900}, {Edge: "par-1", Layer: -3}, {Edge: "nobody"}, {Edge: "yul-o"}, {Edge: "par-o"}}
	if got := Trees(m, []Stream{odd}, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	m.Prices = []Price{{"yul", "par", -5}, {"yul", "par", math.NaN()}, {"mars", "par", 1}, {"par", "par", 1}}
	if got := Trees(m, []Stream{plain}, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("with odd prices: got %+v, want %+v", got, want)
	}
	alone := plain
	alone.Standby, alone.LayerBPS = "yul-o", nil
	if got := Trees(m, []Stream{alone}, nil).Trees["s"]; got.Standby != "" || len(got.Hubs) != 1 {
		t.Errorf("a standby that is the origin: %+v", got)
	}
}
