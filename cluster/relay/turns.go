package relay

import (
	"context"
	"slices"
	"sync"
	"time"
)

// turns has the senders of a link's connections take from its queue one after the other, so that what goes
// out is spread over all their windows, and a sender that waits for its window holds nobody up.
type turns struct {
	mu   sync.Mutex
	idle []*sender // who waits and has room, the longest first
	busy []*sender // who waits, and takes but what is urgent
	more bool      // there was a signal that no idle sender took
}

// A sender is one connection's place in turns.
type sender struct {
	wake chan struct{} // has an element when it is this sender's turn
	time *time.Timer
}

func newSender() *sender {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &sender{wake: make(chan struct{}, 1), time: t}
}

// signal gives the turn to the sender that has waited longest, rather to one with room. It never blocks.
func (t *turns) signal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !first(&t.idle) {
		t.more = true
		first(&t.busy)
	}
}

func first(waiting *[]*sender) bool {
	if len(*waiting) == 0 {
		return false
	}
	s := (*waiting)[0]
	*waiting = slices.Delete(*waiting, 0, 1)
	s.wake <- struct{}{} // takes it: s waited, so nothing is in it
	return true
}

// wait returns when it is s's turn; one without room also when most has passed. It returns false when ctx
// ends.
func (t *turns) wait(ctx context.Context, s *sender, busy bool, most time.Duration) bool {
	if !t.join(s, busy) {
		return ctx.Err() == nil
	}
	var late <-chan time.Time
	if busy {
		s.time.Reset(most)
		defer s.time.Stop()
		late = s.time.C
	}
	select {
	case <-s.wake:
		return ctx.Err() == nil
	case <-late:
	case <-ctx.Done():
	}
	if !t.leave(s) { // the turn came at this very moment
		<-s.wake
		if ctx.Err() != nil {
			t.signal()
		}
	}
	return ctx.Err() == nil
}

// join has s wait. It returns false where it is s's turn already.
func (t *turns) join(s *sender, busy bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case busy:
		t.busy = append(t.busy, s)
	case t.more:
		t.more = false
		return false
	default:
		t.idle = append(t.idle, s)
	}
	return true
}

// leave takes s out of those who wait. It returns false where s has been given the turn.
func (t *turns) leave(s *sender) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, waiting := range []*[]*sender{&t.idle, &t.busy} {
		if i := slices.Index(*waiting, s); i >= 0 {
			*waiting = slices.Delete(*waiting, i, i+1)
			return true
		}
	}
	return false
}
