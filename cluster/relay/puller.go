package relay

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
)

const (
	answerWithin = 3 * time.Second // for an upstream that must itself pull first
	lostAfter    = 60 * time.Second
	retryFirst   = 100 * time.Millisecond
	retryMost    = time.Second
	statsEvery   = time.Second
)

// A puller is the one goroutine behind a pull. It finds an upstream, writes what comes into the
// stream's flows, asks for what is missing, and finds another upstream when that one is gone.
type puller struct {
	p    *pull
	r    *Relay
	log  *slog.Logger
	over bool

	feed     *feed // the subscription asked for or open; nil while there is none
	accepted bool
	below    []string // hops of the last subscribe, without this node
	answerBy time.Time
	refused  map[*uplink]error // by whom, in this round
	retryAt  time.Time
	retry    time.Duration
	lostAt   time.Time // since when no upstream delivers; zero while one does
	idleAt   time.Time // since when nobody wants the stream; zero while somebody does
	statsAt  time.Time

	stream *stream.Stream
	flows  []*inflow
	pace   pace
	timer  *time.Timer
	armed  time.Time // when the timer fires

	seqs []int64 // scratch
	lost []int64
}

func newPuller(p *pull) *puller {
	return &puller{p: p, r: p.r, log: p.r.log.With("stream", p.id), refused: map[*uplink]error{}, retry: retryFirst, pace: paceOf(0)}
}

// run owns the puller until the stream is over or nobody wants it.
func (u *puller) run(ctx context.Context) {
	defer close(u.p.done)
	u.r.m.pulls.Inc()
	defer u.r.m.pulls.Dec()
	u.timer = time.NewTimer(time.Hour)
	defer u.timer.Stop()
	changed := u.r.changed()
	now := time.Now()
	u.lostAt, u.statsAt = now, now.Add(statsEvery)
	u.advance(now)
	for !u.over {
		u.arm()
		select {
		case a := <-u.p.live:
			u.arrive(a)
		case a := <-u.p.slow:
			u.arrive(a)
		case e := <-u.p.events:
			u.event(e, time.Now())
		case f := <-u.p.asks:
			u.keyframe(f)
		case now := <-u.timer.C:
			u.armed = time.Time{}
			u.tick(now)
		case <-u.p.nudge:
			u.leases(time.Now())
		case <-changed:
			changed = u.r.changed()
			if u.feed == nil {
				clear(u.refused)
				u.advance(time.Now())
			}
		case <-ctx.Done():
			u.finish(stream.ErrLost, "the node stops")
		}
	}
}

// advance asks the next upstream of this round. After the last it waits, or gives up where nothing but
// a refusal is to be had.
func (u *puller) advance(now time.Time) {
	u.retryAt = time.Time{}
	for _, up := range u.r.ups {
		if u.refused[up] == nil && u.subscribe(up, now) {
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
	clear(u.refused)
	u.retryAt = now.Add(time.Duration(float64(u.retry) * (1 - rand.Float64()/2)))
	u.retry = min(2*u.retry, retryMost)
}

// subscribe asks up for the stream. It returns false where there is no link.
func (u *puller) subscribe(up *uplink, now time.Time) bool {
	src := up.source()
	if src == nil {
		return false
	}
	u.below = u.p.below()
	u.p.setAsking(src.link.node) // first: it may ask us at the same moment, and must find that we wait for it
	f := src.subscribe(u.p, u.ask())
	if f == nil {
		return false
	}
	u.feed, u.accepted, u.answerBy = f, false, now.Add(answerWithin)
	return true
}

// verdict sums up a round. It is final where asking again is of no use: an upstream does not know the
// stream, or all of them have said no for good.
func (u *puller) verdict() (err error, final bool) {
	err = ErrNoUpstream
	all := true
	for _, up := range u.r.ups {
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

// ask is the subscribe for what is wanted now.
func (u *puller) ask() *pb.Subscribe {
	ask := &pb.Subscribe{Stream: u.p.id, Hops: append(slices.Clone(u.below), u.r.cfg.Node)}
	if u.stream == nil {
		return ask
	}
	ask.Epoch = u.stream.Epoch
	for _, f := range u.flows {
		if high := f.flow.Ring.High(); high >= 0 {
			ask.Have = append(ask.Have, &pb.Have{Track: f.flow.Format.Track, Rid: f.flow.Format.RID, Sequence: uint32(uint16(high))})
		}
	}
	return ask
}

func (u *puller) event(e event, now time.Time) {
	if e.feed != u.feed {
		return // of a feed that was let go
	}
	switch e.kind {
	case eventAccept:
		u.accept(e.accept, now)
	case eventGroup:
		u.group(e.group, now)
	case eventRefuse:
		u.pass(e.err, false, now)
	case eventEnd:
		u.end(e.reason, now)
	case eventLost:
		u.log.Warn("upstream lost", "peer", u.feed.source.link.node)
		u.pass(ErrNoUpstream, false, now)
	}
}

// pass lets the feed go, for why, and asks the next upstream; tell has the present one hear of it.
func (u *puller) pass(why error, tell bool, now time.Time) {
	if u.accepted {
		u.r.m.switches.Inc()
		u.lostAt = now
		u.p.setPath(nil)
		clear(u.refused)
	}
	u.refused[u.feed.source.up] = why
	u.letGo(tell)
	u.advance(now)
}

func (u *puller) letGo(tell bool) {
	u.feed.source.drop(u.feed, tell)
	u.feed, u.accepted = nil, false
}

func (u *puller) accept(a *pb.Accept, now time.Time) {
	node := u.r.cfg.Node
	if err := checkPath(a.GetHops(), []string{node}); err != nil {
		u.pass(err, true, now)
		return
	}
	path := append(slices.Clone(a.GetHops()), node)
	if u.accepted { // the way changed above
		u.p.setPath(path)
		return
	}
	if err := u.adopt(a); err != nil {
		u.pass(err, true, now)
		return
	}
	u.accepted, u.lostAt, u.retry = true, time.Time{}, retryFirst
	clear(u.refused)
	u.pace = paceOf(time.Duration(u.feed.source.link.rtt.Load()))
	u.p.setAsking("")
	u.p.setPath(path)
	lives := map[*stream.Flow]uint16{}
	for i, f := range a.GetFlows() {
		u.flows[i].accepted(f, now, u.pace)
		if f.GetStarted() {
			lives[u.flows[i].flow] = uint16(f.GetLive())
		}
	}
	u.log.Info("stream pulled", "peer", u.feed.source.link.node)
	u.p.show(u.stream, lives)
	for _, early := range u.feed.source.open(u.feed) {
		u.arrive(early)
	}
}

// adopt makes the stream that a describes, or finds it to be the one at hand.
func (u *puller) adopt(a *pb.Accept) error {
	var formats []stream.Format
	for _, f := range a.GetFlows() {
		formats = append(formats, formatOf(f))
	}
	if u.stream != nil {
		if a.GetEpoch() < u.stream.Epoch {
			return errStaleEpoch
		}
		if a.GetEpoch() == u.stream.Epoch && u.stream.Err() == nil {
			if !u.same(formats) {
				return errors.New("upstream describes the same epoch otherwise")
			}
			return nil
		}
	}
	s := stream.New(u.p.id, a.GetEpoch(), a.GetHops(), formats, u.p.ask)
	if !u.r.table.Put(s) {
		return errStaleEpoch
	}
	u.stream, u.flows = s, nil
	for _, f := range s.Flows {
		u.flows = append(u.flows, newInflow(f))
	}
	return nil
}

func (u *puller) same(formats []stream.Format) bool {
	return slices.EqualFunc(u.stream.Flows, formats, func(f *stream.Flow, g stream.Format) bool { return f.Format == g })
}

func (u *puller) group(g *pb.GroupStart, now time.Time) {
	if i := slices.Index(u.feed.ids, g.GetFlow()); u.accepted && i >= 0 {
		u.flows[i].group(uint16(g.GetFirst()), int64(g.GetCount()), now, u.pace)
	}
}

// end does as upstream says of a subscription that is over.
func (u *puller) end(why pb.EndReason, now time.Time) {
	switch why {
	case pb.EndReason_END_REASON_STREAM_ENDED:
		u.letGo(false)
		u.finish(stream.ErrEnded, "upstream says that it ended")
	case pb.EndReason_END_REASON_NEW_EPOCH: // the same upstream has it, so ask there again
		up := u.feed.source.up
		u.lostAt = now
		u.p.setPath(nil)
		u.letGo(false)
		clear(u.refused)
		if !u.subscribe(up, now) {
			u.advance(now)
		}
	default:
		u.pass(ErrNoUpstream, false, now)
	}
}

// leases looks whether anybody wants the stream.
func (u *puller) leases(now time.Time) {
	switch {
	case u.p.wanted():
		u.idleAt = time.Time{}
	case u.stream == nil: // nothing to keep
		u.idleAt = now.Add(-u.r.cfg.Linger)
	case u.idleAt.IsZero():
		u.idleAt = now
	}
}

// finish ends the stream here. reason is for the log; why is what those who still hold the stream see.
func (u *puller) finish(why error, reason string) {
	u.log.Info("stream let go", "reason", reason)
	u.flush()
	if u.feed != nil {
		u.letGo(true)
	}
	u.r.drop(u.p, why)
	u.over = true
}

// tick does what is due.
func (u *puller) tick(now time.Time) {
	u.leases(now)
	switch {
	case !u.idleAt.IsZero() && !now.Before(u.idleAt.Add(u.r.cfg.Linger)):
		if u.r.idle(u.p, stream.ErrLost) {
			u.finish(stream.ErrLost, "nobody watches any more")
			return
		}
	case u.feed != nil && !u.accepted && !now.Before(u.answerBy):
		u.pass(ErrNoUpstream, true, now)
	case u.feed == nil && !u.retryAt.IsZero() && !now.Before(u.retryAt):
		u.advance(now)
	}
	if u.over {
		return
	}
	if u.stream != nil && !u.lostAt.IsZero() && now.Sub(u.lostAt) >= lostAfter {
		u.finish(stream.ErrLost, "no upstream delivers it")
		return
	}
	if u.accepted {
		for i := range u.flows {
			u.nack(i, now)
		}
	}
	if !now.Before(u.statsAt) {
		u.statsAt = now.Add(statsEvery)
		u.report()
	}
}

// arm sets the timer to the next thing that is due.
func (u *puller) arm() {
	next := u.statsAt
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	sooner(u.retryAt)
	if u.feed != nil && !u.accepted {
		sooner(u.answerBy)
	}
	if !u.idleAt.IsZero() {
		sooner(u.idleAt.Add(u.r.cfg.Linger))
	}
	if u.accepted {
		for _, f := range u.flows {
			sooner(f.track.due)
		}
	}
	if !next.Equal(u.armed) {
		u.armed = next
		u.timer.Reset(time.Until(next))
	}
}
