package relay

import (
	"slices"
	"sync"
	"time"

	"freshet/cluster/ring"
)

const (
	maxFlows   = 2048 // served on one link: 256 streams of 8
	maxControl = 256  // control datagrams waiting; they are small and go first
	maxResends = 512  // packets asked for again and not sent yet
	maxCopies  = 64   // audio packets waiting to go once more

	paceSlack = 5 * time.Millisecond // that video may catch up with its pace, as timers are late
	paceTurn  = time.Millisecond     // between two looks at the pace: a wide path's packets go in bursts of that
)

// A class is a flow's rank in the queue: the lower goes first.
type class int

const (
	classAudio class = iota
	classBase        // the lowest layer of a video track
	classLayer
	classes
)

// A queue is all that waits to leave on a link: control datagrams; audio, first what was asked for again, then
// live, then each packet once more; video, in the same order and once. Live packets are not copied: for each
// flow the queue has a cursor in its ring.
// The senders of the link's connections take from it, by turns.
type queue struct {
	turns turns // of those who take
	ready [classes]bitset

	mu      sync.Mutex // held for a few lines, never while sending
	control [][]byte
	sounds  []resend            // resends of audio
	resends []resend            // and of video
	waiting map[resend]struct{} // what is in both: a second NACK for it changes nothing
	copies  []resend            // audio packets that go once more
	copying bool                // they do: the path is not full
	flows   [classes][]*served  // by slot; nil where free
	bar     bar                 // for layers that begin
	last    [classes]int        // slot taken last, so that all have their turn

	pace  float64     // bytes a second at which video goes, so that it queues here and audio passes it; 0 is no bound
	paced time.Time   // when video may go again
	timer *time.Timer // signals then; nil before the first pace

	behind  time.Duration // a live packet that waited longer is not sent any more
	dropped func(dropReason, int)
}

// An outgoing is what the sender puts into one datagram: a packet of a flow, or bytes as they stand.
type outgoing struct {
	served *served // nil for control and resends
	flow   uint64
	p      *ring.Packet
	raw    []byte
	copy   bool // audio that has gone already
}

func newQueue(behind time.Duration, dropped func(dropReason, int)) *queue {
	return &queue{waiting: map[resend]struct{}{}, copying: true, behind: behind, dropped: dropped}
}

func (q *queue) signal() { q.turns.signal() }

// push queues a control datagram.
func (q *queue) push(b []byte) {
	q.mu.Lock()
	full := len(q.control) >= maxControl
	if !full {
		q.control = append(q.control, b)
	}
	q.mu.Unlock()
	if full {
		q.dropped(dropControl, 1)
		return
	}
	q.signal()
}

// take returns what must leave next; of packets only audio where the taker's connection is busy. It returns
// false where nothing of that waits; turns tell when to come again.
func (q *queue) take(now time.Time, busy bool) (outgoing, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.control) > 0 {
		b := q.control[0]
		q.control = q.control[1:]
		return outgoing{raw: b}, true
	}
	if r, ok := pop(&q.sounds); ok {
		delete(q.waiting, r)
		return outgoing{flow: r.s.id, p: r.p}, true
	}
	if s, p := q.live(classAudio, now); p != nil {
		q.repeat(s, p)
		return outgoing{served: s, flow: s.id, p: p}, true
	}
	if r, ok := pop(&q.copies); ok {
		return outgoing{flow: r.s.id, p: r.p, copy: true}, true
	}
	if busy || q.holdsVideo(now) {
		return outgoing{}, false
	}
	out, ok := q.video(now)
	if ok && q.pace > 0 {
		cost := float64(len(out.p.Data)+packetCost) / q.pace
		q.paced = later(q.paced, now.Add(-paceSlack)).Add(time.Duration(cost * float64(time.Second)))
	}
	return out, ok
}

// video returns the next packet of a picture.
func (q *queue) video(now time.Time) (outgoing, bool) {
	if r, ok := pop(&q.resends); ok {
		delete(q.waiting, r)
		return outgoing{flow: r.s.id, p: r.p}, true
	}
	for c := classBase; c < classes; c++ {
		if s, p := q.live(c, now); p != nil {
			return outgoing{served: s, flow: s.id, p: p}, true
		}
	}
	return outgoing{}, false
}

// holdsVideo says whether video must wait for its pace, and has the senders come again when it need not.
func (q *queue) holdsVideo(now time.Time) bool {
	if q.pace == 0 || !now.Before(q.paced) {
		return false
	}
	q.timer.Reset(max(q.paced.Sub(now), paceTurn))
	return true
}

// setPace bounds the bytes of video a second; 0 is no bound.
func (q *queue) setPace(pace float64) {
	q.mu.Lock()
	if pace > 0 && q.timer == nil {
		q.timer = time.AfterFunc(time.Hour, q.signal)
		q.timer.Stop()
	}
	q.pace = pace
	q.mu.Unlock()
	q.signal()
}

// stop leaves no timer behind.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace = 0
	if q.timer != nil {
		q.timer.Stop()
	}
}

// live returns the next live packet of class c, nil where there is none.
func (q *queue) live(c class, now time.Time) (*served, *ring.Packet) {
	for {
		slot, ok := q.ready[c].after(q.last[c])
		if !ok {
			return nil, nil
		}
		q.last[c] = slot
		q.ready[c].clear(slot) // before looking: a packet written from now on sets it again
		s := q.flows[c][slot]
		if s == nil {
			continue
		}
		p, more := s.next(now)
		if more {
			q.ready[c].set(slot)
		}
		if p != nil {
			return s, p
		}
	}
}

// fits says whether there is a place for each of flows. It holds as long as nobody adds others.
func (q *queue) fits(flows []*served) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	var used [classes]int
	for c, slots := range q.flows {
		for _, s := range slots {
			if s != nil {
				used[c]++
			}
		}
	}
	for _, s := range flows {
		used[s.class]++
	}
	return slices.Max(used[:]) <= maxFlows
}

// add gives s its place in the queue, see fits, and has its ring wake it, where it is not held.
func (q *queue) add(s *served) {
	q.mu.Lock()
	defer q.mu.Unlock()
	slot := slices.Index(q.flows[s.class], nil)
	if slot < 0 {
		slot = len(q.flows[s.class])
		q.flows[s.class] = append(q.flows[s.class], nil)
	}
	q.flows[s.class][slot] = s
	s.slot, s.queue = slot, q
	if !s.held() {
		s.watch()
	}
}

// remove takes s out.
func (q *queue) remove(s *served) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.unwatch != nil {
		s.unwatch()
		s.unwatch = nil
	}
	q.flows[s.class][s.slot] = nil // its ring may wake s once more, for nothing
}

// serves says whether s has its place; the caller holds mu.
func (q *queue) serves(s *served) bool {
	return s.queue == q && q.flows[s.class][s.slot] == s
}

// isShed says whether s is held back for want of room.
func (q *queue) isShed(s *served) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return s.shed && !s.idle && !s.flow.Shed()
}

// leftOf returns what was left out of s.
func (q *queue) leftOf(s *served) leftOut {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := s.left
	l.told = nil
	return l
}

// each calls f for each flow, with the queue's lock held.
func (q *queue) each(f func(*served)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, slots := range q.flows {
		for _, s := range slots {
			if s != nil {
				f(s)
			}
		}
	}
}
