package relay

import "time"

const (
	probeFor    = 100 * time.Millisecond  // how long the padding of one probe takes to leave
	probeEvery  = 1800 * time.Millisecond // after one that found no room
	probeWithin = time.Second             // for an answer, beside the round trip
	probeAfter  = 2 * congestEvery        // an answer, before the path counts as undisturbed

	probeMargin = 1.15 // what comes back leaves that much of the room free
	probeBeyond = 1.25 // times all there is, at most: the margin and some more, as rates are estimates
	probeStep   = 1.3  // times the known room, at most: it queues 30 ms where that has not grown
	probeLeap   = 1.8  // and behind a probe that met no queue
	probeLeast  = 2400
	probeMost   = 200_000              // as the repair layer takes
	probeSlack  = 4 * time.Millisecond // of delay that is the path's own doing
)

// probing finds out how much of what is held back the path would carry. A probe adds padding to the media
// for probeFor; the delay of the PING behind it tells the queue that this left, and so the path's rate. The
// path is asked in steps for more than it is known to carry, so that what goes over it waits 30 ms or so at most.
type probing struct {
	at    time.Time     // when the probe under way was sent; zero where none is
	done  time.Time     // when the last one was answered, or given up
	base  time.Duration // round trip before it
	asked uint64        // packets asked for before it
	rate  float64       // bits a second while it lasted, media included
	most  bool          // it was as large as may be
	found bool          // the last one met no queue: the next may follow at once
}

// stop forgets the probe under way.
func (p *probing) stop() { p.at, p.found = time.Time{}, false }

// unsent says that the probe asked for could not be sent.
func (p *probing) unsent(now time.Time) { p.at, p.done, p.found = time.Time{}, now, false }

// shows says whether what the path shows now may be a probe's doing.
func (p *probing) shows(now time.Time, s *signals) bool {
	return !p.at.IsZero() && now.Sub(p.at) <= probeWithin+s.rtt || !p.done.IsZero() && now.Sub(p.done) < probeAfter
}

// step returns how many of s.flows may go, and the bytes of the next probe. It writes down in room what it finds.
func (p *probing) step(now time.Time, s *signals, room *float64) (carry, probe int) {
	carry = carried(s.flows)
	if !s.probes { // one after the other, and see
		tried, _ := sums(s.flows, carry+1)
		*room = max(*room, tried*probeMargin)
		return carry + 1, 0
	}
	now0, all := sums(s.flows, carry)
	if !p.at.IsZero() {
		if !s.probedAt.After(p.at) {
			if now.Sub(p.at) > probeWithin+s.rtt {
				p.unsent(now)
			}
			return carry, 0
		}
		p.at, p.done = time.Time{}, now
		queue := max(0, s.probeRTT-p.base-probeSlack)
		rate := p.rate * probeFor.Seconds() / (probeFor + queue).Seconds()
		if p.found = queue == 0; !p.found && s.asked > p.asked+1 && *room > 0 {
			rate = min(rate, *room) // a buffer that overflows hides the rest of the queue
		}
		*room = rate
		if fits := fitting(s.flows, *room/probeMargin); fits > carry && (!p.found || p.most || fits == len(s.flows)) {
			p.found = false
			return fits, 0
		}
	}
	step := probeLeap
	if !p.found {
		if step = probeStep; !p.done.IsZero() && now.Sub(p.done) < probeEvery {
			return carry, 0
		}
	}
	p.rate = min(all*probeBeyond, max(*room, now0)*step)
	p.at, p.base, p.asked, p.found = now, s.rtt, s.asked, false
	probe = int((p.rate - now0) * probeFor.Seconds() / 8)
	probe = min(max(probe, probeLeast), probeMost)
	p.most = probe == probeMost
	p.rate = now0 + float64(probe)*8/probeFor.Seconds()
	return carry, probe
}

// sums returns the rate of the first carry flows, and of all.
func sums(flows []load, carry int) (now, all float64) {
	for i, f := range flows {
		all += f.rate
		if i < carry {
			now += f.rate
		}
	}
	return now, all
}

// fitting returns how many flows, from the first on, fit into rate.
func fitting(flows []load, rate float64) int {
	sum := 0.0
	for i, f := range flows {
		if sum += f.rate; sum > rate {
			return i
		}
	}
	return len(flows)
}
