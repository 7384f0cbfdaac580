package relay

import (
	"slices"
	"time"
)

const (
	trialFor   = 500 * time.Millisecond // two feeds run, before one is let go
	trialMost  = 5 * time.Second        // for a second feed that brings nothing while the first does
	trialEvery = 50 * time.Millisecond  // how often they are looked at
)

// A stand is how one of two open feeds does.
type stand struct {
	rank    int
	alive   time.Duration // how long its link has been well without a break; 0 while it is not
	leaving bool
}

// A ruling says which of two feeds goes.
type ruling int

const (
	keepBoth ruling = iota
	dropFirst
	dropSecond
)

// judge says which of two open feeds goes. both is for how long they have brought packets, and delivers whether the
// second brought anything, or the first neither: a stream that is silent at its publisher moves nobody.
func judge(first, second stand, both time.Duration, delivers bool) ruling {
	well := func(s stand) bool { return s.alive >= trialFor }
	switch {
	case both < trialFor:
	case !delivers:
		if both >= trialMost && well(first) && !first.leaving {
			return dropSecond
		}
	case first.leaving && well(second):
		return dropFirst
	case well(first) && well(second) && second.rank < first.rank:
		return dropFirst
	case well(first):
		return dropSecond
	case well(second) && (first.alive == 0 || both >= 2*trialFor):
		return dropFirst // otherwise the first is just back, and may be well soon
	}
	return keepBoth
}

// A changeReason says why a stream went from one upstream to another.
type changeReason string

const (
	changeLost    changeReason = "lost"    // the link, or what the upstream itself had
	changeSuspect changeReason = "suspect" // not heard of, and the second is well
	changePoor    changeReason = "poor"    // its way loses much
	changeDrain   changeReason = "drain"
	changeGuide   changeReason = "guide" // it is none of those to take the stream from any more
	changeReturn  changeReason = "return"
	changeEpoch   changeReason = "epoch" // the second has a newer one
)

// review looks after the feeds: which of two goes, and whether a second is needed beside one.
func (u *puller) review(now time.Time) {
	u.reviewAt = time.Time{}
	if u.over || u.first == nil || u.takeStandby(now) {
		return
	}
	if s := u.second; s != nil {
		u.reviewAt = now.Add(trialEvery)
		if s.open() {
			u.try(now)
		} else if s.source.standing() != alive {
			u.pass(s, ErrNoUpstream, true, now)
		}
		return
	}
	if !u.first.open() {
		if u.first.source.standing() != alive {
			u.pass(u.first, ErrNoUpstream, true, now)
		}
		return
	}
	if u.leaves(u.first) || u.first.poor || u.first.source.standing() != alive {
		u.prepare(now)
		return
	}
	u.giveBack(now)
	u.mindStandby(now)
}

// try lets one of two open feeds go when it is time.
func (u *puller) try(now time.Time) {
	f, s := u.first, u.second
	stands := func(f *feed) stand {
		st := stand{rank: u.rank(f), leaving: u.leaves(f)}
		if since, ok := f.source.well(); ok && !f.poor {
			st.alive = now.Sub(since)
		}
		return st
	}
	delivers := s.got > 0 || f.got == s.before
	both := now.Sub(s.accepted)
	if s.got > 0 {
		both = now.Sub(s.brought)
	}
	switch judge(stands(f), stands(s), both, delivers) {
	case dropFirst:
		why := changeSuspect
		switch {
		case s.returns:
			why = changeReturn
		case f.leaving:
			why = changeDrain
		case u.leaves(f):
			why = changeGuide
		case f.poor:
			why = changePoor
		}
		u.succeed(why, true, now)
		u.review(now)
	case dropSecond:
		if s.returns {
			u.comeback(s.source.up).refused(now, u.dice())
		}
		u.dropSecond(true, now)
		u.review(now)
	case keepBoth:
	}
}

// prepare asks the next upstream that is well, beside the first, which is in trouble.
func (u *puller) prepare(now time.Time) {
	if !u.retryAt.IsZero() && now.Before(u.retryAt) {
		return
	}
	u.retryAt = time.Time{}
	for _, up := range u.ups {
		if up == u.first.source.up || u.refused[up] != nil || up.leaves() || u.first.poor && u.poor(up, now) {
			continue
		}
		if f := u.subscribe(up, now); f != nil {
			u.second, u.reviewAt = f, now.Add(trialEvery)
			return
		}
	}
	u.p.setAsking("")
	u.later(now)
}

// giveBack asks a better upstream than the first that has been well for long enough.
func (u *puller) giveBack(now time.Time) {
	clear(u.refused) // nothing is sought
	u.retryAt, u.retry = time.Time{}, retryFirst
	for _, up := range u.ups[:u.rank(u.first)] {
		src := up.source()
		if src == nil || src.leaving.Load() {
			continue
		}
		since, ok := src.well()
		if !ok {
			since = now // it may be well from now on
		}
		due := u.comeback(up).due(since)
		if ok && !now.Before(due) {
			if f := u.subscribe(up, now); f != nil {
				f.returns = true
				u.second, u.reviewAt = f, now.Add(trialEvery)
				return
			}
		}
		u.reviewBy(due)
	}
}

// pass lets f go, for why, and looks for another; tell has the upstream node hear of it.
func (u *puller) pass(f *feed, why error, tell bool, now time.Time) {
	up := f.source.up
	f.asked.End(why) // which changes nothing where it was answered
	switch {
	case f == u.second:
		if f.returns {
			u.comeback(up).refused(now, u.dice())
		}
		u.refused[up] = why
		u.dropSecond(tell, now)
		u.review(now)
	case u.second != nil:
		clear(u.refused)
		u.refused[up] = why
		u.succeed(changeLost, tell, now)
		u.review(now)
	default:
		if f.open() {
			u.r.m.switches.Inc()
			u.comeback(up).lost(now, u.dice())
			clear(u.refused)
		}
		u.refused[up] = why
		u.letGo(f, tell, now)
		u.first = nil
		u.publish(now)
		u.advance(now)
	}
}

// succeed has the second feed take the place of the first, which is let go.
func (u *puller) succeed(why changeReason, tell bool, now time.Time) {
	old := u.first
	if why == changeLost {
		u.r.m.switches.Inc()
	}
	if why != changeReturn {
		u.comeback(old.source.up).lost(now, u.dice())
	}
	if why == changePoor {
		u.comeback(old.source.up).rest(now)
	}
	if u.second.returns {
		u.comeback(u.second.source.up).returned = now
	}
	if u.second.open() { // otherwise its answer is waited for
		u.changes++
		u.r.m.changes.WithLabelValues(string(why)).Inc()
		u.second.change.Set("freshet.reason", string(why))
		u.second.change.End(nil)
		u.log.Info("upstream changed", "peer", u.second.source.link.node, "from", old.source.link.node, "reason", string(why))
	}
	u.letGo(old, tell, now)
	u.first, u.second = u.second, nil
	u.publish(now)
	u.settle()
}

// dropSecond lets the second feed go.
func (u *puller) dropSecond(tell bool, now time.Time) {
	f := u.second
	u.letGo(f, tell, now)
	u.second = nil
	u.publish(now)
	u.settle()
}

// letGo takes what f has brought, and ends it.
func (u *puller) letGo(f *feed, tell bool, now time.Time) {
	if f.open() {
		u.drain()
	}
	f.source.drop(f, tell)
	if f.open() {
		last := !slices.ContainsFunc(u.feeds(), func(other *feed) bool { return other != f && other.open() })
		for _, in := range u.flows {
			in.track.forsake(f.side, now)
			if last {
				in.track.withdraw(now)
			}
		}
	}
}

// drain takes what waits in the channels now.
func (u *puller) drain() {
	for range maxLive + maxSlow {
		select {
		case a := <-u.p.live:
			u.arrive(a)
		case a := <-u.p.slow:
			u.arrive(a)
		default:
			return
		}
	}
}

// publish shows by which way the stream comes, and whose answer is waited for.
func (u *puller) publish(now time.Time) {
	var path, also []string
	asking := ""
	for _, f := range u.feeds() {
		switch {
		case !f.open():
			asking = f.source.link.node
		case f == u.first:
			path = f.path
		default:
			also = f.path
		}
	}
	switch {
	case path != nil:
		u.lostAt = time.Time{}
	case u.lostAt.IsZero():
		u.lostAt = now
	}
	u.p.setWay(path, also, asking)
	if u.stream != nil && path != nil {
		u.stream.Came(path[:len(path)-1])
	}
}
