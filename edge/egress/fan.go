package egress

import (
	"slices"
	"time"
)

const (
	// clockEvery is how many viewers are served between two looks at the clock.
	clockEvery = 32
	// A batch is long where it has more than longFor packets for each viewer, a key frame or what a late loop owes, and
	// longAll in all, some 10 ms. Sound does not wait for its end.
	longFor   = 16
	longAll   = 8192
	soundWait = 5 * time.Millisecond // for the next look at what sound has come meanwhile
)

// flush sends what is due of all flows of f.
func (s *Shard) flush(f *feed, now time.Time, at mono) {
	due := s.due[:0]
	sound, long := false, false
	for _, src := range f.sources {
		if src == nil || !s.prepare(src, now) {
			continue
		}
		if now.Sub(src.since) > maxBehind {
			s.fallBehind(f, src, at)
			continue
		}
		sound = sound || !src.waker.video
		n := len(src.batch)
		long = long || src.waker.video && n > longFor && n*len(src.seats) > longAll
		due = append(due, src)
	}
	s.due = due
	if len(due) == 0 {
		return
	}
	f.rotate++
	s.clock = at
	switch {
	case long:
		due = slices.DeleteFunc(due, func(src *source) bool { return !src.waker.video && s.soundFirst(f, src) })
		s.soundAt = at + soundWait
		for _, src := range due {
			s.fanLong(f, src)
		}
	case sound:
		s.fanBoth(f)
	default:
		for _, src := range due {
			s.fan(f, src)
		}
	}
	s.batch.flush()
	s.measure(due...)
}

// prepare collects what of src is due and prepares it for the forms of its viewers. It returns false where there is
// nothing to send.
func (s *Shard) prepare(src *source, now time.Time) bool {
	src.collect(now)
	if len(src.seats) == 0 {
		src.batch = src.batch[:0]
	}
	if len(src.batch) == 0 {
		return false
	}
	for _, sh := range src.shapes {
		sh.fill(src.batch, now, src.waker.video && s.batch.socket.gso)
	}
	return true
}

// soundFirst sends the sound that is due before what there is of a long batch. It returns true.
func (s *Shard) soundFirst(f *feed, src *source) bool {
	s.fan(f, src)
	s.batch.flush()
	s.measure(src)
	return true
}

// fanBoth sends video and audio together: audio is the short last segment of the video's message.
func (s *Shard) fanBoth(f *feed) {
	n := len(f.viewers)
	for i := range n {
		s.look(i)
		v := f.viewers[(i+f.rotate)%n]
		for _, l := range [...]*lane{&v.video, &v.audio} {
			if l.src != nil && len(l.src.batch) > 0 {
				s.give(v, l)
			}
		}
	}
}

// fan sends the batch of src to its viewers.
func (s *Shard) fan(f *feed, src *source) {
	n := len(src.seats)
	for i := range n {
		s.look(i)
		v := src.seats[(i+f.rotate)%n]
		s.give(v, v.laneOf(src))
	}
}

// fanLong sends a batch that takes long, and between its viewers the sound of all feeds that comes meanwhile.
func (s *Shard) fanLong(f *feed, src *source) {
	n := len(src.seats)
	for i := range n {
		if s.look(i) && s.clock >= s.soundAt {
			s.interject()
		}
		v := src.seats[(i+f.rotate)%n]
		s.give(v, &v.video)
	}
}

// interject sends the sound that is due now, of all feeds. The video goes on for at least as long as that took.
func (s *Shard) interject() {
	began := s.clock
	now := s.wall(began)
	for _, f := range s.order {
		for _, src := range f.sources {
			if src != nil && !src.waker.video && s.prepare(src, now) {
				s.soundFirst(f, src)
			}
		}
	}
	s.look(0)
	s.soundAt = s.clock + max(soundWait, s.clock-began)
}

// look reads the clock where the i-th viewer of a batch is one of those at whom it should, and says whether it did.
// Estimators want to know when a packet was sent, to a few milliseconds.
func (s *Shard) look(i int) bool {
	if i%clockEvery > 0 {
		return false
	}
	s.clock = s.egress.deps.Now().Sub(s.started)
	return true
}

// give sends v the batch of the source that its lane l is attached to.
func (s *Shard) give(v *viewer, l *lane) {
	for i := range l.shape.list {
		v.put(s.batch, l, &l.shape.list[i], s.clock)
	}
	v.sentAt = s.clock
}
