package shim

import (
	"math/rand/v2"
	"testing"
)

// The wheel against the list of what was added: nothing fires before its time but what lies beyond the wheel,
// nothing more than a tick late, and nothing is lost.
func TestWheel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var w wheel
	var timers [50]timer
	var due [50]int64
	for i := range due {
		due[i] = never
	}
	now, fired, early := int64(0), 0, 0
	for range 100000 {
		i := rnd.IntN(len(timers))
		switch rnd.IntN(5) {
		case 0, 1:
			at := now + rnd.Int64N(700*ms) - 5*ms
			w.add(&timers[i], at, now)
			due[i] = min(due[i], max(at, now))
		case 2:
			w.remove(&timers[i])
			due[i] = never
		case 3:
			now += rnd.Int64N(10 * ms)
			if rnd.IntN(50) == 0 {
				now += rnd.Int64N(2000 * ms)
			}
			for _, x := range w.advance(now, nil) {
				for k := range timers {
					if x != &timers[k] {
						continue
					}
					fired++
					if due[k] == never {
						t.Fatal("fired without having been added")
					}
					if due[k] > now {
						early++
					}
					due[k] = never
				}
			}
		default:
			n := 0
			least := never
			for k, at := range due {
				if at == never {
					continue
				}
				n++
				least = min(least, at)
				if at <= now-wheelTick && w.tick*wheelTick >= at+wheelTick && !timers[k].queued {
					t.Fatalf("timer %d of %d did not fire by %d", k, at, now)
				}
			}
			at, ok := w.next()
			if ok != (n > 0) || n != w.n {
				t.Fatalf("next is %v, %d queued of %d", ok, w.n, n)
			}
			if ok && at > max(least, now)+2*wheelTick {
				t.Fatalf("sleeps until %d where %d is due, now %d", at, least, now)
			}
		}
	}
	if fired < 1000 || early > fired/2 {
		t.Errorf("%d fired, %d early", fired, early)
	}
	if at, ok := new(wheel).next(); ok {
		t.Errorf("an empty wheel has %d", at)
	}
}

func TestFIFO(t *testing.T) {
	var f fifo[int]
	next, want := 0, 0
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		if rnd.IntN(2) == 0 {
			*f.push() = next
			next++
		} else if f.len() > 0 {
			if *f.front() != want {
				t.Fatalf("got %d, want %d", *f.front(), want)
			}
			f.pop()
			want++
		}
	}
	if f.len() != next-want {
		t.Errorf("length %d, want %d", f.len(), next-want)
	}
	// The memory of a burst goes when it is over; free takes the rest, but not from a queue in use.
	for _, burst := range []int{maxFIFOKept, maxFIFOKept + 1} {
		var f fifo[int]
		for range burst {
			f.push()
		}
		f.free()
		for f.len() > 0 {
			f.pop()
		}
		if kept := len(f.buf) > 0; kept != (burst == maxFIFOKept) {
			t.Errorf("room for %d is kept after %d", len(f.buf), burst)
		}
		if f.free(); f.buf != nil {
			t.Errorf("room for %d is kept in rest", len(f.buf))
		}
	}
}
