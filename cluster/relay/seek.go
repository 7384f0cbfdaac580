package relay

import (
	"errors"
	"slices"
	"time"

	"freshet/cluster/ring"
	pb "freshet/proto"
)

// advance asks the next upstream of this round. After the last it waits, or gives up where nothing but
// a refusal is to be had.
func (u *puller) advance(now time.Time) {
	u.retryAt, u.reviewAt = time.Time{}, time.Time{}
	if u.takeStandby(now) {
		return
	}
	if !u.lostAt.IsZero() && now.Sub(u.lostAt) > ring.MaxAge { // no upstream holds what comes next
		for _, in := range u.flows {
			in.sleep()
		}
	}
	for _, up := range u.ups {
		if u.refused[up] != nil {
			continue
		}
		if u.first = u.subscribe(up, now); u.first != nil {
			return
		}
	}
	u.p.setAsking("")
	err, final := u.verdict()
	u.p.setLast(err)
	if way := errors.Is(err, ErrLoop) || errors.Is(err, ErrTooManyHops); way && u.stream == nil {
		if !final {
			err = ErrNoUpstream // for those below: an upstream that does not answer yet may have a better way
		}
		if u.p.shed(u.below, err) { // the others' ways may be shorter
			clear(u.refused)
			u.advance(now)
			return
		}
	}
	if final && u.stream == nil {
		u.finish(err, err.Error())
		return
	}
	u.later(now)
}

// later begins another round of upstreams after a while.
func (u *puller) later(now time.Time) {
	clear(u.refused)
	u.retryAt = now.Add(time.Duration(float64(u.retry) * (1 - u.dice()/2)))
	most := retryMost
	if u.stream != nil && now.Sub(u.lostAt) < missedFor { // viewers see a still picture, and an origin is about to have it
		most = retryMissed
	}
	u.retry = min(2*u.retry, most)
}

// subscribe asks up for the stream. It returns nil where there is no link, or one that is not heard of.
func (u *puller) subscribe(up *uplink, now time.Time) *feed {
	src := up.source()
	if src == nil || src.standing() != alive {
		return nil
	}
	u.below = u.p.below()
	before := u.p.setAsking(src.link.node) // first: it may ask us at the same moment, and must find that we wait for it
	ask := u.ask(src.link.speaks(watchVersion))
	f := u.wake(src, ask, now)
	if f == nil {
		f = src.subscribe(u.p, ask)
	}
	if f == nil {
		u.p.setAsking(before)
		return nil
	}
	u.join(f, now)
	for i, in := range u.flows {
		f.idle[i] = slices.ContainsFunc(ask.GetHave(), func(h *pb.Have) bool {
			return h.GetIdle() && h.GetTrack() == in.flow.Format.Track && h.GetRid() == in.flow.Format.RID
		})
	}
	return f
}

// join gives f, which was asked for, its side beside the first feed, where there is one.
func (u *puller) join(f *feed, now time.Time) {
	f.answerBy = now.Add(answerWithin)
	f.asked = u.begin("relay subscribe")
	f.asked.Set("freshet.peer", f.source.link.node)
	if u.first != nil {
		f.change = u.begin("relay change")
		f.change.Set("freshet.from", u.first.source.link.node)
		f.change.Set("freshet.peer", f.source.link.node)
		f.side = sides - 1 - u.first.side
	}
	f.idle = make([]bool, len(u.flows))
}

// verdict sums up a round. It is final where asking again is of no use: an upstream does not know the
// stream, or all of them have said no for good.
func (u *puller) verdict() (err error, final bool) {
	err = ErrNoUpstream
	all := true
	for _, up := range u.ups {
		switch no := u.refused[up]; {
		case errors.Is(no, ErrUnknownStream):
			return no, true
		case errors.Is(no, ErrLoop), errors.Is(no, ErrTooManyHops):
			err = no
		default:
			all = false
		}
	}
	return err, all
}

// ask is the subscribe for what is wanted now. idle says that the upstream node knows of flows that are not.
func (u *puller) ask(idle bool) *pb.Subscribe {
	ask := &pb.Subscribe{Stream: u.p.id, Hops: append(slices.Clone(u.below), u.r.cfg.Node)}
	if u.stream == nil {
		return ask
	}
	ask.Epoch = u.stream.Epoch
	for i, in := range u.flows {
		have := &pb.Have{Track: in.flow.Format.Track, Rid: in.flow.Format.RID, Idle: idle && u.unwatched(i)}
		high := in.have()
		if high >= 0 {
			have.Sequence = uint32(uint16(high))
		}
		if high >= 0 && !in.asleep || have.Idle {
			ask.Have = append(ask.Have, have)
		}
	}
	return ask
}
