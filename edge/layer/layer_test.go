package layer

import (
	"testing"
	"time"
)

var ladder = []Rung{{250_000, true}, {800_000, true}, {2_500_000, true}}

// A viewer of the given path watches for d, with a report each second; steps are the rungs it went through.
func watch(c *Chooser, from, d time.Duration, carries int64, estimate bool) (steps []int) {
	for at := from; at < from+d; at += time.Second {
		i := c.Choose(at, ladder, true)
		if len(steps) == 0 || steps[len(steps)-1] != i {
			steps = append(steps, i)
		}
		if i == AudioOnly {
			c.Loss(at, 0)
			continue
		}
		c.Loss(at, max(0, 1-float64(carries)/float64(ladder[i].BPS)))
		if estimate {
			c.Estimate(at, carries)
		}
	}
	return steps
}

func TestGoodPathStaysAtTheTop(t *testing.T) {
	var c Chooser
	if got := watch(&c, 0, time.Minute, 10_000_000, false); len(got) != 1 || got[0] != 2 {
		t.Errorf("rungs: got %v, want [2]", got)
	}
}

func TestNarrowPathFallsAndTriesLessAndLessOften(t *testing.T) {
	for _, estimate := range []bool{false, true} {
		var c Chooser
		first := watch(&c, 0, time.Minute, 900_000, estimate)
		if first[0] != 2 || first[1] != 1 {
			t.Errorf("estimate %v: rungs %v, want 2 and then 1", estimate, first)
		}
		later := watch(&c, time.Minute, time.Minute, 900_000, estimate)
		if len(later) > len(first) {
			t.Errorf("estimate %v: %d changes in the second minute, %d in the first", estimate, len(later), len(first))
		}
		for _, i := range append(first, later...) {
			if i < 1 {
				t.Errorf("estimate %v: fell to %d below what the path carries", estimate, i)
			}
		}
	}
}

func TestFallsToAudioAndComesBack(t *testing.T) {
	var c Chooser
	got := watch(&c, 0, 30*time.Second, 50_000, false)
	found := false
	for _, i := range got {
		found = found || i == AudioOnly
	}
	if !found {
		t.Fatalf("rungs: got %v, want audio alone among them", got)
	}
	got = watch(&c, 30*time.Second, 5*time.Minute, 10_000_000, false)
	if got[len(got)-1] != 2 {
		t.Errorf("rungs after the path got better: %v, want 2 at last", got)
	}
}

// A receiver whose machine is busy guesses far too low now and then, with nothing lost. The picture stays.
func TestWrongGuessesDoNotTakeThePicture(t *testing.T) {
	single := []Rung{{400_000, true}}
	var c Chooser
	for at := time.Duration(0); at < 2*time.Minute; at += time.Second {
		c.Loss(at, 0)
		estimate := int64(900_000)
		if s := int(at / time.Second); s%10 < 4 { // up to 3 s without a break
			estimate = 150_000
		}
		c.Estimate(at, estimate)
		if i := c.Choose(at, single, true); i != 0 {
			t.Fatalf("at %v: got %d, want the only layer", at, i)
		}
	}
}

func TestWithoutAudioTheLowestLayerStays(t *testing.T) {
	var c Chooser
	for at := time.Duration(0); at < time.Minute; at += time.Second {
		if i := c.Choose(at, ladder, false); i < 0 {
			t.Fatalf("at %v: audio alone for a stream without audio", at)
		}
		c.Loss(at, 0.9)
	}
}

func TestDeadLayerIsPassedOver(t *testing.T) {
	for _, row := range []struct {
		live [3]bool
		want int
	}{{[3]bool{true, true, true}, 2}, {[3]bool{true, true, false}, 1}, {[3]bool{true, false, false}, 0}, {[3]bool{}, 2}} {
		rungs := append([]Rung(nil), ladder...)
		for i := range rungs {
			rungs[i].Live = row.live[i]
		}
		var c Chooser
		if got := c.Choose(0, rungs, true); got != row.want {
			t.Errorf("live %v: got %d, want %d", row.live, got, row.want)
		}
	}
}

func TestFewerLayersInANewEpoch(t *testing.T) {
	var c Chooser
	c.Choose(0, ladder, true)
	if got := c.Choose(10*time.Second, ladder[:1], true); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}
