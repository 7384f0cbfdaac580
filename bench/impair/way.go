package impair

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// leastResend is what a sender waits for an acknowledgement at least, on top of a round trip: Linux's figure.
	leastResend = 200 * time.Millisecond
	// maxResent is how often a segment is lost at most. The wait doubles each time: 63 times the first, all together.
	maxResent = 6
)

// A way is one direction of all connections of a TCPProxy: what they share of its path, and the counts.
type way struct {
	overhead int // bytes of headers that count at path.Rate

	mu      sync.Mutex // held for a few lines
	path    Path
	draws   *rand.Rand
	loss    lossy
	wander  wander
	free    time.Time     // when all that was let in so far has left the queue of path.Rate
	changed chan struct{} // closed when the path changes; another then takes its place
	stats   Stats
}

func newWay(seed, stream uint64, overhead int, path Path) *way {
	return &way{
		overhead: overhead, path: path, draws: rand.New(rand.NewPCG(seed, stream)), changed: make(chan struct{}),
	}
}

// An entry is what a way says to a segment that wants in.
type entry struct {
	ok      bool
	at      time.Time       // when it arrives; without ok: when to ask again, and zero is not before the path changes
	changed <-chan struct{} // closed when the path is another
}

// enter says when a segment of n bytes arrives that has come now, where the one before it on the same connection
// arrives at the time given. What finds the path cut or its queue full is not let in.
func (w *way) enter(now, before time.Time, n int) entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.path.Cut || w.path.Loss >= 1 {
		return entry{changed: w.changed}
	}
	leaves := now
	if w.path.Rate > 0 {
		buffer := w.path.Buffer
		if buffer == 0 {
			buffer = defaultBuffer
		}
		if w.free.Sub(now) > buffer {
			return entry{at: w.free.Add(-buffer), changed: w.changed}
		}
		if w.free.After(now) {
			leaves = w.free
		}
		leaves = leaves.Add(time.Duration(int64(n+w.overhead) * 8 * int64(time.Second) / w.path.Rate))
		w.free = leaves
	}
	arrives := leaves.Add(w.path.Delay + w.wander.next(w.path, leaves, w.draws.Float64()) + w.resent(n))
	if arrives.Before(before) {
		arrives = before
	}
	return entry{ok: true, at: arrives}
}

// resent returns how much later a segment comes because it was lost and sent again, often enough. Called with mu held.
func (w *way) resent(n int) time.Duration {
	// Each segment takes the same number of draws, so that the fate of one does not hang on another's.
	lost, again := w.loss.next(w.path.Loss, w.path.Burst, w.draws.Float64()), w.draws.Float64()
	if !lost {
		return 0
	}
	if n > 0 {
		w.stats.Lost.add(n)
	}
	times := 1
	for share := w.path.Loss; again < share && times < maxResent; share *= w.path.Loss {
		times++
	}
	return time.Duration(math.Exp2(float64(times))-1) * (leastResend + 2*w.path.Delay)
}

// pass waits until a segment of n bytes is let in, and returns when it arrives; false once ctx has ended.
func (w *way) pass(ctx context.Context, before time.Time, n int) (time.Time, bool) {
	held := false
	for {
		now := time.Now()
		e := w.enter(now, before, n)
		if e.ok {
			return e.at, true
		}
		var again <-chan time.Time
		if !e.at.IsZero() {
			again = time.After(e.at.Sub(now))
		} else if !held && n > 0 {
			held = true
			w.count(func(s *Stats) { s.Cut.add(n) })
		}
		select {
		case <-ctx.Done():
			return time.Time{}, false
		case <-e.changed:
		case <-again:
		}
	}
}

// set changes the path for what comes from now on.
func (w *way) set(path Path) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.path, w.wander = path, wander{}
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *way) inForce() Path {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.path
}

func (w *way) count(f func(*Stats)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.stats)
}

func (w *way) counted() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}
