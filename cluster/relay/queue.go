package relay

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"freshet/cluster/ring"
)

const (
	maxFlows   = 2048 // served on one link: 256 streams of 8
	maxControl = 256  // control datagrams waiting; they are small and go first
	maxResends = 512  // packets asked for again and not sent yet
)

// A class is a flow's rank in the queue: the lower goes first.
type class int

const (
	classAudio class = iota
	classBase        // the lowest layer of a video track
	classLayer
	classes
)

// A queue is all that waits to leave on a link: control datagrams, packets asked for again, and live
// packets, in this order. Live packets are not copied: for each flow the queue has a cursor in its ring.
// The senders of the link's connections take from it, by turns.
type queue struct {
	turns turns // of those who take
	ready [classes]bitset

	mu      sync.Mutex // held for a few lines, never while sending
	control [][]byte
	resends []resend
	waiting map[resend]struct{} // what is in resends: a second NACK for it changes nothing
	flows   [classes][]*served  // by slot; nil where free
	last    [classes]int        // slot taken last, so that all have their turn

	behind  time.Duration // a live packet that waited longer is not sent any more
	dropped func(dropReason, int)
}

// A resend is a packet that downstream asked for again.
type resend struct {
	flow uint64
	p    *ring.Packet
}

// An outgoing is what the sender puts into one datagram: a packet of a flow, or bytes as they stand.
type outgoing struct {
	served *served // nil for control and resends
	flow   uint64
	p      *ring.Packet
	raw    []byte
}

func newQueue(behind time.Duration, dropped func(dropReason, int)) *queue {
	return &queue{waiting: map[resend]struct{}{}, behind: behind, dropped: dropped}
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

// take returns what must leave next; of live packets only audio where the taker's connection is busy. It
// returns false where nothing of that waits; turns tell when to come again.
func (q *queue) take(now time.Time, busy bool) (outgoing, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.control) > 0 {
		b := q.control[0]
		q.control = q.control[1:]
		return outgoing{raw: b}, true
	}
	if len(q.resends) > 0 {
		r := q.resends[0]
		q.resends = q.resends[1:]
		delete(q.waiting, r)
		return outgoing{flow: r.flow, p: r.p}, true
	}
	for c := range q.ready {
		if busy && class(c) != classAudio {
			break
		}
		for {
			slot, ok := q.ready[c].after(q.last[c])
			if !ok {
				break
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
				return outgoing{served: s, flow: s.id, p: p}, true
			}
		}
	}
	return outgoing{}, false
}

// resend queues packets of s that were asked for again, and returns how many. Those that wait already, or
// that the cursor has still before it, are on their way.
func (q *queue) resend(s *served, packets []*ring.Packet) int {
	q.mu.Lock()
	n, over := 0, 0
	for _, p := range packets {
		again := resend{s.id, p}
		_, waits := q.waiting[again]
		switch {
		case waits, p.Index >= s.cursor:
		case len(q.resends) >= maxResends:
			over++
		default:
			q.resends = append(q.resends, again)
			q.waiting[again] = struct{}{}
			n++
		}
	}
	q.mu.Unlock()
	if over > 0 {
		q.dropped(dropResend, over)
	}
	if n > 0 {
		q.signal()
	}
	return n
}

// add gives s a place in the queue and has its ring wake it. It returns false where the link is full.
func (q *queue) add(s *served) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	slots := q.flows[s.class]
	slot := 0
	for slot < len(slots) && slots[slot] != nil {
		slot++
	}
	if slot == maxFlows {
		return false
	}
	if slot == len(slots) {
		q.flows[s.class] = append(slots, nil)
	}
	q.flows[s.class][slot] = s
	s.slot, s.queue = slot, q
	s.unwatch = s.flow.Ring.Watch(s)
	s.Wake(nil, nil)
	return true
}

// remove takes s out.
func (q *queue) remove(s *served) {
	s.unwatch()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flows[s.class][s.slot] = nil
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

// A bitset has a bit for each slot of a class. Any goroutine may set; the queue's lock guards the rest.
type bitset [maxFlows / 64]atomic.Uint64

func (b *bitset) set(i int)   { b[i/64].Or(1 << (i % 64)) }
func (b *bitset) clear(i int) { b[i/64].And(^uint64(1 << (i % 64))) }

// after returns the first bit set behind i, beginning anew at the end.
func (b *bitset) after(i int) (int, bool) {
	first := (i + 1) % maxFlows
	for n := 0; n <= len(b); n++ {
		word := (first/64 + n) % len(b)
		v := b[word].Load()
		if n == 0 {
			v &= ^uint64(0) << (first % 64)
		}
		if v != 0 {
			return word*64 + bits.TrailingZeros64(v), true
		}
	}
	return 0, false
}
