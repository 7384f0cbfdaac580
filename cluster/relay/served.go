package relay

import (
	"sync/atomic"
	"time"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
	pb "freshet/proto"
)

const (
	maxBehind  = 500 * time.Millisecond // a live packet that waited longer is not sent any more
	clockEvery = 500 * time.Millisecond // how often a flow's clock is repeated; datagrams get lost
	justNow    = 300 * time.Millisecond // for a first group to come whole
	copyWithin = 100 * time.Millisecond // an older packet is of no use any more to who lacks it
)

// A served is one flow on its way to one downstream node. Its queue's lock guards it, all but Wake and what
// says otherwise.
type served struct {
	id    uint64 // flow id on the link
	flow  *stream.Flow
	class class
	slot  int
	queue *queue

	filled  int64 // numbers below are in the ring already, as far as they will ever be; they go as a group
	live    int64 // number of the first live packet: filled, or more while this node itself gets the group
	started bool  // live is known
	cursor  int64 // Index of the next live packet
	high    int64 // highest number sent; -1 before the first
	waitKey bool  // packets were skipped: nothing of use comes before a key frame
	left    leftOut
	before  *ring.Packet // of audio: the last sent, to go once more beside the next
	clock   stream.Clock // as last sent
	clockAt time.Time    // when that was
	unwatch func()       // nil while the flow is held

	idle bool     // nobody downstream watches it
	shed bool     // held back for want of room
	told bool     // the subscriber knows it as paused
	rate flowRate // taken by the sink's serve loop

	// given says that upstream will not deliver a number; nil at the origin. Set once.
	given  func(*stream.Flow, int64) bool
	report atomic.Pointer[pb.FlowStats] // what the downstream node last said
	begun  atomic.Int64                 // how often it began; a group of an earlier time is cut off
	shut   atomic.Bool                  // the subscription is over; its group, if one is under way, is cut off
	wants  bool                         // counts among those who want the flow; the sink's mu guards it
}

// newServed returns f as it is served from now on. p is the pull that f comes from, nil at the origin.
func newServed(id uint64, f *stream.Flow, p *pull) *served {
	s := &served{id: id, flow: f, class: classOf(f.Format), high: -1}
	s.begin()
	if p == nil {
		return s
	}
	s.given = p.given
	s.turnBack(time.Now())
	if live, ok := p.liveOf(f); ok {
		s.live, s.started = max(s.live, f.Ring.Near(live)), true
	}
	return s
}

// begin has s go on with what comes from now on. What is in the ring goes as a group, if at all.
func (s *served) begin() {
	r := s.flow.Ring
	s.cursor = r.Head() // before High: a packet written between is then sent twice, and not never
	high := r.High()
	s.filled, s.live, s.started, s.waitKey = high+1, high+1, high >= 0, false
	s.begun.Add(1)
}

// turnBack has s go on with what came just now, where this node itself is getting its first group and has no key frame yet:
// the parts of a group may come in any order, and those before the first part go with no group.
func (s *served) turnBack(now time.Time) {
	r := s.flow.Ring
	if _, keyed := r.Newest(); keyed || s.flow.Format.Kind != stream.Video {
		return
	}
	for s.cursor > 0 {
		p := r.At(s.cursor - 1)
		if p == nil || now.Sub(p.At) >= justNow {
			return
		}
		s.cursor--
	}
}

// classOf ranks a flow: audio first, then what a viewer needs for any picture at all.
func classOf(f stream.Format) class {
	switch {
	case f.Kind == stream.Audio:
		return classAudio
	case f.Rank == 0:
		return classBase
	}
	return classLayer
}

// Wake implements ring.Waker.
func (s *served) Wake(*ring.Ring, *ring.Packet) {
	s.queue.ready[s.class].set(s.slot)
	s.queue.signal()
}

// next returns the next live packet, nil where none is to be sent, and whether more may follow.
func (s *served) next(now time.Time) (p *ring.Packet, more bool) {
	if s.held() {
		return nil, false
	}
	r := s.flow.Ring
	for head := r.Head(); s.cursor < head; {
		p := r.At(s.cursor)
		s.cursor++
		switch {
		case p == nil:
			s.passOver(p, dropEvicted, now)
		case now.Sub(p.At) > s.queue.behind:
			s.passOver(p, dropLate, now)
		case s.waitKey && !p.Key:
			s.passOver(p, dropAwaitKey, now)
		default:
			s.waitKey = false
			s.untold(s.left.end(p.Seq))
			s.high = max(s.high, p.Seq)
			return p, s.cursor < head
		}
	}
	return nil, false
}

// passOver leaves p out, which is nil where the ring has it no more.
func (s *served) passOver(p *ring.Packet, why dropReason, now time.Time) {
	s.queue.dropped(why, 1)
	if !s.waitKey && s.flow.Format.Kind == stream.Video {
		s.awaitKey(now)
	}
	switch {
	case p != nil && p.Seq <= s.high:
		s.untold(s.left.add(p.Seq, p.Seq+1))
	case s.high >= 0:
		s.left.begin(s.high + 1)
	case s.started:
		s.left.begin(s.live)
	case p != nil:
		s.left.begin(p.Seq)
	}
}

// awaitKey has video go on at the next key frame, and asks for one where it would come.
func (s *served) awaitKey(now time.Time) {
	s.waitKey = true
	if !s.flow.Shed() { // it begins with one
		s.flow.RequestKeyframe(now)
	}
}

// untold counts what will not be told as gone.
func (s *served) untold(spans int) {
	if spans > 0 {
		s.queue.dropped(dropGone, spans)
	}
}

// clockDue says whether the flow's clock is to be sent (again), and takes it for sent.
func (s *served) clockDue(now time.Time) bool {
	c, ok := s.flow.Clock()
	if !ok || c == s.clock && now.Sub(s.clockAt) < clockEvery {
		return false
	}
	s.clock, s.clockAt = c, now
	return true
}

// awaited says whether seq, which the ring does not hold, may still come to this node. Any goroutine may call it.
func (s *served) awaited(seq int64, now time.Time) bool {
	r := s.flow.Ring
	high := r.High()
	switch {
	case high < 0 || seq < high-maxGaps:
		return false
	case seq > high:
		return true // not sent yet
	case s.given != nil && s.given(s.flow, seq):
		return false
	}
	for n := seq + 1; n <= high; n++ {
		if p := r.Get(n); p != nil {
			return now.Sub(p.At) < repairFor // p showed the gap
		}
	}
	return true // nothing shows the gap yet
}
