package relay

import (
	"context"

	pb "freshet/proto"
)

// awaits returns true once sub, which waits, is to be answered: its subscriber has asked again, or this node publishes the
// stream as its standby, and does not hear the origin any more. The link to the origin is kept meanwhile.
func (s *sink) awaits(ctx context.Context, sub *subscription) bool {
	s.mu.Lock()
	id := sub.ask.GetStream()
	s.mu.Unlock()
	s.r.await(id, 1)
	defer s.r.await(id, -1)
	for {
		changed := s.r.changed()
		var silent <-chan struct{}
		if up := s.r.ways.origin(id); up != nil {
			silent = up.silent()
		}
		select {
		case <-sub.woken:
			return true
		case <-silent:
			if s.r.own(id) != nil {
				s.mu.Lock()
				sub.answered = true
				s.mu.Unlock()
				s.link.log.Info("standby begins", "stream", id)
				return true
			}
		case <-changed: // others may be the ones to hear
		case <-ctx.Done():
			return false
		}
	}
}

// again has sub answered, which waits, as ask says. It returns false where sub does not wait, or was asked again before.
// The caller holds mu.
func (sub *subscription) again(ask *pb.Subscribe) bool {
	if sub.woken == nil || sub.asked || ask.GetWait() || ask.GetStream() != sub.ask.GetStream() {
		return false
	}
	sub.asked = true
	if !sub.answered { // otherwise it is being answered already
		sub.ask, sub.answered = ask, true
		close(sub.woken)
	}
	return true
}

// await counts n more subscriptions of stream that wait.
func (r *Relay) await(stream string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.awaited[stream] += n; r.awaited[stream] == 0 {
		delete(r.awaited, stream)
	}
}

// silent returns a channel that is closed when the upstream node, heard of until then, is not any more.
func (u *uplink) silent() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.hush == nil {
		u.hush = make(chan struct{})
	}
	return u.hush
}

// hushed says so to those who wait for it.
func (u *uplink) hushed() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.hush != nil {
		close(u.hush)
		u.hush = nil
	}
}
