package shim

import (
	"math/bits"
	"time"
)

const (
	wheelTick  = int64(time.Millisecond)
	wheelSlots = 512 // ticks ahead; what is due later fires there, looks at the clock, and is added again
)

// never is the time of what is not due.
const never = int64(1<<63 - 1)

// A timer is one peer's place in the wheel: it fires when the earliest of that peer's tasks is due.
type timer struct {
	p          *peer
	prev, next *timer
	tick       int64
	queued     bool
}

// A wheel keeps timers by the millisecond. Adding, moving and removing one costs the same however many there
// are. It is pure: whoever owns it brings the time, in nanoseconds since a start of its own.
type wheel struct {
	slots [wheelSlots]*timer
	used  [wheelSlots / 64]uint64
	tick  int64 // up to here everything has fired
	n     int
}

// add has t fire at due, or when it was to fire already if that is sooner. What is due by now fires with the
// next tick.
func (w *wheel) add(t *timer, due, now int64) {
	if w.n == 0 {
		w.tick = max(w.tick, now/wheelTick)
	}
	tick := (due + wheelTick - 1) / wheelTick
	if due > never-wheelTick {
		tick = never / wheelTick
	}
	tick = min(max(tick, w.tick+1), w.tick+wheelSlots-1)
	if t.queued {
		if t.tick <= tick {
			return
		}
		w.remove(t)
	}
	i := tick % wheelSlots
	t.tick, t.queued = tick, true
	t.prev, t.next = nil, w.slots[i]
	if t.next != nil {
		t.next.prev = t
	}
	w.slots[i] = t
	w.used[i/64] |= 1 << (i % 64)
	w.n++
}

func (w *wheel) remove(t *timer) {
	if !t.queued {
		return
	}
	i := t.tick % wheelSlots
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		w.slots[i] = t.next
		if t.next == nil {
			w.used[i/64] &^= 1 << (i % 64)
		}
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.prev, t.next, t.queued = nil, nil, false
	w.n--
}

// advance takes the timers that are due at now out of the wheel and appends them to due.
func (w *wheel) advance(now int64, due []*timer) []*timer {
	target := now / wheelTick
	for {
		tick, ok := w.earliest()
		if !ok || tick > target {
			break
		}
		for i := tick % wheelSlots; w.slots[i] != nil; {
			t := w.slots[i]
			w.remove(t)
			due = append(due, t)
		}
		w.tick = tick
	}
	w.tick = max(w.tick, target)
	return due
}

// next is when advance has something to do; ok is false while nothing is due at all.
func (w *wheel) next() (at int64, ok bool) {
	tick, ok := w.earliest()
	return tick * wheelTick, ok
}

// earliest is the first tick after the wheel's with a timer in it.
func (w *wheel) earliest() (int64, bool) {
	if w.n == 0 {
		return 0, false
	}
	start := (w.tick + 1) % wheelSlots
	word := w.used[start/64] &^ (1<<(start%64) - 1)
	for i := start / 64; ; i = (i + 1) % int64(len(w.used)) {
		if word != 0 {
			slot := i*64 + int64(bits.TrailingZeros64(word))
			return w.tick + 1 + (slot-start+wheelSlots)%wheelSlots, true
		}
		word = w.used[(i+1)%int64(len(w.used))]
	}
}
