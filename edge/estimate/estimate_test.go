package estimate

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

const second = time.Second

func TestPlentyStaysAtTheTop(t *testing.T) {
	for _, rate := range []int64{3_000_000, 20_000_000, 1_000_000_000} {
		l := &link{rate: steady(rate), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}
		w := newWatcher(t, l, &Path{}, 1)
		run(tick, 2*second, w)
		w.forget()
		run(2*second, 5*60*second, w)
		if w.changes != 0 || w.lowest < 2_000_000 {
			t.Errorf("%d bit/s: %d changes, least estimate %d", rate, w.changes, w.lowest)
		}
		if want := min(rate, 6_000_000) * 4 / 5; w.highestBP < want || w.highestBP > rate*21/20 || w.unknown > 0 {
			t.Errorf("%d bit/s: at most %d estimated, want %d or more", rate, w.highestBP, want)
		}
	}
}

// 2.5 Mbit/s, 400 kbit/s, 2.5 Mbit/s, with short and with long queues.
func TestStepDownAndUp(t *testing.T) {
	for i := range 15 {
		most := []time.Duration{60 * time.Millisecond, 300 * time.Millisecond, 2 * second}[i%3]
		within := []time.Duration{second, 700 * time.Millisecond, 900 * time.Millisecond}[i%3]
		l := &link{most: most, delay: 20 * time.Millisecond, rate: func(at time.Duration) int64 {
			if at > 20*second && at < 50*second {
				return 400_000
			}
			return 2_500_000
		}}
		w := newWatcher(t, l, &Path{}, uint64(i))
		run(tick, 20*second, w)
		if w.rung != 2 || w.changes != 0 {
			t.Errorf("queue of %v: rung %d after %d changes before the step", most, w.rung, w.changes)
		}
		w.forget()
		run(20*second, 25*second, w)
		down := w.downAt - 20*second
		if w.downAt == 0 || down > within || w.changes != 1 {
			t.Errorf("queue of %v: lower after %v, %d changes, want one within %v", most, down, w.changes, within)
		}
		w.forget()
		run(25*second, 50*second, w)
		if w.rung != 0 || w.lowest < 200_000 || w.highestBP > 480_000 || w.lost > 0 {
			t.Errorf("queue of %v: rung %d, estimates %d to %d, %d packets of sound lost on 400 kbit/s", most, w.rung, w.lowest, w.highestBP, w.lost)
		}
		w.forget()
		run(50*second, 80*second, w)
		if w.upAt == 0 || w.upAt > 58*second || w.rung != 2 || w.downAt > 0 || w.lost > 0 {
			t.Errorf("queue of %v: higher at %v, lower at %v, rung %d at last, %d packets of sound lost", most, w.upAt, w.downAt, w.rung, w.lost)
		}
		t.Logf("queue of %v: lower after %v, higher after %v", most, down, w.upAt-50*second)
	}
}

// A cell whose rate wanders between 1.2 and 6 Mbit/s ten times a second, with the jitter of its scheduler.
func TestWanderingRadio(t *testing.T) {
	for seed := range uint64(5) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		rates := []int64{3_000_000}
		for range 3000 {
			next := float64(rates[len(rates)-1]) * (0.8 + 0.42*rnd.Float64())
			rates = append(rates, int64(min(max(next, 1_200_000), 6_000_000)))
		}
		l := &link{
			most: 800 * time.Millisecond, delay: 30 * time.Millisecond,
			rate:  func(at time.Duration) int64 { return rates[int(at/(100*time.Millisecond))%len(rates)] },
			extra: func(time.Duration) time.Duration { return time.Duration(rnd.IntN(15)) * time.Millisecond },
		}
		w := newWatcher(t, l, &Path{}, seed)
		run(tick, 3*60*second, w)
		t.Logf("seed %d: %d changes in 3 minutes, shares %.2f %.2f %.2f, %d packets of sound lost", seed, w.changes, w.share(0), w.share(1), w.share(2), w.lost)
		if w.share(0) > 0.02 || w.changes > 18 || w.lost > 5 || w.share(2) < 0.2 {
			t.Errorf("seed %d: %d changes, %.2f of the time at the lowest, %d packets of sound lost", seed, w.changes, w.share(0), w.lost)
		}
	}
}

func TestBurstLossIsForgiven(t *testing.T) {
	for _, out := range []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond} {
		l := &link{rate: steady(10_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond, loses: func(at time.Duration) bool {
			return at%(30*second) >= 10*second && at%(30*second) < 10*second+out
		}}
		w := newWatcher(t, l, &Path{}, 3)
		run(tick, 2*60*second, w)
		if w.lowest < 800_000 || w.share(0) > 0 || w.share(2) < 0.7 || w.rung != 2 {
			t.Errorf("%v lost four times: least estimate %d, shares %v, rung %d", out, w.lowest, w.byRung, w.rung)
		}
	}
}

// What was lost before a viewer went down does not make its estimate follow it down to the lower layer's rate.
func TestLossOfBeforeIsOver(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	l := &link{rate: steady(10_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond,
		loses: func(at time.Duration) bool { return at > 10*second && at < 11*second && rnd.IntN(100) < 40 }}
	w := newWatcher(t, l, &Path{}, 4)
	run(tick, 10*second, w)
	w.forget()
	run(10*second, 14*second, w)
	if w.changes != 1 || w.rung != 1 || w.lowest < w.need(1) {
		t.Errorf("rung %d after %d changes, least estimate %d, want one change and %d at least", w.rung, w.changes, w.lowest, w.need(1))
	}
}

// Radio that is busy and loses some packets in a row is no queue that overflows.
func TestRunOfLossWhileAQueueStands(t *testing.T) {
	row := 0
	l := &link{rate: steady(10_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}
	l.extra = func(at time.Duration) time.Duration {
		if at < 10*second {
			return 0
		}
		return 80 * time.Millisecond
	}
	l.loses = func(at time.Duration) bool {
		if at%(370*time.Millisecond) < 300*time.Millisecond { // so that a run meets each phase of counting
			row = 0
			return false
		}
		row++
		return at < 16*second && row <= 8
	}
	w := newWatcher(t, l, &Path{}, 4)
	run(tick, 30*second, w)
	if w.changes != 0 {
		t.Errorf("%d changes, first at %v, want none for eight packets in a row", w.changes, w.downAt)
	}
}

func TestLoss(t *testing.T) {
	for _, row := range []struct {
		percent int
		goes    bool
	}{{0, false}, {5, false}, {25, true}} {
		rnd := rand.New(rand.NewPCG(4, 4))
		l := &link{rate: steady(10_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond,
			loses: func(at time.Duration) bool { return at > 10*second && rnd.IntN(100) < row.percent }}
		w := newWatcher(t, l, &Path{}, 4)
		run(tick, 60*second, w)
		if got := w.downAt > 0 && w.downAt < 12*second; got != row.goes {
			t.Errorf("%d %% lost: goes down at %v, want %v", row.percent, w.downAt, row.goes)
		}
		if got, want := w.e.MayRise(60*second), row.percent == 0; got != want {
			t.Errorf("%d %% lost: may rise: %v, want %v", row.percent, got, want)
		}
	}
}

// Two viewers of one address. While one tries the next layer, the other keeps its own.
func TestTwoBehindOneBottleneck(t *testing.T) {
	for _, row := range []struct {
		rate int64
		sum  int // of rungs, that there is room for
	}{{1_400_000, 1}, {2_000_000, 2}, {3_200_000, 3}, {6_000_000, 4}} {
		for seed := range uint64(3) {
			l := &link{rate: steady(row.rate), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}
			path := &Path{}
			a, b := newWatcher(t, l, path, 10+seed), newWatcher(t, l, path, 20+seed)
			run(tick, 20*second, a, b)
			a.forget()
			b.forget()
			run(20*second, 3*60*second, a, b)
			used := float64(8*(a.sent+b.sent)) / 160 / float64(row.rate)
			t.Logf("%d bit/s: used %.2f, changes %d and %d, shares %.2f %.2f %.2f and %.2f %.2f %.2f", row.rate, used, a.changes, b.changes,
				a.share(0), a.share(1), a.share(2), b.share(0), b.share(1), b.share(2))
			if tries, kept := max(a.changes, b.changes), min(a.changes, b.changes); tries > 10 || kept > 3 {
				t.Errorf("%d bit/s: %d and %d changes in 160 s", row.rate, a.changes, b.changes)
			}
			if row.sum >= 2 && (a.share(0) > 0.1 || b.share(0) > 0.1) {
				t.Errorf("%d bit/s: %.2f and %.2f of the time at the lowest layer", row.rate, a.share(0), b.share(0))
			}
			if used < 0.65 {
				t.Errorf("%d bit/s: %.2f of it used", row.rate, used)
			}
		}
	}
}

// Turns are for those who saw a queue: of a carrier's many viewers behind one address, one in trouble does not hold the others back.
func TestOthersTroubleIsTheirs(t *testing.T) {
	path := &Path{}
	good := newWatcher(t, &link{rate: steady(10_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}, path, 5)
	bad := newWatcher(t, &link{rate: steady(300_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}, path, 6)
	good.rung, bad.rungs = 0, []int64{500_000, 800_000, 2_000_000} // in trouble for good
	run(tick, 30*second, good, bad)
	if good.rung != 2 || good.upAt > 10*second {
		t.Errorf("rung %d, up at %v, beside one in trouble", good.rung, good.upAt)
	}
}

// A layer that goes well below what it may bring: without trains the estimate stays near what is sent, and probes tell.
func TestProbes(t *testing.T) {
	for _, row := range []struct {
		rate int64
		most int // bytes of probes a minute
		rung int
	}{{5_000_000, 6000, 2}, {150_000, 15_000, -1}} {
		l := &link{rate: steady(row.rate), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}
		w := newWatcher(t, l, &Path{}, 7)
		w.rung, w.probing = -1, true
		run(tick, 60*second, w)
		if w.rung != row.rung || w.probed == 0 || w.probed > row.most || w.lost > 0 {
			t.Errorf("%d bit/s: rung %d, %d bytes of probes, %d packets of sound lost", row.rate, w.rung, w.probed, w.lost)
		}
		silent := newWatcher(t, &link{rate: steady(row.rate), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}, &Path{}, 7)
		silent.rung = -1
		run(tick, 30*second, silent)
		if silent.rung != -1 || silent.highestBP > 2*audioBP {
			t.Errorf("%d bit/s: rung %d and an estimate of %d without a probe", row.rate, silent.rung, silent.highestBP)
		}
	}
}

// What must not be taken for a queue of the viewer's own.
func TestDelayThatIsNoQueue(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for _, row := range []struct {
		name  string
		clock float64
		extra func(at time.Duration) time.Duration
	}{
		{"a clock that runs fast", 1.0002, nil},
		{"a clock that runs slow", 0.9998, nil},
		{"a route longer by 100 ms", 1, func(at time.Duration) time.Duration { return time.Duration(at.Minutes()) % 2 * 100 * time.Millisecond }},
		{"the same with jitter", 1, func(at time.Duration) time.Duration {
			return time.Duration(at.Minutes())%2*100*time.Millisecond + time.Duration(rnd.IntN(15))*time.Millisecond
		}},
		{"a route longer by 300 ms", 1, func(at time.Duration) time.Duration { return time.Duration(at.Minutes()) % 2 * 300 * time.Millisecond }},
		{"a radio that is away for 200 ms each second", 1, func(at time.Duration) time.Duration {
			return max(0, 200*time.Millisecond-at%second)
		}},
		{"a radio that is away for 500 ms each ten seconds", 1, func(at time.Duration) time.Duration {
			return max(0, 500*time.Millisecond-at%(10*second))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := &link{rate: steady(8_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond, extra: row.extra}
			w := newWatcher(t, l, &Path{}, 8)
			w.clock = row.clock
			run(tick, 10*60*second, w)
			if w.changes != 0 || w.lowest < 2_000_000 {
				t.Errorf("%d changes, first at %v, least estimate %d", w.changes, w.downAt, w.lowest)
			}
		})
	}
}

// Where another's traffic keeps a queue of 200 ms up, the viewer gives way, but not for ever.
func TestQueueOfAnother(t *testing.T) {
	l := &link{rate: steady(8_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond, extra: func(at time.Duration) time.Duration {
		return min(200*time.Millisecond, max(0, at-20*second)*2/3)
	}}
	w := newWatcher(t, l, &Path{}, 9)
	run(tick, 90*second, w)
	if w.downAt < 20*second || w.downAt > 25*second || w.share(0) > 0 {
		t.Errorf("down at %v, %.2f of the time at the lowest, want it to give way once after 20 s", w.downAt, w.share(0))
	}
	if w.rung != 2 {
		t.Errorf("rung %d after 70 s of a steady queue, want 2", w.rung)
	}
}

// A queue may grow by half a millisecond in a tenth of a second only, or hide in jitter.
func TestCreepingQueue(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 13))
	for _, row := range []struct {
		rate   int64
		jitter int // ms
	}{{2_030_000, 0}, {1_990_000, 15}, {1_950_000, 15}} {
		l := &link{rate: steady(row.rate), most: 5 * second, delay: 20 * time.Millisecond, extra: func(time.Duration) time.Duration {
			return time.Duration(rnd.IntN(row.jitter+1)) * time.Millisecond
		}}
		w := newWatcher(t, l, &Path{}, 13)
		longest := time.Duration(0)
		for at := tick; at < 3*60*second; at += tick {
			run(at, at+tick, w)
			longest = max(longest, l.free-at)
		}
		if w.downAt == 0 || w.downAt > 10*second || longest > 400*time.Millisecond {
			t.Errorf("%d bit/s: down at %v, the longest queue was %v, want 10 s and 400 ms at most", row.rate, w.downAt, longest)
		}
		t.Logf("%d bit/s: down at %v, the longest queue was %v", row.rate, w.downAt, longest)
	}
}

func TestReceiverSetsItsClock(t *testing.T) {
	for _, set := range []time.Duration{time.Hour, -time.Hour / 4, -30 * second, -5 * second} {
		w := newWatcher(t, &link{rate: steady(8_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}, &Path{}, 11)
		run(tick, 40*second, w)
		before := w.e.BPS(40 * second)
		w.set = set
		run(40*second, 60*second, w)
		if got := w.e.BPS(60 * second); got < before/2 || w.downAt > 0 || w.unknown > 0 {
			t.Errorf("set by %v: estimate %d, %d before, down at %v", set, got, before, w.downAt)
		}
		w.link.rate = steady(1_000_000)
		run(60*second, 65*second, w)
		if w.downAt == 0 || w.downAt > 62*second {
			t.Errorf("set by %v: down at %v, want 62 s at the latest", set, w.downAt)
		}
	}
}

func TestStaleEstimateSaysNothing(t *testing.T) {
	w := newWatcher(t, &link{rate: steady(8_000_000), most: 300 * time.Millisecond, delay: 20 * time.Millisecond}, &Path{}, 12)
	if got := w.e.BPS(second); got != 0 || !w.e.MayRise(second) {
		t.Errorf("before any feedback: %d", got)
	}
	run(tick, 10*second, w)
	if w.e.BPS(12*second) == 0 {
		t.Error("2 s after feedback: unknown")
	}
	if got := w.e.BPS(15*second + tick); got != 0 || !w.e.MayRise(16*second) || w.e.Probe(16*second, 1<<40) != 0 {
		t.Errorf("5 s after feedback: %d", got)
	}
}

// Lost, doubled, overtaken and made-up feedback.
func TestFeedbackOutOfOrder(t *testing.T) {
	e := New(&Path{})
	for n := range 200 {
		e.Number(second+time.Duration(n)*10*time.Millisecond, 1000)
	}
	tell := func(base uint16, all ...status) (unknown int) {
		f, err := ParseFeedback(appendFeedback(nil, base, 100, all))
		if err != nil {
			t.Fatal(err)
		}
		return e.Feedback(4*second, &f)
	}
	came, missing := status{came: true, delta: 40}, status{}
	for _, row := range []struct {
		name                string
		base                uint16
		all                 []status
		unknown, came, lost int
	}{
		{"in order", 80, []status{came, missing, came, missing}, 0, 2, 2},
		{"the same again", 80, []status{came, missing, came, missing}, 0, 2, 2},
		{"one that was overtaken", 81, []status{came}, 0, 3, 1},
		{"again", 81, []status{came}, 0, 3, 1},
		{"a feedback was lost", 90, []status{came, came}, 0, 5, 1},
		{"it comes after all", 84, slices.Repeat([]status{came}, 6), 0, 5, 1},
		{"forgotten ones", 60, slices.Repeat([]status{missing}, 13), 0, 5, 1},
		{"never sent", 200, slices.Repeat([]status{came}, 50), 50, 5, 1},
		{"half of the numbers away", 93 + 1<<15, []status{came}, 0, 5, 1},
	} {
		if got := tell(row.base, row.all...); got != row.unknown || e.came != row.came || e.lost != row.lost {
			t.Errorf("%s: %d unknown, %d came, %d lost, want %d, %d, %d", row.name, got, e.came, e.lost, row.unknown, row.came, row.lost)
		}
	}
}

// After 50,000 packets without feedback, numbers mean what they mean now.
func TestLongSilence(t *testing.T) {
	e := New(&Path{})
	for n := range 100_000 {
		e.Number(second+time.Duration(n)*time.Millisecond, 1000)
		if n == 10 || n == 50_000 || n == 99_999 {
			f, err := ParseFeedback(appendFeedback(nil, uint16(n), 100, []status{{came: true}}))
			if err != nil {
				t.Fatal(err)
			}
			before := e.came
			if unknown := e.Feedback(time.Duration(n)*time.Millisecond+2*second, &f); unknown != 0 || e.came != before+1 {
				t.Errorf("after %d packets: %d unknown, %d came", n, unknown, e.came-before)
			}
		}
	}
}

// Who saw a queue waits for what comes of another's step, up or down.
func TestTurns(t *testing.T) {
	const now = 60 * second
	for _, row := range []struct {
		name         string
		change       func(e *Estimator, p *Path)
		rises, alone bool // alone: the same with nobody else behind the address
	}{
		{"nothing happened", func(*Estimator, *Path) {}, true, true},
		{"another backed off", func(_ *Estimator, p *Path) { p.backed = now - second }, false, true},
		{"another backed off long ago", func(_ *Estimator, p *Path) { p.backed = now - turn }, true, true},
		{"another went up", func(_ *Estimator, p *Path) { p.rose = now - second }, false, true},
		{"it went up itself", func(e *Estimator, _ *Path) { e.Rose(now - second) }, true, true},
		{"it backed off itself", func(e *Estimator, _ *Path) { e.backed = now - second }, false, false},
		{"a queue", func(e *Estimator, _ *Path) { e.queue.wait = calmTicks + 1 }, false, false},
		{"loss", func(e *Estimator, _ *Path) { e.clean = false }, false, false},
		{"no feedback", func(e *Estimator, _ *Path) { e.heard, e.clean = now-stale, false }, true, true},
	} {
		p := &Path{}
		e := New(p)
		e.heard, e.queued = now, now-5*second
		row.change(e, p)
		crowd := e.MayRise(now)
		e.queued = now - crowdFor // no queue for long: it shares no bottleneck
		if alone := e.MayRise(now); crowd != row.rises || alone != row.alone {
			t.Errorf("%s: %v with a queue lately, %v without, want %v and %v", row.name, crowd, alone, row.rises, row.alone)
		}
	}
}

func TestTrains(t *testing.T) {
	var tr trains
	for _, row := range []struct {
		name string
		at   time.Duration
		came int
		ms   uint32 // between packets of 1000 bytes
		want int64
	}{
		{"too few packets", second, trainLeast - 1, 1, 0},
		{"one short train", second, trainLeast, 1, 0},
		{"a second one", 2 * second, trainLeast, 1, 8_000_000},
		{"a slow one counts for most of it", 3 * second, 9, 8, 10_250 * 8 * ticksPerSecond / 265},
		{"the old ones are forgotten", 9 * second, 5, 8, 1_000_000},
		{"all at one time", 20 * second, 5, 0, 4 * 8 * 1000 * ticksPerSecond},
	} {
		tr.add(&group{came: row.came, size: 1000, last: uint32(row.came-1) * row.ms * ticksPerMS}, row.at)
		if got := tr.bps(row.at); got < row.want*99/100 || got > row.want*101/100 {
			t.Errorf("%s: got %d, want %d", row.name, got, row.want)
		}
	}
	if got := tr.bps(20*second + trainFor); got != 0 {
		t.Errorf("%v later: %d", trainFor, got)
	}
}

// A probe is not weighed against a train of a path that was narrow; packets that are too few alone are added up.
func TestOldTrainsWeighNothingBesideAProbe(t *testing.T) {
	var all trains
	all.add(&group{came: 6, size: 560, last: 224}, 5*time.Second) // 400 kbit/s
	all.add(&group{came: 6, size: 275, last: 18}, 8*time.Second)
	if got := all.bps(8 * time.Second); got < 2_400_000 {
		t.Errorf("3 s later: %d bit/s, want those of the probe", got)
	}
	all.add(&group{came: 6, size: 275, last: 110}, 9*time.Second)
	if got := all.bps(9 * time.Second); got < 500_000 || got > 2_000_000 {
		t.Errorf("a second later: %d bit/s, want something between both", got)
	}
	few := trains{}
	few.add(&group{came: 4, size: 500, last: 60}, time.Second)
	few.add(&group{came: 4, size: 500, last: 60}, 4*time.Second)
	if got := few.bps(4 * time.Second); got != 800_000 {
		t.Errorf("two short ones: %d bit/s, want 800000", got)
	}
}

func TestSize(t *testing.T) {
	if got := unsafe.Sizeof(Estimator{}); got > 2048 {
		t.Errorf("an estimator takes %d bytes, want 2 KB at most", got)
	} else {
		t.Logf("%d bytes", got)
	}
}
