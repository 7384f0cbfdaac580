package shim

import (
	"math/bits"
	"slices"
	"sort"
	"time"
)

const (
	maxMissing = 1024                          // numbers missing of a peer, and the largest gap that is asked for
	maxAhead   = 256                           // packets that may overtake a PONG: 60 ms of 40 Mbit/s
	young      = 64                            // a stream that is heard first below this number began with 0
	askAgain   = int64(2 * time.Millisecond)   // the second NACK of a round, where QUIC has little time left
	askThird   = int64(10 * time.Millisecond)  // and the third, against runs of loss
	roundExtra = int64(5 * time.Millisecond)   // beyond 1.2 RTT
	lossExtra  = int64(100 * time.Millisecond) // beyond 4 RTT
	maxWait    = int64(20 * time.Millisecond)
	minWait    = int64(time.Millisecond) // what is reordered by less fills its gap within a batch
)

// A hole is a number that did not come in its turn.
type hole struct {
	seq    uint32
	asked  uint8 // times in this round
	round  uint8 // rounds begun
	filled bool
	born   int64
	began  int64 // when this round did
	due    int64 // when to ask next
}

type receiveCounts struct {
	received, receivedBytes                                        uint64
	missing, reordered, repaired, repairedLate, gaveUp, duplicates uint64
}

// A receiver follows the numbers of one peer and decides what to ask for. It is pure but for its outlet: time is an argument.
type receiver struct {
	receiveCounts
	id    uint32
	known bool // id is
	next  uint32
	holes []hole // by number, and so by age; the filled ones stay until the next walk
	open  int    // not filled
	due   int64  // when ask has something to do, or earlier
	wait  int64  // before a gap is asked for: what reordering has taken lately
	nack  []byte
	out   outlet
}

func newReceiver(out outlet) *receiver { return &receiver{out: out, due: never} }

// begin takes id as the peer's stream, of which next comes next. A young stream has lost what came before it,
// except the numbers in seen.
func (r *receiver) begin(id, next uint32, seen uint64, now int64) {
	r.gaveUp += uint64(r.open)
	r.id, r.known, r.next, r.holes, r.open = id, true, next, r.holes[:0], 0
	if next >= young {
		return
	}
	for rest := ^seen & (1<<next - 1); rest != 0; rest &= rest - 1 {
		r.miss(uint32(bits.TrailingZeros64(rest)), now)
	}
}

// data takes the number of a packet of stream r.id. It returns whether the packet is new, and whether it is one
// that had been asked for.
func (r *receiver) data(seq uint32, resent bool, now int64) (up, repaired bool) {
	if before(seq, r.next) {
		return r.fill(seq, resent, now)
	}
	r.tail(seq, now)
	r.next = seq + 1
	r.wait -= r.wait / 4096 // forgotten over some ten thousand packets
	return true, false
}

// beyond tells whether next is further on than a gap may be.
func (r *receiver) beyond(next uint32) bool { return before(r.next, next) && next-r.next > maxMissing }

// tail learns that everything before next has been sent.
func (r *receiver) tail(next uint32, now int64) {
	if !before(r.next, next) {
		return
	}
	gap := next - r.next
	if gap > maxMissing { // so much at once is a new beginning
		r.next = next
		return
	}
	if over := len(r.holes) + int(gap) - maxMissing; over > 0 {
		r.forget(over)
	}
	for ; r.next != next; r.next++ {
		r.miss(r.next, now)
	}
}

func (r *receiver) miss(seq uint32, now int64) {
	due := now
	if r.wait >= minWait {
		due += r.wait
	}
	r.holes = append(r.holes, hole{seq: seq, born: now, due: due})
	r.open++
	r.missing++
	r.due = min(r.due, due)
}

func (r *receiver) fill(seq uint32, resent bool, now int64) (up, repaired bool) {
	i := sort.Search(len(r.holes), func(i int) bool { return !before(r.holes[i].seq, seq) })
	if i == len(r.holes) || r.holes[i].seq != seq || r.holes[i].filled {
		r.duplicates++
		return false, false
	}
	h := &r.holes[i]
	h.filled = true
	r.open--
	switch {
	case !resent: // not lost, only late: from now on wait that long before asking
		r.wait = max(r.wait, min((now-h.born)*5/4, maxWait))
		r.reordered++
		return true, false
	case h.round <= 1:
		r.repaired++
	default:
		r.repairedLate++
	}
	return true, true
}

// forget makes room for n holes: the filled ones first, then the oldest.
func (r *receiver) forget(n int) {
	was := len(r.holes)
	r.holes = slices.DeleteFunc(r.holes, func(h hole) bool { return h.filled })
	n -= was - len(r.holes)
	if n > 0 {
		r.holes = slices.Delete(r.holes, 0, n)
		r.open -= n
		r.gaveUp += uint64(n)
	}
}

// ask sends NACKs for what is due, three times a round: a repair that comes after the peer's QUIC has had its
// own acknowledgement acknowledged is dropped there, so the first round has to succeed.
func (r *receiver) ask(now, rtt int64) {
	rtt = orDefault(rtt)
	r.due = never
	kept := r.holes[:0]
	var s span
	r.nack = r.nack[:0]
	for _, h := range r.holes {
		if h.filled {
			continue
		}
		if now-h.born > 4*rtt+lossExtra {
			r.gaveUp++
			r.open--
			continue
		}
		if h.due <= now {
			h.step(now, rtt)
			switch {
			case s.count > 0 && h.seq == s.first+uint32(s.count) && s.count < maxMissing:
				s.count++
			default:
				r.span(s)
				s = span{h.seq, 1}
			}
		}
		r.due = min(r.due, h.due)
		kept = append(kept, h)
	}
	r.holes = kept
	r.span(s)
	r.flush()
}

// step is one NACK for h: it sets when the next is due.
func (h *hole) step(now, rtt int64) {
	switch h.asked {
	case 0:
		h.round = min(h.round+1, 200)
		h.began, h.asked, h.due = now, 1, now+askAgain
	case 1:
		h.asked, h.due = 2, now+askThird
	default:
		h.asked, h.due = 0, max(now+askAgain, h.began+rtt*6/5+roundExtra)
	}
}

func (r *receiver) span(s span) {
	if s.count == 0 {
		return
	}
	if len(r.nack) == 0 {
		r.nack = append(r.nack, make([]byte, headerLen)...)
		header{kindNack, r.id, 0}.put(r.nack)
	}
	r.nack = s.append(r.nack)
	if len(r.nack) == headerLen+maxRanges*rangeLen {
		r.flush()
	}
}

func (r *receiver) flush() {
	if len(r.nack) > 0 {
		r.out.control(r.nack)
	}
	r.nack = r.nack[:0]
}
