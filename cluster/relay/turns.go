package relay

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// In a row, before the next connection has its turn: a picture of 3 Mbit/s, so that it stays in order. QUIC lets
	// ten packets go at once, and spreads what is beyond over a round trip: a key frame goes over all connections.
	turnPackets = 12
	turnFor     = 10 * time.Millisecond // a turn is over after that long: the next picture goes by another

	// A sender that QUIC has held up for so long lets another have the turn.
	stuckAfter = 3 * time.Millisecond
)

// turns has the senders of a link's connections take from its queue one after the other, so that a picture
// stays in order and pictures are spread over all their windows; a sender that waits for its window
// holds nobody up.
type turns struct {
	mu    sync.Mutex
	has   atomic.Pointer[sender] // who takes now; nil: nobody. Written under mu
	last  *sender                // whose turn it is, or was
	idle  []*sender              // who waits and has room, the longest first
	busy  []*sender              // who waits, and takes but what is urgent
	more  bool                   // there is something to take, as far as is known
	watch *time.Timer            // looks whether who takes is stuck; runs while somebody takes
}

// A sender is one connection's place in turns.
type sender struct {
	wake    chan struct{} // has an element when it is to take
	time    *time.Timer
	began   time.Time    // its turn; guarded by turns
	n       int          // packets it took in it; its own while it takes, else guarded by turns
	sending atomic.Int64 // unix ns since when QUIC has its packet; 0 while it has none
}

func newSender() *sender {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &sender{wake: make(chan struct{}, 1), time: t}
}

func (s *sender) stuck(now time.Time) bool {
	since := s.sending.Load()
	return since != 0 && now.UnixNano()-since >= int64(stuckAfter)
}

// over says whether s has had its turn.
func (s *sender) over(now time.Time) bool { return s.n >= turnPackets || now.Sub(s.began) >= turnFor }

// signal says that there is something to take. It never blocks.
func (t *turns) signal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.more = true
	now := time.Now()
	if t.free(now) && !t.give(&t.idle, now) {
		t.give(&t.busy, now)
	}
}

// free says whether nobody takes, or only one who is stuck. Who takes and is not stuck looks again before it
// waits.
func (t *turns) free(now time.Time) bool {
	s := t.has.Load()
	return s == nil || s.stuck(now)
}

// look gives the turn of one who is stuck to another.
func (t *turns) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.has.Load()
	if s == nil {
		return
	}
	now := time.Now()
	if t.more && s.stuck(now) && (t.give(&t.idle, now) || t.give(&t.busy, now)) {
		return
	}
	t.watch.Reset(stuckAfter)
}

// give has one of those waiting take: the one whose turn is not over, else the first.
func (t *turns) give(waiting *[]*sender, now time.Time) bool {
	if len(*waiting) == 0 {
		return false
	}
	i := max(slices.Index(*waiting, t.last), 0)
	if s := (*waiting)[i]; s == t.last && s.over(now) {
		i = (i + 1) % len(*waiting)
	}
	s := (*waiting)[i]
	*waiting = slices.Delete(*waiting, i, i+1)
	t.begin(s, now)
	t.more = false
	s.wake <- struct{}{} // takes it: s waited, so nothing is in it
	return true
}

// begin has s take, in a turn of its own where it is not in one already.
func (t *turns) begin(s *sender, now time.Time) {
	if s != t.last || s.over(now) {
		t.last, s.began, s.n = s, now, 0
	}
	t.has.Store(s)
	if t.watch == nil {
		t.watch = time.AfterFunc(stuckAfter, t.look)
		return
	}
	t.watch.Reset(stuckAfter)
}

// end says that s takes no more. It returns false where it has lost the turn before.
func (t *turns) end(s *sender) bool {
	if !t.has.CompareAndSwap(s, nil) {
		return false
	}
	t.watch.Stop()
	return true
}

// next gives the turn on, where there is something to take.
func (t *turns) next() {
	if now := time.Now(); t.more && t.free(now) {
		t.give(&t.idle, now)
	}
}

// mine says whether s still has the turn: one that was stuck has lost it.
func (t *turns) mine(s *sender) bool { return t.has.Load() == s }

// roomier says whether another waits who has room.
func (t *turns) roomier() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.idle) > 0
}

// pass says that who waits next leaves something to take.
func (t *turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.more = true
}

// leave takes s, which does not wait, out for good. What it was to take is another's.
func (t *turns) leave(s *sender) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end(s) {
		t.more = true
	}
	t.next()
}

// wait ends s's turn and returns when it has it again. One without room has it also after most, if nobody
// else does. It returns false when ctx ends.
func (t *turns) wait(ctx context.Context, s *sender, busy bool, most time.Duration) bool {
	t.mu.Lock()
	t.end(s)
	if busy {
		t.busy = append(t.busy, s)
	} else {
		t.idle = append(t.idle, s)
	}
	t.next()
	t.mu.Unlock()
	var late <-chan time.Time
	if busy {
		s.time.Reset(most)
		defer s.time.Stop()
		late = s.time.C
	}
	select {
	case <-s.wake:
	case <-late:
		t.claim(s)
	case <-ctx.Done():
		t.claim(s)
	}
	return ctx.Err() == nil
}

// claim ends s's waiting. It takes then, if nobody else does.
func (t *turns) claim(s *sender) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, waiting := range []*[]*sender{&t.idle, &t.busy} {
		if i := slices.Index(*waiting, s); i >= 0 {
			*waiting = slices.Delete(*waiting, i, i+1)
			if now := time.Now(); t.free(now) {
				t.begin(s, now)
			}
			return
		}
	}
	<-s.wake // the turn came at this very moment
}
