package relay

import (
	"errors"
	"slices"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
)

// event takes what a source has to say of one of the feeds.
func (u *puller) event(e event, now time.Time) {
	f := e.feed
	if f != nil && f == u.standby.feed {
		u.waited(e, now)
		return
	}
	if f == nil || f != u.first && f != u.second {
		return // it was let go
	}
	switch e.kind {
	case eventAccept:
		u.accept(f, e.accept, now)
	case eventGroup:
		u.group(f, e.group, now)
	case eventRefuse:
		u.pass(f, e.err, false, now)
	case eventEnd:
		u.end(f, e.reason, now)
	case eventLost:
		u.log.Warn("upstream lost", "peer", f.source.link.node)
		u.pass(f, ErrNoUpstream, false, now)
	case eventSigns:
		u.review(now)
	case eventPause:
		u.pause(f, e.pause)
	case eventRoute:
		f.route(e.route.GetHops(), u.r.cfg.Node)
	}
}

func (u *puller) accept(f *feed, a *pb.Accept, now time.Time) {
	node := u.r.cfg.Node
	if err := checkPath(a.GetHops(), []string{node}); err != nil {
		u.pass(f, err, true, now)
		return
	}
	path := append(slices.Clone(a.GetHops()), node)
	if f.open() { // the way changed above
		f.path = path
		u.publish(now)
		return
	}
	fresh, err := u.adopt(a, now)
	if err != nil {
		u.pass(f, err, true, now)
		return
	}
	u.opened(f, a, path, fresh, now)
	lives := map[*stream.Flow]int64{}
	for i, flow := range a.GetFlows() {
		in := u.flows[i]
		in.accepted(flow, f.side, now, u.paces[f.side])
		if flow.GetStarted() && in.sleptAt < 0 {
			lives[in.flow] = in.flow.Ring.Near(uint16(flow.GetLive()))
		}
	}
	u.log.Info("stream pulled", "peer", f.source.link.node, "second", f == u.second)
	u.publish(now) // first: who waits for the stream looks at its way at once, and takes none for an old stream
	u.p.show(u.stream, lives)
	if f == u.second && fresh {
		u.succeed(changeEpoch, true, now)
	}
	u.watch(now)
	for _, early := range f.source.open(f) {
		u.arrive(early)
	}
	u.review(now)
}

// opened notes what the accept of f begins; fresh says that the stream does too.
func (u *puller) opened(f *feed, a *pb.Accept, path []string, fresh bool, now time.Time) {
	f.asked.End(nil)
	f.accepted, f.path, f.epoch = now, path, a.GetEpoch()
	if fresh || len(f.idle) != len(u.flows) {
		f.idle = make([]bool, len(u.flows))
	}
	f.shed = make([]bool, len(u.flows))
	f.base = make([]tally, len(u.flows))
	for i, in := range u.flows {
		f.base[i] = in.track.tally
	}
	if f == u.second {
		f.before = u.first.got
		if u.first.source.standing() != alive {
			for _, in := range u.flows {
				in.track.hurry(now)
			}
		}
	}
	u.retry, u.retryAt = retryFirst, time.Time{}
	clear(u.refused)
	u.paces[f.side] = f.pace()
}

// adopt makes the stream that a describes, or finds it to be the one at hand.
func (u *puller) adopt(a *pb.Accept, now time.Time) (fresh bool, err error) {
	var formats []stream.Format
	for _, f := range a.GetFlows() {
		formats = append(formats, formatOf(f))
	}
	if u.stream != nil {
		if a.GetEpoch() < u.stream.Epoch {
			return false, errStaleEpoch
		}
		if a.GetEpoch() == u.stream.Epoch && u.stream.Err() == nil {
			if !u.same(formats) {
				return false, errors.New("upstream describes the same epoch otherwise")
			}
			return false, nil
		}
	}
	s := stream.New(u.p.id, a.GetEpoch(), a.GetHops(), formats, u.p.ask)
	if !u.r.table.Put(s) {
		return false, errStaleEpoch
	}
	u.flush()
	u.stream, u.flows = s, nil
	for _, f := range s.Flows {
		f.OnWanted(func(*stream.Flow) { u.p.poke() })
		u.flows = append(u.flows, newInflow(f, now))
	}
	return true, nil
}

func (u *puller) same(formats []stream.Format) bool {
	return slices.EqualFunc(u.stream.Flows, formats, func(f *stream.Flow, g stream.Format) bool { return f.Format == g })
}

func (u *puller) group(f *feed, g *pb.GroupStart, now time.Time) {
	if i := slices.Index(f.ids, g.GetFlow()); i >= 0 && f.open() {
		u.flows[i].group(uint16(g.GetFirst()), int64(g.GetCount()), f.side, now, u.paces[f.side])
	}
}

// end does as upstream says of a subscription that is over.
func (u *puller) end(f *feed, why pb.EndReason, now time.Time) {
	second := f == u.second
	switch why {
	case pb.EndReason_END_REASON_STREAM_ENDED:
		if !second || u.first.source.standing() != alive { // who is alive says so itself
			u.finish(stream.ErrEnded, "upstream says that it ended")
			return
		}
	case pb.EndReason_END_REASON_NEW_EPOCH: // the same upstream has it, so ask there again
		u.newEpoch(f, now)
		return
	case pb.EndReason_END_REASON_DRAIN: // it goes on until we have another
		if !second && f.open() {
			f.leaving = true
			u.review(now)
			return
		}
		u.pass(f, ErrNoUpstream, true, now)
		return
	}
	u.pass(f, ErrNoUpstream, false, now)
	if since := now.Add(-orphanFor); why == pb.EndReason_END_REASON_LOST && u.lostAt.After(since) {
		u.lostAt = since // it had none itself for so long: the time until the stream is given up counts from there
	}
}

func (u *puller) newEpoch(f *feed, now time.Time) {
	up := f.source.up
	if !f.open() || now.Sub(u.renewedAt) < retryFirst { // no faster than any other retry
		u.pass(f, ErrNoUpstream, false, now)
		return
	}
	u.renewedAt = now
	if f == u.second {
		u.dropSecond(false, now)
		if u.second = u.subscribe(up, now); u.second == nil {
			u.review(now)
		}
		return
	}
	if u.second != nil { // what it brings is as old
		u.dropSecond(true, now)
	}
	u.letGo(f, false, now)
	u.first = nil
	u.publish(now)
	clear(u.refused)
	u.retryAt = time.Time{}
	if u.first = u.subscribe(up, now); u.first == nil {
		u.advance(now)
	}
}
