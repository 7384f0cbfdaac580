package impair

import "time"

// A flight is packets under way, the next to arrive first: a binary heap, so that reordering costs no search.
type flight struct {
	list []arrival
	seq  uint64
}

type arrival struct {
	due time.Time
	seq uint64 // keeps the order of what is due at the same time
	p   *packet
}

func (a arrival) before(b arrival) bool {
	if a.due.Equal(b.due) {
		return a.seq < b.seq
	}
	return a.due.Before(b.due)
}

func (f *flight) push(due time.Time, p *packet) {
	f.list = append(f.list, arrival{due, f.seq, p})
	f.seq++
	h := f.list
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// first returns when the next packet arrives.
func (f *flight) first() (time.Time, bool) {
	if len(f.list) == 0 {
		return time.Time{}, false
	}
	return f.list[0].due, true
}

// pop takes the next packet; there must be one.
func (f *flight) pop() *packet {
	h := f.list
	p, last := h[0].p, len(h)-1
	h[0], h[last] = h[last], arrival{}
	h = h[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(h[i]) {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	f.list = h
	return p
}
