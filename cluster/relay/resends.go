package relay

import (
	"slices"

	"freshet/cluster/ring"
)

// A resend is a packet that downstream asked for again.
type resend struct {
	s *served
	p *ring.Packet
}

// pop takes the first of rs, whose memory it keeps for those to come.
func pop(rs *[]resend) (r resend, ok bool) {
	if len(*rs) == 0 {
		return r, false
	}
	r = (*rs)[0]
	n := copy(*rs, (*rs)[1:])
	(*rs)[n] = resend{}
	*rs = (*rs)[:n]
	return r, true
}

// resend queues packets of s that were asked for again, and returns how many. Those that wait already, or
// that the cursor has still before it, are on their way; those left out stay out.
func (q *queue) resend(s *served, packets []*ring.Packet) int {
	q.mu.Lock()
	n, over := 0, 0
	to := &q.resends
	if s.class == classAudio {
		to = &q.sounds
	}
	for _, p := range packets {
		again := resend{s, p}
		_, waits := q.waiting[again]
		switch {
		case waits, p.Index >= s.cursor, s.left.over(p.Seq), s.left.waits(p.Seq):
		case len(q.sounds)+len(q.resends) >= maxResends:
			over++
		default:
			*to = append(*to, again)
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

// repeat has the packet before p go once more, behind p: what one loss takes, the other datagram brings.
func (q *queue) repeat(s *served, p *ring.Packet) {
	last := s.before
	s.before = p
	if last == nil || !q.copying || p.At.Sub(last.At) > copyWithin || len(q.copies) >= maxCopies {
		return
	}
	q.copies = append(q.copies, resend{s, last})
}

// forget drops what was asked for again of layers above the base: a full path has no room for what is past.
func (q *queue) forget() {
	q.mu.Lock()
	n := len(q.resends)
	q.resends = slices.DeleteFunc(q.resends, func(r resend) bool {
		if r.s.class == classLayer {
			delete(q.waiting, r)
		}
		return r.s.class == classLayer
	})
	n -= len(q.resends)
	q.mu.Unlock()
	if n > 0 {
		q.dropped(dropShed, n)
	}
}

// setCopying says whether audio goes twice.
func (q *queue) setCopying(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.copying = on
}
