package relay

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A sender that QUIC has held up for so long lets another have the turn. Less, and every packet of a picture
// would wake another sender, and the picture would arrive shuffled.
const stuckAfter = 200 * time.Microsecond

// turns has the senders of a link's connections take from its queue one after the other, so that a picture
// stays in order and pictures are spread over all their windows; a sender that waits for its window
// holds nobody up.
type turns struct {
	mu   sync.Mutex
	has  atomic.Pointer[sender] // whose turn it is; nil: nobody's. Written under mu
	idle []*sender              // who waits and has room, the longest first
	busy []*sender              // who waits, and takes but what is urgent
	more bool                   // there is something to take, as far as is known
}

// A sender is one connection's place in turns.
type sender struct {
	wake    chan struct{} // has an element when it is this sender's turn
	time    *time.Timer
	sending atomic.Int64 // unix ns since when QUIC has its packet; 0 while it has none
}

func newSender() *sender {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &sender{wake: make(chan struct{}, 1), time: t}
}

func (s *sender) stuck(now time.Time) bool {
	since := s.sending.Load()
	return since != 0 && now.UnixNano()-since > int64(stuckAfter)
}

// signal says that there is something to take. It never blocks.
func (t *turns) signal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.more = true
	if s := t.has.Load(); s != nil && !s.stuck(time.Now()) {
		return // it looks again before it waits
	}
	if !t.give(&t.idle) {
		t.give(&t.busy)
	}
}

// give hands the turn to the first of those waiting.
func (t *turns) give(waiting *[]*sender) bool {
	if len(*waiting) == 0 {
		return false
	}
	s := (*waiting)[0]
	*waiting = slices.Delete(*waiting, 0, 1)
	t.has.Store(s)
	t.more = false
	s.wake <- struct{}{} // takes it: s waited, so nothing is in it
	return true
}

// mine says whether s still has the turn: one that was stuck has lost it.
func (t *turns) mine(s *sender) bool { return t.has.Load() == s }

// pass ends s's turn, with something left to take: for another, or for s again when all others had theirs.
func (t *turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.more = true
}

// leave takes s out for good.
func (t *turns) leave(s *sender) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end(s)
	t.next()
}

// end takes the turn from s, if it has it.
func (t *turns) end(s *sender) { t.has.CompareAndSwap(s, nil) }

// next gives the turn on, where there is something to take and nobody has it.
func (t *turns) next() {
	if t.more && t.has.Load() == nil {
		t.give(&t.idle)
	}
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
	if ctx.Err() != nil {
		t.leave(s)
		return false
	}
	return true
}

// claim ends s's waiting. It has the turn then, if nobody else has it.
func (t *turns) claim(s *sender) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, waiting := range []*[]*sender{&t.idle, &t.busy} {
		if i := slices.Index(*waiting, s); i >= 0 {
			*waiting = slices.Delete(*waiting, i, i+1)
			t.has.CompareAndSwap(nil, s)
			return
		}
	}
	<-s.wake // the turn came at this very moment
}
