package egress

import (
	"testing"
	"time"
)

// Who asks for a key frame all the time has it less and less often; who asks now and then has it each time.
func TestWishesAreHeededLessAndLessOften(t *testing.T) {
	var r wish
	heeded := 0
	for now := time.Second; now < 61*time.Second; now += time.Millisecond {
		if r.heed(now) {
			heeded++
		}
	}
	if heeded < 5 || heeded > 7 { // at 0, 1, 3, 7, 15, 31 and 47 s
		t.Errorf("%d of 60,000 in a minute heeded, want 5 to 7", heeded)
	}
	r = wish{}
	for now := time.Second; now < 100*time.Second; now += 5 * time.Second {
		if !r.heed(now) {
			t.Errorf("at %v: not heeded, 5 s after the one before", now)
		}
	}
}
