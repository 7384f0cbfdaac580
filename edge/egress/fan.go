package egress

import (
	"slices"
	"time"
)

const (
	// clockEvery is how many viewers are served between two looks at the clock; where they get many packets each, so
	// many fewer that it is clockPackets.
	clockEvery   = 32
	clockPackets = 256
	// A batch is long where it has more than longFor packets for each viewer, a key frame or what a late loop owes, and
	// longAll in all, some 5 ms. Sound does not wait for its end.
	longFor   = 4
	longAll   = 4096
	soundLook = 2 * time.Millisecond // from one look at what sound has come meanwhile to the next
	soundWait = 5 * time.Millisecond // sound that waited longer goes before pictures, at the price of a message of its own
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
	if long {
		s.soundAt = at + soundLook
	}
	ahead := func(src *source) bool { // sound that must not wait until the pictures are sent
		return !src.waker.video && (long || now.Sub(src.since) >= soundWait) && s.soundFirst(f, src)
	}
	if sound {
		due = slices.DeleteFunc(due, ahead)
		sound = slices.ContainsFunc(due, func(src *source) bool { return !src.waker.video })
	}
	for _, src := range due {
		switch {
		case long:
			s.fanLong(f, src)
		case !sound:
			s.fan(f, src)
		}
	}
	if sound {
		s.fanBoth(f)
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

// fanBoth sends what is due of video and audio together: audio is the short last segment of the video's message.
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
	n, every := len(src.seats), min(clockEvery, max(1, clockPackets/len(src.batch)))
	for i := range n {
		if i%every == 0 {
			if s.tick(); s.clock >= s.soundAt {
				s.interject()
			}
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
	s.tick()
	s.soundAt = s.clock + max(soundLook, s.clock-began)
}

// look reads the clock where the i-th viewer of a batch is one of those at whom it should. Estimators want to know when a
// packet was sent, to a few milliseconds.
func (s *Shard) look(i int) {
	if i%clockEvery == 0 {
		s.tick()
	}
}

func (s *Shard) tick() { s.clock = s.egress.deps.Now().Sub(s.started) }

// give sends v the batch of the source that its lane l is attached to.
func (s *Shard) give(v *viewer, l *lane) {
	for i := range l.shape.list {
		v.put(s.batch, l, &l.shape.list[i], s.clock)
	}
	v.sentAt = s.clock
}
