package impair

import (
	"math/rand/v2"
	"time"
)

// maxHeld is how many packets a direction holds at most: 4 s of 100 Mbit/s, 64 MiB.
const maxHeld = 32 << 10

// A wire is one direction, without sockets, goroutines or a clock of its own: packets go in, and come out
// when they are due. The same seed and packets at the same times give the same result.
type wire struct {
	path     Path
	overhead int // bytes that count at path.Rate on top of a packet's own; less than 0: that many do not
	draws    *rand.Rand
	loss     lossy
	stats    Stats

	// What waits for its turn at path.Rate; the first is being sent.
	first, last *packet
	departs     time.Time // when the first is out
	waiting     int64     // bytes behind the first, headers included
	held        int       // packets here and in the air

	air    flight
	newest time.Time // latest arrival so far
	wander wander
}

func newWire(seed, stream uint64, overhead int, path Path) *wire {
	return &wire{path: path, overhead: overhead, draws: rand.New(rand.NewPCG(seed, stream))}
}

// add takes p, which has just come, and tells whether it will come out again.
func (w *wire) add(now time.Time, p *packet) bool {
	w.settle(now)
	// Each packet takes the same number of draws, so that the fate of one does not hang on another's settings.
	lost := w.loss.next(w.path.Loss, w.path.Burst, w.draws.Float64())
	p.draw = w.draws.Float64()
	w.stats.In.add(p.n)
	switch {
	case p.unfit:
		w.stats.Failed.add(p.n)
	case w.path.Cut:
		w.stats.Cut.add(p.n)
	case lost:
		w.stats.Lost.add(p.n)
	case w.held == maxHeld, w.path.Rate > 0 && !w.fits(p):
		w.stats.Overflowed.add(p.n)
	default:
		w.held++
		if w.path.Rate > 0 {
			w.queue(now, p)
		} else {
			w.launch(now, p)
		}
		return true
	}
	return false
}

// clear tells whether a packet that comes now leaves now.
func (w *wire) clear() bool {
	return w.held == 0 && w.path.Rate == 0 && w.path.Delay == 0 && w.path.Jitter == 0
}

// fits tells whether the buffer has room for p. What is being sent takes none.
func (w *wire) fits(p *packet) bool {
	return w.first == nil || w.waiting+w.size(p) <= w.room()
}

func (w *wire) size(p *packet) int64 { return int64(p.n + w.overhead) }

func (w *wire) room() int64 {
	buffer := w.path.Buffer
	if buffer == 0 {
		buffer = defaultBuffer
	}
	return int64(float64(w.path.Rate) / 8 * buffer.Seconds())
}

// takes returns how long it takes to send p.
func (w *wire) takes(p *packet) time.Duration {
	return time.Duration(w.size(p) * 8 * int64(time.Second) / w.path.Rate)
}

func (w *wire) queue(now time.Time, p *packet) {
	p.next = nil
	if w.first == nil {
		w.first, w.last = p, p
		w.departs = now.Add(w.takes(p))
		return
	}
	w.last.next, w.last = p, p
	w.waiting += w.size(p)
}

// settle moves what is sent by now from the queue into the air, at the times at which it was sent.
func (w *wire) settle(now time.Time) {
	for w.first != nil && !w.departs.After(now) {
		p := w.first
		w.first = p.next
		w.launch(w.departs, p)
		if w.first != nil {
			w.waiting -= w.size(w.first)
			w.departs = w.departs.Add(w.takes(w.first))
		}
	}
}

// launch puts p into the air at the time given.
func (w *wire) launch(at time.Time, p *packet) {
	due := at.Add(w.path.Delay + w.wander.next(w.path, at, p.draw))
	if due.After(w.newest) {
		w.newest = due
	} else if !w.path.Reorder {
		due = w.newest
	}
	w.air.push(due, p)
}

// next returns when there may be something to take.
func (w *wire) next() (time.Time, bool) {
	due, ok := w.air.first()
	if w.first != nil {
		if d := w.departs.Add(w.path.Delay); !ok || d.Before(due) {
			due, ok = d, true
		}
	}
	return due, ok
}

// take returns a packet that is due, or nil.
func (w *wire) take(now time.Time) *packet {
	w.settle(now)
	if due, ok := w.air.first(); !ok || due.After(now) {
		return nil
	}
	w.held--
	return w.air.pop()
}

// set changes the path. What is in the air arrives as it would have; what waits in the queue goes on at the
// new rate, and from its end falls what the new buffer has no room for: those packets are returned, a list.
func (w *wire) set(now time.Time, path Path) *packet {
	w.settle(now)
	old := w.path.Rate
	w.path = path
	w.wander = wander{}
	if w.first == nil {
		return nil
	}
	if path.Rate == 0 {
		for p := w.first; p != nil; p = p.next {
			w.launch(now, p)
		}
		w.first, w.waiting = nil, 0
		return nil
	}
	left := float64(w.departs.Sub(now)) * float64(old) / float64(path.Rate)
	w.departs = now.Add(time.Duration(left))
	return w.trim()
}

// trim drops what the buffer has no room for.
func (w *wire) trim() *packet {
	room := w.room()
	w.waiting, w.last = 0, w.first
	for p := w.first.next; p != nil && w.waiting+w.size(p) <= room; p = p.next {
		w.waiting += w.size(p)
		w.last = p
	}
	dropped := w.last.next
	w.last.next = nil
	for p := dropped; p != nil; p = p.next {
		w.stats.Overflowed.add(p.n)
		w.held--
	}
	return dropped
}
