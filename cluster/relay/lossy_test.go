package relay

import (
	"math"
	"testing"
)

func TestLossMeter(t *testing.T) {
	a, b := &feed{}, &feed{}
	var m lossMeter
	for i, c := range []struct {
		f                 *feed
		received, missing uint64
		want              float64
	}{
		{a, 1000, 100, 0}, // what was before is not of the last seconds
		{a, 1092, 108, .04},
		{a, 1184, 116, .06},
		{a, 1189, 125, .06}, // fewer than say anything
		{a, 1276, 125, .075},
		{a, 1376, 125, .0375},
		{b, 500, 500, 0}, // another way
		{b, 580, 520, .1},
		{b, 10, 0, 0}, // its link is a new one
	} {
		if got := m.next(c.f, passed{c.received, c.missing}); math.Abs(got-c.want) > .002 {
			t.Errorf("%d: %.4f, want %.4f", i, got, c.want)
		}
	}
}
