package layer

import (
	"testing"
	"time"
)

const sound = 48_000

var ladder = []Rung{{250_000, Live}, {800_000, Live}, {2_500_000, Live}}

// A viewer of the given path watches for d, with a report each second; steps are the rungs it went through.
func watch(c *Chooser, from, d time.Duration, carries int64, estimate bool) (steps []int) {
	for at := from; at < from+d; at += time.Second {
		i := c.Choose(at, ladder, sound)
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
	single := []Rung{{400_000, Live}}
	var c Chooser
	for at := time.Duration(0); at < 2*time.Minute; at += time.Second {
		c.Loss(at, 0)
		estimate := int64(900_000)
		if s := int(at / time.Second); s%10 < 4 { // up to 3 s without a break
			estimate = 150_000
		}
		c.Estimate(at, estimate)
		if i := c.Choose(at, single, sound); i != 0 {
			t.Fatalf("at %v: got %d, want the only layer", at, i)
		}
	}
}

func TestWithoutAudioTheLowestLayerStays(t *testing.T) {
	var c Chooser
	for at := time.Duration(0); at < time.Minute; at += time.Second {
		if i := c.Choose(at, ladder, 0); i < 0 {
			t.Fatalf("at %v: audio alone for a stream without audio", at)
		}
		c.Loss(at, 0.9)
	}
}

func TestNearest(t *testing.T) {
	for _, row := range []struct {
		states       [3]State
		want         int // the rung that is wanted
		shown, asked int
	}{
		{[3]State{Live, Live, Live}, 2, 2, 2},
		{[3]State{Live, Live, Silent}, 2, 1, 1},
		{[3]State{Live, Silent, Silent}, 2, 0, 0},
		{[3]State{Silent, Live, Live}, 0, 1, 0},
		{[3]State{Silent, Silent, Silent}, 2, 2, 2},
		{[3]State{Live, Asleep, Asleep}, 2, 0, 2},
		{[3]State{Live, Asleep, Silent}, 2, 0, 1},
		{[3]State{Live, Asleep, Shed}, 2, 0, 1},
		{[3]State{Live, Live, Shed}, 2, 1, 1},
		{[3]State{Live, Shed, Shed}, 2, 0, 0},
		{[3]State{Silent, Asleep, Asleep}, 2, 0, 2},
		{[3]State{Silent, Shed, Asleep}, 1, 0, 1},
		{[3]State{Shed, Shed, Shed}, 1, 1, 1},
		{[3]State{Live, Asleep, Live}, 1, 0, 1},
		{[3]State{Live, Live, Live}, AudioOnly, AudioOnly, AudioOnly},
	} {
		var rungs []Rung
		for _, s := range row.states {
			rungs = append(rungs, Rung{State: s})
		}
		if got := Nearest(rungs, row.want); got != row.shown {
			t.Errorf("%v: shows %d to who wants %d, want %d", row.states, got, row.want, row.shown)
		}
		if got := Attainable(rungs, row.want); got != row.asked {
			t.Errorf("%v: asks for %d for who wants %d, want %d", row.states, got, row.want, row.asked)
		}
	}
}

// states returns the ladder with the layers in these states.
func states(of ...State) []Rung {
	rungs := append([]Rung(nil), ladder...)
	for i, s := range of {
		rungs[i].State = s
	}
	return rungs
}

// run has a viewer without trouble from second to second, and returns what it chose last.
func run(c *Chooser, from, to int, rungs []Rung) (choice int) {
	for s := from; s < to; s++ {
		choice = c.Choose(time.Duration(s)*time.Second, rungs, sound)
		c.Loss(time.Duration(s)*time.Second, 0)
	}
	return choice
}

func TestLayerAboveOneThatIsHeldBackIsNotTried(t *testing.T) {
	for _, rung := range []int{0, 1} { // it may have been in the middle when that was held back
		c := Chooser{started: true, rung: rung, tried: -1, hold: holdMin}
		if got := run(&c, 0, 60, states(Live, Shed, Asleep)); got != rung {
			t.Errorf("got %d, want %d", got, rung)
		}
		if got := run(&c, 60, 120, states(Live, Live, Asleep)); got != 2 {
			t.Errorf("with room again: got %d, want 2", got)
		}
	}
}

func TestSleepingLayerIsWokenWhenItsTurnComes(t *testing.T) {
	c := Chooser{started: true, tried: -1, hold: holdMin}
	if got := run(&c, 0, 5, states(Live, Asleep, Asleep)); got != 0 {
		t.Errorf("before the hold is over: got %d, want 0", got)
	}
	if got := run(&c, 5, 6, states(Live, Asleep, Asleep)); got != 1 {
		t.Errorf("after it: got %d, want 1", got)
	}
	if got := run(&c, 6, 30, states(Live, Silent, Asleep)); got != 2 {
		t.Errorf("a layer that did not come was not passed by: got %d, want 2", got)
	}
	if got := run(&c, 30, 33, states(Live, Silent, Live)); got != 2 || c.shown != 2 {
		t.Errorf("came: got %d and shows %d, want 2", got, c.shown)
	}
}

func TestShedLayerIsNotTriedAndComesBack(t *testing.T) {
	var c Chooser
	run(&c, 0, 10, states(Live, Live, Live))
	for s := 10; s < 100; s++ {
		if got := run(&c, s, s+1, states(Live, Live, Shed)); got != 2 || c.shown != 1 {
			t.Fatalf("held back: chose %d and shows %d, want 2 and 1", got, c.shown)
		}
	}
	if run(&c, 100, 101, states(Live, Live, Live)); c.shown != 2 {
		t.Errorf("back: shows %d, want 2", c.shown)
	}
	low := Chooser{started: true, tried: -1, hold: holdMin, rung: 1, shown: 1}
	if got := run(&low, 0, 100, states(Live, Live, Shed)); got != 1 {
		t.Errorf("a layer held back was tried: got %d, want 1", got)
	}
}

// Where the viewer's own path is too narrow for what is left, it does not jump to the top with its return.
func TestTroubleBelowAShedLayer(t *testing.T) {
	var c Chooser
	run(&c, 0, 5, states(Live, Live, Shed))
	for s := 5; s < 8; s++ {
		c.Loss(time.Duration(s)*time.Second, 0.5)
		c.Choose(time.Duration(s)*time.Second, states(Live, Live, Shed), sound)
	}
	if got := run(&c, 8, 10, states(Live, Live, Live)); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}

func TestShedLowestLayersKeepTheChoiceInRange(t *testing.T) {
	all := []State{Silent, Live, Asleep, Shed}
	for n := range 64 {
		rungs := states(all[n%4], all[n/4%4], all[n/16])
		var c Chooser
		for s := range 200 {
			at := time.Duration(s) * time.Second
			if got := c.Choose(at, rungs, int64(1-n%2)); got < AudioOnly || got > 2 || got == AudioOnly && n%2 == 1 {
				t.Fatalf("%v: chose %d", rungs, got)
			}
			c.Loss(at, float64(s/20%2)) // 20 s bad, 20 s good
			rungs[s%3].State = all[(n+s/7)%4]
		}
	}
}

func TestDeadLayerIsPassedOver(t *testing.T) {
	for _, row := range []struct {
		live [3]bool
		want int
	}{{[3]bool{true, true, true}, 2}, {[3]bool{true, true, false}, 1}, {[3]bool{true, false, false}, 0}, {[3]bool{}, 2}} {
		rungs := append([]Rung(nil), ladder...)
		for i := range rungs {
			rungs[i].State = Silent
			if row.live[i] {
				rungs[i].State = Live
			}
		}
		var c Chooser
		if got := Nearest(rungs, c.Choose(0, rungs, sound)); got != row.want {
			t.Errorf("live %v: got %d, want %d", row.live, got, row.want)
		}
	}
}

func TestFewerLayersInANewEpoch(t *testing.T) {
	var c Chooser
	c.Choose(0, ladder, sound)
	if got := c.Choose(10*time.Second, ladder[:1], sound); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}

// told watches as watch does, with transport-wide feedback of a path that carries what carries says, ten times a second.
func told(c *Chooser, from, d time.Duration, carries func(time.Duration) int64) (at map[int]time.Duration, steps []int) {
	at = map[int]time.Duration{}
	for now := from; now < from+d; now += 100 * time.Millisecond {
		squeezed := c.Told(now, Path{BPS: carries(now), MayRise: true})
		if now%time.Second != 0 && !squeezed {
			continue
		}
		i := c.Choose(now, ladder, sound)
		if len(steps) == 0 || steps[len(steps)-1] != i {
			steps, at[i] = append(steps, i), now
		}
	}
	return at, steps
}

func TestKnownPathStepsDownAndUp(t *testing.T) {
	var c Chooser
	at, steps := told(&c, 0, 40*time.Second, func(now time.Duration) int64 {
		if now > 10*time.Second && now < 20*time.Second {
			return 400_000
		}
		return 3_000_000
	})
	if len(steps) != 4 || steps[1] != 0 || steps[2] != 1 || steps[3] != 2 {
		t.Fatalf("rungs %v, want from 2 to 0 at once, then up one by one", steps)
	}
	if at[0] > 10500*time.Millisecond || at[1] < 20*time.Second || at[1] > 22*time.Second || at[2] < at[1]+climb || at[2] > at[1]+climb+time.Second {
		t.Errorf("down at %v, up at %v and %v, want at once after 10 s, within 2 s after 20 s and up to 2.5 s later", at[0], at[1], at[2])
	}
}

func TestKnownPathIgnoresGuesses(t *testing.T) {
	var c Chooser
	for now := time.Duration(0); now < 30*time.Second; now += time.Second {
		c.Told(now, Path{BPS: 5_000_000, MayRise: true})
		c.Estimate(now, 100_000)
		c.Loss(now, 0.2)
		if i := c.Choose(now, ladder, sound); i != 2 {
			t.Fatalf("at %v: rung %d, want 2", now, i)
		}
	}
}

func TestRoomIsAskedForBeforeItIsNeeded(t *testing.T) {
	var c Chooser
	_, steps := told(&c, 0, 30*time.Second, func(time.Duration) int64 { return 700_000 })
	if len(steps) != 2 || steps[1] != 0 {
		t.Fatalf("rungs %v, want 2, 0", steps)
	}
	if got, want := c.Wanted(), int64(1.1*(800_000+sound)); got != want {
		t.Errorf("wants %d of the path, want %d", got, want)
	}
	c.Told(30*time.Second, Path{BPS: 700_000})
	if c.Choose(30*time.Second, ladder, sound); c.Wanted() != 0 {
		t.Error("wants room though something speaks against more")
	}
}

func TestKnownPathOfNothingLeavesSoundAlone(t *testing.T) {
	var c Chooser
	_, steps := told(&c, 0, 30*time.Second, func(time.Duration) int64 { return 60_000 })
	if len(steps) != 3 || steps[1] != 0 || steps[2] != AudioOnly {
		t.Errorf("rungs %v, want 2, 0, sound alone", steps)
	}
	c = Chooser{}
	for now := time.Duration(0); now < 30*time.Second; now += time.Second {
		c.Told(now, Path{BPS: 60_000})
		if c.Choose(now, ladder, 0) < 0 {
			t.Fatal("sound alone for a stream without sound")
		}
	}
}
