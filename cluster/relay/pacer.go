package relay

import "time"

const (
	paceFirst  = 20e6 / 8.0 // bytes a second at which a group begins
	paceMost   = 200e6 / 8.0
	paceLeast  = 1e6 / 8.0
	paceWithin = 0.5                    // seconds: a large group begins faster, so that a join is over by then
	paceGrowth = 1.5                    // a second, while the path's queues stay empty
	paceCut    = 0.7                    // each paceStep, while they do not
	paceStep   = 100 * time.Millisecond // between two looks at the round trip
	paceDelay  = 15 * time.Millisecond  // of queueing that is taken for full
	paceFull   = 40 * time.Millisecond  // of queueing that must end soon
	paceHalt   = 0.4                    // each paceStep, while it does not
	paceShare  = 0.5                    // of a room that is known, to begin with
)

// A pacer spreads groups over time, so that they do not fill the queues on the path that live packets
// must pass. The filler's lock guards it.
type pacer struct {
	rate float64   // bytes a second
	next time.Time // when more may go
	step time.Time // when the rate was last changed
}

// adjust sets the rate by the delay that the path's queues add; rest is what is to be sent, and room what the
// path is thought to carry in a second, both in bytes, and room 0 where that is not known.
func (p *pacer) adjust(delay time.Duration, now time.Time, rest int, room float64) {
	passed := now.Sub(p.step)
	switch {
	case p.rate == 0 || passed > time.Second: // the first, or the first in a while
		p.rate = min(max(paceFirst, float64(rest)/paceWithin), paceMost)
		if room > 0 {
			p.rate = min(p.rate, max(room*paceShare, paceLeast))
		}
	case passed < paceStep:
		return
	case delay > paceFull:
		p.rate = max(p.rate*paceHalt, paceLeast)
	case delay > paceDelay:
		p.rate = max(p.rate*paceCut, paceLeast)
	default:
		p.rate = min(p.rate*(1+(paceGrowth-1)*passed.Seconds()), paceMost)
	}
	p.step = now
}

// took says that n bytes went at now.
func (p *pacer) took(n int, now time.Time) {
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
}
