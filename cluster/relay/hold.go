package relay

import (
	"time"

	"freshet/cluster/stream"
)

const (
	keyFresh  = 300 * time.Millisecond // a key frame of that age is gone back to, where a flow returns
	wakeFresh = time.Second            // a layer that nobody wanted is still on its way here if it brought a packet since
	stillTook = 3 * time.Second        // the same of one that somebody wants
)

// A bar is what a layer that begins on a narrow path must pass; one that does not waits for the controller.
type bar struct {
	shed  bool // layers are held back, the first of them of rank
	rank  int
	full  bool    // the path is full, or was a moment ago
	known bool    // so is the path's room, of which
	spare float64 // bits a second are left
}

// stops says whether s must not begin before the controller has seen it.
func (b bar) stops(s *served) bool {
	return s.class == classLayer && (b.full || b.shed && s.flow.Format.Rank >= b.rank || b.known && s.rate.last > b.spare)
}

// setBar puts up b until the next step.
func (q *queue) setBar(b bar) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bar = b
}

// stops says whether s, which has no place yet, must begin held back.
func (q *queue) stops(s *served) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bar.stops(s)
}

// held says whether nothing of s goes out.
func (s *served) held() bool { return s.idle || s.shed }

// hold takes s out of its ring, whose writer it then costs nothing.
func (s *served) hold() {
	if s.unwatch == nil {
		return
	}
	s.unwatch()
	s.unwatch = nil
	s.begun.Add(1) // its group is of no use any more
	if s.high >= 0 || s.started {
		s.left.begin(max(s.high+1, s.live))
	}
}

// watch has the ring wake s.
func (s *served) watch() {
	s.unwatch = s.flow.Ring.Watch(s)
	s.Wake(nil, nil)
}

// shedNow holds s back for want of room, or lets it go on at a key frame. It returns false where that is so
// already, and where nobody watches s.
func (q *queue) shedNow(s *served, shed bool, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.shed == shed || s.idle {
		return false
	}
	if s.shed = shed; shed {
		s.hold()
		return true
	}
	if !q.serves(s) {
		return true
	}
	r := s.flow.Ring
	if s.left.open {
		q.dropped(dropShed, int(max(0, r.High()+1-s.left.from)))
	}
	s.begin()
	if g, ok := s.flow.Group(); ok && now.Sub(g.At) <= keyFresh {
		if p := r.Get(g.First); p != nil {
			s.cursor = p.Index
		}
	}
	s.awaitKey(now) // as the cursor may stand at one, mostly for nothing
	s.watch()
	return true
}

// idleNow stops s because nobody watches it, or has it begin anew as at a join: it then returns the group
// with which the subscriber begins, nil where there is none.
func (q *queue) idleNow(s *served, idle, pulled bool, now time.Time) *backfill {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.idle == idle || !q.serves(s) {
		return nil
	}
	if s.idle = idle; idle {
		s.shed = false // it says no more of the room than any other that is not carried
		s.hold()
		return nil
	}
	if s.shed = q.bar.stops(s); s.shed {
		return nil
	}
	s.begin()
	b := missed(s, nil, pulled, now)
	first := s.live
	if b != nil {
		first = b.next
	}
	s.untold(s.left.resume(first))
	s.watch()
	return b
}

// stale says whether f, which comes from upstream where pulled is true, is not carried to here at present:
// what its ring holds is of the past. It is asked before f is wanted once more.
func stale(f *stream.Flow, pulled bool, now time.Time) bool {
	r := f.Ring
	p := r.At(r.Head() - 1)
	switch {
	case !pulled:
		return false
	case f.Shed() || p == nil:
		return true
	case f.Wanted():
		return now.Sub(p.At) > stillTook
	}
	return now.Sub(p.At) > wakeFresh
}

// askKeys asks again for the key frames that flows wait for: a request may come too soon after another.
func (q *queue) askKeys(now time.Time) {
	q.each(func(s *served) {
		if s.waitKey && !s.held() && !s.flow.Shed() {
			s.flow.RequestKeyframe(now)
		}
	})
}
