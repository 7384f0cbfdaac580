package egress

import (
	"cmp"
	"slices"
	"time"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
	"freshet/edge/layer"
)

const (
	frameWait = 5 * time.Millisecond   // a frame whose end does not come is sent in pieces
	maxBehind = 500 * time.Millisecond // RELIABILITY section 2, rule 7
	silent    = time.Second            // a publisher that sent nothing for longer: browsers ask for a key frame then
	quiet     = 100 * time.Millisecond // rule 1: a viewer hears at least this often from its edge
)

// A feed is one stream as a shard sees it. It is owned by the shard's loop.
type feed struct {
	id      string
	stream  *stream.Stream
	viewers []*viewer // those with keys
	joining int       // those without
	sources []*source // by Flow.Index; nil where nobody here wants the flow
	rates   []rate    // by Flow.Index
	wants   []want    // by Flow.Index
	rotate  int       // who is first in the next batch: the last of 5,000 is served 19 ms later
	quietAt mono
	rateAt  mono

	flows []*stream.Flow // of the last answer of rungs
	rung  []layer.Rung

	lookedAt   mono
	youngUntil mono // a flow was asked for just before: who shows nothing is looked at often
}

// A rate measures what a flow brings. While it brings nothing the last figure stays: a layer that nobody
// wants, or that is held back, will bring as much again.
type rate struct {
	bytes int64
	bps   int64
}

// A source is one flow that some viewers of the shard want. It is owned by the shard's loop.
type source struct {
	flow    *stream.Flow
	waker   *waker
	unwatch func()
	cursor  int64     // Index of the next packet of the live batch
	high    int64     // highest Seq before cursor
	shapes  []*shape  // forms of the viewers here
	seats   []*viewer // attached
	waiting []*viewer // for a key frame
	uses    int       // lanes attached, catching up or waiting
	keyed   bool      // a key frame came since waiting viewers were looked at

	batch []*ring.Packet // due now
	since time.Time      // when the first of it was written
	ended time.Time      // when the last of it was written
}

// A waker wakes the shard when there is something to send. The ring's writer calls Wake.
type waker struct {
	wake  chan struct{}
	video bool
	ended int64 // Seq of the newest frame's end; the writer's own
}

// Wake implements ring.Waker. A packet inside a frame can wait for the frame's end or the next tick; one that
// was overtaken by the frame's end may be what the frame still lacks.
func (w *waker) Wake(_ *ring.Ring, p *ring.Packet) {
	if w.video && !p.Marker && p.Seq > w.ended {
		return
	}
	if p.Marker {
		w.ended = max(w.ended, p.Seq)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// use returns the source of flow and counts one more user. Nobody may use a flow that is not wanted.
func (s *Shard) use(f *feed, flow *stream.Flow) *source {
	f.want(flow, s.now)
	src := f.sources[flow.Index]
	if src == nil {
		src = &source{flow: flow, waker: &waker{wake: s.wake, video: flow.Format.Kind == stream.Video, ended: flow.Ring.High()}}
		src.unwatch = flow.Ring.Watch(src.waker)
		src.cursor = flow.Ring.Head()
		src.high = flow.Ring.High()
		f.sources[flow.Index] = src
	}
	src.uses++
	return src
}

// drop counts one user less.
func (f *feed) drop(src *source) {
	src.uses--
	if src.uses == 0 {
		src.unwatch()
		if i := src.flow.Index; i < len(f.sources) && f.sources[i] == src {
			f.sources[i] = nil
		}
	}
}

// shaped returns the shape of form at src and counts one more user.
func (src *source) shaped(form Form) *shape {
	for _, sh := range src.shapes {
		if sh.form == form {
			sh.refs++
			return sh
		}
	}
	sh := &shape{refs: 1}
	sh.be(form, src.flow.Format.Codec.Name)
	src.shapes = append(src.shapes, sh)
	return sh
}

func (src *source) unshape(sh *shape) {
	sh.refs--
	if sh.refs > 0 {
		return
	}
	for i, have := range src.shapes {
		if have == sh {
			last := len(src.shapes) - 1
			src.shapes[i], src.shapes[last] = src.shapes[last], nil
			src.shapes = src.shapes[:last]
			return
		}
	}
}

// attach seats v's lane at src, from the next batch on.
func (src *source) attach(v *viewer, l *lane) {
	l.src, l.shape, l.seat = src, src.shaped(l.media.Form), len(src.seats)
	src.seats = append(src.seats, v)
}

// detach takes v's lane off its source.
func (f *feed) detach(l *lane) {
	src := l.src
	if src == nil {
		return
	}
	last := len(src.seats) - 1
	moved := src.seats[last]
	src.seats[l.seat] = moved
	moved.laneOf(src).seat = l.seat
	src.seats[last] = nil
	src.seats = src.seats[:last]
	src.unshape(l.shape)
	l.src, l.shape, l.fresh = nil, nil, false
	f.drop(src)
}

func (v *viewer) laneOf(src *source) *lane {
	if v.video.src == src {
		return &v.video
	}
	return &v.audio
}

// collect finds what of src is due at now and moves the cursor past it.
func (src *source) collect(now time.Time) {
	src.batch = src.batch[:0]
	r := src.flow.Ring
	head := r.Head()
	if src.cursor == head {
		return
	}
	end := head
	if src.waker.video {
		end = src.due(head, now)
	}
	for i := src.cursor; i < end; i++ {
		p := r.At(i)
		if p == nil {
			continue // evicted: this loop is seconds late
		}
		src.high = max(src.high, p.Seq)
		src.keyed = src.keyed || p.Key
		src.batch = append(src.batch, p)
	}
	src.cursor = end
	if n := len(src.batch); n > 0 {
		src.since, src.ended = src.batch[0].At, src.batch[n-1].At
		// A link's connections overtake each other. Receivers would ask for what they take to be lost.
		slices.SortFunc(src.batch, func(a, b *ring.Packet) int { return cmp.Compare(a.Seq, b.Seq) })
	}
}

// due returns the Index up to which video is sent now: behind the last frame that is complete, or
// behind everything where the oldest of the rest has waited long enough. A frame with a hole waits as long.
func (src *source) due(head int64, now time.Time) int64 {
	r := src.flow.Ring
	end, last := src.cursor, int64(-1)
	for i := head - 1; i >= src.cursor; i-- {
		if p := r.At(i); p != nil && p.Marker {
			end, last = i+1, p.Seq
			break
		}
	}
	for end > src.cursor && end < head { // what the frame's end overtook belongs to it
		if p := r.At(end); p == nil || p.Seq > last {
			break
		}
		end++
	}
	switch {
	case end < head && src.waited(end, now) >= frameWait:
		return head
	case src.holes(end) && src.waited(src.cursor, now) < frameWait:
		return src.cursor
	}
	return end
}

// waited returns how long ago packet i came; long, where it has left the ring.
func (src *source) waited(i int64, now time.Time) time.Duration {
	if p := src.flow.Ring.At(i); p != nil {
		return now.Sub(p.At)
	}
	return frameWait
}

// holes says whether numbers are missing between what was sent and the newest packet before end.
func (src *source) holes(end int64) bool {
	newest, n := src.high, int64(0)
	for i := src.cursor; i < end; i++ {
		if p := src.flow.Ring.At(i); p != nil && p.Seq > src.high {
			newest = max(newest, p.Seq)
			n++
		}
	}
	return newest-src.high != n
}

// oldest returns when the first packet that is not sent yet was written; ok is false where there is none.
func (src *source) oldest() (at time.Time, ok bool) {
	if p := src.flow.Ring.At(src.cursor); p != nil {
		return p.At, true
	}
	return time.Time{}, false
}

// fallBehind gives up what src has not sent in time. Who sees it goes on at the next key frame, who hears it at once.
func (s *Shard) fallBehind(f *feed, src *source, at mono) {
	s.m.dropped(dropBehind, len(src.batch)*len(src.seats))
	s.work.batch(maxBehind)
	src.batch = src.batch[:0]
	if !src.waker.video {
		return
	}
	src.uses++ // keeps it while its viewers change from seats to waiting
	for len(src.seats) > 0 {
		v := src.seats[len(src.seats)-1]
		f.detach(&v.video)
		s.wait(v, src.flow, src.high, at)
	}
	f.drop(src)
}
