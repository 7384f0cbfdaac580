package load

import "testing"

// A flood keeps its pace whatever the steps of the clock, and makes up for no more than a little.
func TestFloodKeepsItsPace(t *testing.T) {
	for _, step := range []float64{.001, .01, .011, .063} {
		f := flood{perSecond: keyFlood}
		n, passed := 0, 0.0
		for ; passed < 10; passed += step {
			n += f.due(step)
		}
		if want := int(passed * keyFlood); n < want-1 || n > want+1 {
			t.Errorf("steps of %v s: %d in %.3f s, want %d", step, n, passed, want)
		}
	}
	f := flood{perSecond: keyFlood}
	if got := f.due(60); got != mostMischief {
		t.Errorf("after a minute: %d at once, want %d", got, mostMischief)
	}
	if got := f.due(.01); got != 10 {
		t.Errorf("just after it: %d, want 10", got)
	}
}
