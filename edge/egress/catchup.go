package egress

import (
	"time"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
)

const (
	// atOnce is the age of a group that is sent in one go: no receiver shows a third of a second as a freeze.
	atOnce = 300 * time.Millisecond
	// catchUpIn is how long an older group takes to become live. Frames come at (age/catchUpIn + 1) times
	// their rate with timestamps to match.
	catchUpIn = 2 * time.Second
	// holeWait is how long a missing packet of a cached group is waited for: a repair on the hop takes no longer.
	holeWait = 150 * time.Millisecond
	// catchUpSlack is what a catch-up may take over its time before it goes on to a newer key frame.
	catchUpSlack = time.Second
	// pumpAtOnce bounds what one catch-up sends in one round of the loop: a large key frame.
	pumpAtOnce = 512
	// boundaryWait is how long a switch waits for the end of the frame that the old layer is in.
	boundaryWait = 100 * time.Millisecond
)

// show puts v's video on flow from a cached group, or from the next key frame where no group is usable.
func (s *Shard) show(v *viewer, flow *stream.Flow, at mono) {
	g, ok := flow.Group()
	if !ok {
		s.wait(v, flow, -1, at)
		return
	}
	s.leave(v, &v.video)
	s.start(v, flow, g, at)
}

// wait has v go over to flow at the first key frame newer than after; what it shows until then goes on.
func (s *Shard) wait(v *viewer, flow *stream.Flow, after int64, at mono) {
	l := &v.video
	v.unwait(l)
	src := s.use(v.feed, flow)
	l.want, l.wantSeat, l.after, l.since = src, len(src.waiting), after, at
	src.waiting = append(src.waiting, v)
	src.keyed = true // one may be there already
	flow.RequestKeyframe(s.wall(at))
}

// unwait takes l off the list of those that wait for a key frame.
func (v *viewer) unwait(l *lane) {
	src := l.want
	if src == nil {
		return
	}
	last := len(src.waiting) - 1
	moved := src.waiting[last]
	src.waiting[l.wantSeat] = moved
	moved.video.wantSeat = l.wantSeat
	src.waiting[last] = nil
	src.waiting = src.waiting[:last]
	l.want = nil
	v.feed.drop(src)
}

// leave takes l off whatever it does.
func (s *Shard) leave(v *viewer, l *lane) {
	v.unwait(l)
	v.feed.detach(l)
	if c := l.catch; c != nil {
		c.src.unshape(c.shape)
		v.feed.drop(c.src)
		s.caughtUp(v)
	}
}

// start sends v the group g of flow and lets it catch up. The lane must be idle.
func (s *Shard) start(v *viewer, flow *stream.Flow, g ring.Group, at mono) {
	l := &v.video
	out := l.lastTS
	if l.started {
		out = l.next(flow, g.Timestamp, at)
	}
	var age time.Duration
	if p := flow.Ring.Get(flow.Ring.High()); p != nil {
		age = span(p.Timestamp-g.Timestamp, flow.Format.Codec.ClockRate)
	}
	speed, took := uint32(speedOne), time.Duration(0)
	if age > atOnce {
		took = min(age, catchUpIn)
		speed = speedOne + uint32((int64(age)<<16)/int64(took))
	}
	src := s.use(v.feed, flow)
	l.begin(flow, g.First, g.Timestamp, out, speed, at)
	l.catch = &catchUp{
		src: src, shape: src.shaped(l.media.Form), pos: g.First, key: g.Timestamp, lastT: g.Timestamp,
		began: at, took: took, hole: -1, until: at + took + catchUpSlack,
	}
	s.catching++
	if v.path != nil && speed > speedOne {
		v.path.Press(v.feed.rates[flow.Index].bps * int64(speed) / speedOne)
	}
	s.pump(v, at)
}

// caughtUp ends v's catch-up, however it went.
func (s *Shard) caughtUp(v *viewer) {
	v.video.catch = nil
	s.catching--
	if v.path != nil {
		v.path.Press(0)
	}
}

// giveUp ends v's catch-up where its path does not carry that, and has v wait for a key frame: what is left of the
// group would only queue, and come after what is live.
func (s *Shard) giveUp(v *viewer, at mono) {
	c := v.video.catch
	if c == nil || c.took == 0 || !v.path.Backed(c.began) {
		return
	}
	s.m.given.Inc()
	flow := c.src.flow
	s.leave(v, &v.video)
	s.wait(v, flow, newerThan(flow, s.wall(at)), at)
}

// takeOver starts the viewers that waited for a key frame of src which is there now.
func (s *Shard) takeOver(src *source, at mono) {
	if !src.keyed {
		return
	}
	src.keyed = false
	g, ok := src.flow.Group()
	if !ok {
		return
	}
	for i := len(src.waiting) - 1; i >= 0; i-- {
		v := src.waiting[i]
		l := &v.video
		if g.First <= l.after {
			continue
		}
		if l.src != nil && !l.marker && at-l.lastAt < boundaryWait {
			src.keyed = true // the old layer is inside a frame: look again
			continue
		}
		s.m.switched(l)
		s.leave(v, l)
		s.start(v, src.flow, g, at)
	}
}

// pump sends v what is due of its cached group, and attaches it once it is live.
func (s *Shard) pump(v *viewer, at mono) {
	l := &v.video
	c := l.catch
	r := c.src.flow.Ring
	for range pumpAtOnce {
		if c.pos > c.src.high {
			s.live(v, at)
			return
		}
		p := r.Get(c.pos)
		switch {
		case p == nil:
			if !s.pass(v, at) {
				return
			}
			continue
		case p.Index >= c.src.cursor:
			return // the next batch carries it to everyone; until then it is not there
		case at-c.began < c.dueAt(&l.segs[0], p) && at <= c.until:
			return // past until all is due: the publisher's timestamps have jumped
		}
		c.hole = -1
		c.lastT = p.Timestamp
		c.pos++
		s.one.be(l.media.Form, l.media.Codec.Name)
		s.single[0] = p
		s.one.fill(s.single[:], s.wall(at), false)
		for i := range s.one.list {
			v.put(s.batch, l, &s.one.list[i], at)
		}
		v.sentAt = at
	}
}

// dueAt returns when, from the begin of the catch-up, p is sent.
func (c *catchUp) dueAt(seg *segment, p *ring.Packet) time.Duration {
	if seg.speed == speedOne {
		return 0
	}
	d := span(p.Timestamp-c.key, c.src.flow.Format.Codec.ClockRate)
	return time.Duration(int64(d) * speedOne / int64(seg.speed))
}

// pass handles a missing packet: it waits a little, then goes on behind the hole, or to a newer key
// frame where the ring has dropped the group. It returns false while there is nothing to do.
func (s *Shard) pass(v *viewer, at mono) (moved bool) {
	c := v.video.catch
	r := c.src.flow.Ring
	if c.hole < 0 {
		c.hole = at
	}
	gone := at > c.until
	if !gone && at-c.hole < holeWait {
		return false
	}
	next := c.pos + 1
	for next <= c.src.high && r.Get(next) == nil {
		next++
	}
	if g, ok := r.NextKey(c.pos); ok && (gone || g.First <= next) {
		s.m.dropped(dropBehind, int(g.First-c.pos))
		flow := c.src.flow
		s.leave(v, &v.video)
		s.start(v, flow, g, at)
		return false // start has pumped
	}
	s.m.dropped(dropHole, int(next-c.pos))
	c.pos, c.hole = next, -1
	return true
}

// live attaches v, which has everything before the source's cursor, to the batches that follow.
func (s *Shard) live(v *viewer, at mono) {
	l := &v.video
	c := l.catch
	l.segs[0].straighten(c.lastT)
	s.caughtUp(v)
	c.src.unshape(c.shape)
	c.src.attach(v, l) // takes over the use
	if !v.joined {
		v.joined = true
		s.m.join.Observe((at - v.added).Seconds())
	}
	s.sendReport(v, at) // now that timestamps run with the media: lip-sync need not wait
}

// hear attaches v's audio to flow: the next packet is the first.
func (s *Shard) hear(v *viewer, flow *stream.Flow) {
	s.leave(v, &v.audio)
	s.use(v.feed, flow).attach(v, &v.audio)
	v.audio.fresh = true
}
