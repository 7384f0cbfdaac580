package relay

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"freshet/cluster/stream"
	"freshet/cluster/trace"
)

const (
	answerWithin = 3 * time.Second // for an upstream that must itself pull first
	lostAfter    = 60 * time.Second
	retryFirst   = 100 * time.Millisecond
	retryMost    = time.Second
	retryMissed  = 250 * time.Millisecond // at most, for missedFor after a stream was lost
	missedFor    = 5 * time.Second
	statsEvery   = time.Second
)

// A puller is the one goroutine behind a pull. It finds an upstream, writes what comes into the
// stream's flows, asks for what is missing, and has another upstream bring the stream before the first is
// gone: for a while two feeds run then, and the ring drops by number what it has.
type puller struct {
	p    *pull
	r    *Relay
	log  *slog.Logger
	over bool

	first  *feed // the subscription asked for or open; nil while there is none
	second *feed // beside an open first one: asked for or open

	standby standbyAsk

	ups       []*uplink // ranked, the best first
	below     []string  // hops of the last subscribe, without this node
	refused   map[*uplink]error
	retryAt   time.Time // when to begin another round of upstreams
	retry     time.Duration
	reviewAt  time.Time
	comebacks map[*uplink]*comeback
	changes   uint64    // of upstream
	lostAt    time.Time // since when no upstream delivers; zero while one does
	renewedAt time.Time // when an upstream said last that it has a newer epoch
	idleAt    time.Time // since when nobody wants the stream; zero while somebody does
	watchAt   time.Time // when a flow may cease to be carried
	idle      []bool    // by index in the stream: the flow is not to be carried
	statsAt   time.Time
	loss      lossWatch
	lossy     lossMeter

	stream *stream.Stream
	flows  []*inflow
	paces  [sides]pace
	rate   meter
	timer  *time.Timer
	armed  time.Time // when the timer fires

	begin func(name string) trace.Span // of what the puller does by itself

	asks  asks // scratch, as are the next two
	both  []*feed
	order []side
}

func newPuller(p *pull) *puller {
	return &puller{
		p: p, r: p.r, log: p.r.log.With("stream", p.id), ups: p.r.ways.of(p.id), refused: map[*uplink]error{}, comebacks: map[*uplink]*comeback{},
		retry: retryFirst, paces: [sides]pace{paceOf(0, false), paceOf(0, false)},
		begin: func(string) trace.Span { return trace.Span{} },
	}
}

// run owns the puller until the stream is over or nobody wants it.
func (u *puller) run(ctx context.Context) {
	defer close(u.p.done)
	u.begin = func(name string) trace.Span {
		_, s := trace.Root(ctx, name)
		s.Set("freshet.stream", u.p.id)
		return s
	}
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
			now := time.Now()
			u.leases(now)
			u.watch(now)
		case <-changed:
			changed = u.r.changed()
			u.linked(time.Now())
		case <-ctx.Done():
			u.finish(stream.ErrLost, "the node stops")
		}
	}
}

// linked looks again for what is lacking, since a link came or went, or is well again, or others are to be taken.
func (u *puller) linked(now time.Time) {
	u.ups = u.r.ways.of(u.p.id)
	maps.DeleteFunc(u.comebacks, func(up *uplink, _ *comeback) bool { return !slices.Contains(u.ups, up) })
	switch {
	case u.first == nil:
		clear(u.refused)
		u.retry = retryFirst
		u.advance(now)
	case u.second == nil:
		clear(u.refused)
		u.retryAt = time.Time{}
		u.review(now)
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
	for _, f := range [sides]*feed{u.first, u.second} {
		if f != nil {
			f.source.drop(f, true)
		}
	}
	u.first, u.second = nil, nil
	u.dropStandby(true, time.Time{})
	u.r.drop(u.p, why)
	u.over = true
}

// tick does what is due.
func (u *puller) tick(now time.Time) {
	due := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	u.leases(now)
	if !u.idleAt.IsZero() && due(u.idleAt.Add(u.r.cfg.Linger)) && u.r.idle(u.p, stream.ErrLost) {
		u.finish(stream.ErrLost, "nobody watches any more")
		return
	}
	for _, f := range [sides]*feed{u.second, u.first} {
		if f != nil && f != u.first && f != u.second {
			continue // let go with the other
		}
		if f != nil && !f.open() && due(f.answerBy) {
			u.pass(f, ErrNoUpstream, true, now)
		}
	}
	if u.over {
		return
	}
	switch {
	case u.first == nil && due(u.retryAt):
		u.advance(now)
	case u.first != nil && (due(u.reviewAt) || due(u.retryAt)):
		if due(u.retryAt) {
			u.retryAt = time.Time{}
		}
		u.review(now)
	}
	if u.over {
		return
	}
	if u.stream != nil && !u.lostAt.IsZero() && now.Sub(u.lostAt) >= lostAfter {
		u.finish(stream.ErrLost, "no upstream delivers it")
		return
	}
	u.repair(now)
	u.mindLoss(now)
	if u.over {
		return
	}
	if due(u.watchAt) {
		u.watch(now)
	}
	if due(u.statsAt) {
		u.statsAt = now.Add(statsEvery)
		u.report(now)
	}
}

// arm sets the timer to the next thing that is due.
func (u *puller) arm() {
	if next := u.next(); !next.Equal(u.armed) {
		u.armed = next
		u.timer.Reset(time.Until(next))
	}
}

// next returns when tick has something to do.
func (u *puller) next() time.Time {
	next := u.statsAt
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	sooner(u.loss.due)
	sooner(u.retryAt)
	sooner(u.reviewAt)
	sooner(u.watchAt)
	for _, f := range u.feeds() {
		if !f.open() {
			sooner(f.answerBy)
		}
	}
	if !u.idleAt.IsZero() {
		sooner(u.idleAt.Add(u.r.cfg.Linger))
	}
	if u.first != nil && u.first.open() {
		for _, f := range u.flows {
			sooner(f.track.due)
		}
	}
	return next
}

func (u *puller) comeback(up *uplink) *comeback {
	if u.comebacks[up] == nil {
		u.comebacks[up] = &comeback{spread: time.Duration(float64(returnAfter) * returnJitter * u.dice())}
	}
	return u.comebacks[up]
}

func (u *puller) dice() float64 { return rand.Float64() }
