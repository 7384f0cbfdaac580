package relay

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"

	"freshet/bench/load"
	"freshet/cluster/ring"
)

// arrivals note how old each of a Raw publisher's packets was when it came to one place, by its layer and its
// count on it. Any goroutine may note and ask.
type arrivals struct {
	mu      sync.Mutex
	layers  [stampLayers][]int32  // µs after its stamp, and one more; 0: has not come
	numbers [stampLayers][]uint16 // its sequence number; 0 in rings, which have a packet once
	twice   int                   // packets that came again under another number
	resent  int                   // that came again under their own: a NACK was answered for what came after all
}

const (
	stampLayers = 8
	mostCount   = 1 << 24 // packets on a layer: ten hours of 450 a second
)

func newArrivals() *arrivals { return &arrivals{} }

// Wake notes a packet that was written to a ring.
func (a *arrivals) Wake(_ *ring.Ring, p *ring.Packet) { a.note(p.Payload(), 0, p.At) }

// packet notes what came to a viewer; it has the form of load.PlayConfig.Packet.
func (a *arrivals) packet(_, _ string, p *rtp.Packet, at time.Time) {
	a.note(p.Payload, p.SequenceNumber, at)
}

// note notes a packet that came at at. One without a stamp is none of ours.
func (a *arrivals) note(payload []byte, number uint16, at time.Time) {
	s, ok := load.ReadStamp(payload)
	if !ok || s.Layer >= stampLayers || s.Count >= mostCount {
		return
	}
	late := int32(min(max(at.Sub(s.At).Microseconds(), 0)+1, math.MaxInt32))
	a.mu.Lock()
	defer a.mu.Unlock()
	l, numbers := a.layers[s.Layer], a.numbers[s.Layer]
	if n := int(s.Count) + 1; n > len(l) {
		l, numbers = append(l, make([]int32, n-len(l))...), append(numbers, make([]uint16, n-len(l))...)
		a.layers[s.Layer], a.numbers[s.Layer] = l, numbers
	}
	switch {
	case l[s.Count] == 0:
		l[s.Count], numbers[s.Count] = late, number
	case numbers[s.Count] == number:
		a.resent++
	default:
		a.twice++
	}
}

// A mark is a moment in a publisher's media: the next count of each layer.
type mark [stampLayers]int

// mark returns the moment after the newest packets that came.
func (a *arrivals) mark() mark {
	a.mu.Lock()
	defer a.mu.Unlock()
	var m mark
	for i, l := range a.layers {
		m[i] = len(l)
	}
	return m
}

// repeated returns how many packets came that had come before, under another number and under their own.
func (a *arrivals) repeated() (twice, resent int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.twice, a.resent
}

// A passage is what became, on the way from one place to another, of the packets between two marks.
type passage struct {
	sent  int // came to the first place
	there int // of them, to the second
	ages  []time.Duration
	order bool // ages are sorted
}

// passed compares what came to a with what came to b, over the packets from..to of the given layers, or all.
// Ages are of arrival at b, since the stamp.
func (a *arrivals) passed(b *arrivals, from, to mark, layers ...int) *passage {
	defer lock(a, b)()
	p := &passage{}
	for i, l := range a.layers {
		if len(layers) > 0 && !slices.Contains(layers, i) {
			continue
		}
		for n := from[i]; n < min(to[i], len(l)); n++ {
			if l[n] == 0 {
				continue
			}
			p.sent++
			if n >= len(b.layers[i]) || b.layers[i][n] == 0 {
				continue
			}
			p.there++
			p.ages = append(p.ages, time.Duration(b.layers[i][n]-1)*time.Microsecond)
		}
	}
	return p
}

// lock locks a and b, which may be the same, and returns what unlocks them. Only one goroutine locks two.
func lock(a, b *arrivals) (unlock func()) {
	a.mu.Lock()
	if a == b {
		return a.mu.Unlock
	}
	b.mu.Lock()
	return func() { b.mu.Unlock(); a.mu.Unlock() }
}

// between returns how much later packets came to b than to a.
func (a *arrivals) between(b *arrivals, from, to mark) *passage {
	p := a.passed(b, from, to)
	defer lock(a, b)()
	p.ages = p.ages[:0]
	for i, l := range a.layers {
		for n := from[i]; n < min(to[i], len(l), len(b.layers[i])); n++ {
			if l[n] != 0 && b.layers[i][n] != 0 {
				p.ages = append(p.ages, time.Duration(b.layers[i][n]-l[n])*time.Microsecond)
			}
		}
	}
	return p
}

// holes returns how many packets of layer never came, of those from from up to the last before to that did.
func (a *arrivals) holes(layer int, from, to mark) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.layers[layer]
	l = l[min(from[layer], len(l)):min(to[layer], len(l))]
	holes, open := 0, 0
	for _, late := range l {
		if late == 0 {
			open++
			continue
		}
		holes, open = holes+open, 0
	}
	return holes
}

// delivered is the share of what was sent that came; 0 where nothing was sent, which reaches no target.
func (p *passage) delivered() float64 { return share(p.there, p.sent) }

// within is the share of what was sent that was at most d old when it came.
func (p *passage) within(d time.Duration) float64 {
	n := 0
	for _, age := range p.ages {
		if age <= d {
			n++
		}
	}
	return share(n, p.sent)
}

// at returns the age that the share q of those that came does not exceed.
func (p *passage) at(q float64) time.Duration {
	if len(p.ages) == 0 {
		return 0
	}
	if !p.order {
		slices.Sort(p.ages)
		p.order = true
	}
	return p.ages[max(0, int(math.Ceil(q*float64(len(p.ages))))-1)]
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
