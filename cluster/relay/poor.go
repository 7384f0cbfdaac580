package relay

import "time"

const (
	poorEvery = 250 * time.Millisecond
	poorTurns = 2    // windows in a row: an outburst is over sooner
	poorLeast = 15   // packets of a window
	poorShare = 0.12 // of them are missing: what is asked for again is then missing too often to come in time
	poorRest  = 30 * time.Second
)

// A lossWatch finds out that the way of the only feed loses too much. It is owned by the puller and keeps no clock.
type lossWatch struct {
	feed  *feed // that it was begun for
	due   time.Time
	base  passed
	turns int
}

// A passed is how many packets came, and how many did not come in their turn.
type passed struct{ received, missing uint64 }

// waits says whether there is nothing to look at yet.
func (w *lossWatch) waits(f *feed, now time.Time) bool { return w.feed == f && now.Before(w.due) }

// look says whether f's way has lost too much in the windows up to now, of which one ends or the first begins.
func (w *lossWatch) look(f *feed, sum passed, now time.Time) bool {
	if w.feed != f {
		*w = lossWatch{feed: f, base: sum, due: now.Add(poorEvery)}
		return false
	}
	received, missing := sum.received-w.base.received, sum.missing-w.base.missing
	if received+missing >= poorLeast && float64(missing) > poorShare*float64(received+missing) {
		w.turns++
	} else {
		w.turns = 0
	}
	w.base, w.due = sum, now.Add(poorEvery)
	return w.turns >= poorTurns
}

// passed counts the packets of f's way: those of its link or, where that tells of none, those of this stream.
func (u *puller) passed(f *feed) (sum passed) {
	if p, ok := f.source.link.path(); ok && !p.Plain {
		return passed{p.Received, p.Missing - p.Reordered}
	}
	for _, in := range u.flows {
		sum.received += in.track.received
		sum.missing += in.track.missing
	}
	return sum
}

// mindLoss looks for another upstream where the way of the only feed loses too much, and one may do better.
func (u *puller) mindLoss(now time.Time) {
	f := u.first
	if f == nil || !f.open() || u.second != nil {
		u.loss = lossWatch{}
		return
	}
	if u.loss.waits(f, now) || !u.loss.look(f, u.passed(f), now) || f.poor {
		return
	}
	for _, up := range u.ups {
		if up != f.source.up && !u.poor(up, now) {
			f.poor = true
			u.comeback(f.source.up).poor = now
			u.r.m.poor.Inc()
			u.log.Warn("upstream's way loses much", "peer", f.source.link.node)
			u.review(now)
			return
		}
	}
}

// poor says whether up was left lately because of its way's losses.
func (u *puller) poor(up *uplink, now time.Time) bool {
	c := u.comebacks[up]
	return c != nil && !c.poor.IsZero() && now.Sub(c.poor) < poorRest
}
