package relay

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	beatEvery   = 50 * time.Millisecond
	sampleEvery = congestEvery    // of the link's round trip, which paces the repair
	routeEvery  = time.Second     // as statsEvery on the other side
	orphanFor   = time.Second     // without an upstream ourselves, before we send away who takes the stream from us
	offerWithin = 2 * time.Second // for a downstream node that asks for what this node must pull first
)

// A sink serves one downstream node. Its serve loop beats and owns a goroutine for each subscription;
// what they share stands behind mu.
type sink struct {
	r      *Relay
	link   *link
	filler *filler
	subs   chan *subscription // accepted by message, carried by serve

	slow atomic.Bool // the path is full

	mu       sync.Mutex
	byID     map[uint64]*subscription
	byFlow   map[uint64]*served
	nextFlow uint64
	highID   uint64 // of all subscriptions ever made
}

// A subscription is one stream that the downstream node takes. Its place in byID is free again when its
// goroutine has ended, so that no peer has more of them than it may, however fast it comes and goes.
type subscription struct {
	ask *pb.Subscribe

	// Guarded by the sink's mu.
	over  bool               // unsubscribed
	stop  context.CancelFunc // ends carry; nil before it runs
	flows []*served          // from the accept to the end

	// Of one that waits, guarded by mu, too.
	woken    chan struct{} // closed when it was asked again; nil for all others
	asked    bool          // again
	answered bool          // or about to be

	pull *pull // they come from; nil where the stream begins on this node
}

func newSink(r *Relay, l *link) *sink {
	return &sink{
		r: r, link: l, filler: newFiller(l), subs: make(chan *subscription, rtpq.MaxStreams),
		byID: map[uint64]*subscription{}, byFlow: map[uint64]*served{},
	}
}

// serve implements handler.
func (s *sink) serve(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.filler.runLarge(ctx) })
	beat, step, route := time.NewTicker(beatEvery), time.NewTicker(congestEvery), time.NewTicker(routeEvery)
	defer beat.Stop()
	defer step.Stop()
	defer route.Stop()
	room := newThrottle(s)
	defer room.stop()
	for {
		select {
		case sub := <-s.subs:
			wg.Go(func() { s.carry(ctx, sub) })
		case now := <-beat.C:
			s.beat(now)
		case now := <-step.C:
			s.link.sample(now)
			room.step(now)
		case <-route.C:
			s.tellRoute()
		case <-ctx.Done():
			return nil
		}
	}
}

// fill implements handler.
func (s *sink) fill(ctx context.Context, c *conn) error {
	s.filler.run(ctx, c)
	return nil
}

// message implements handler.
func (s *sink) message(m *pb.RelayMessage) error {
	switch b := m.Body.(type) {
	case *pb.RelayMessage_Subscribe:
		return s.subscribe(b.Subscribe)
	case *pb.RelayMessage_Unsubscribe:
		s.unsubscribe(b.Unsubscribe.GetId())
	case *pb.RelayMessage_Keyframe:
		s.keyframe(b.Keyframe.GetFlow())
	case *pb.RelayMessage_Stats:
		s.stats(b.Stats)
	case *pb.RelayMessage_Watch:
		return s.watch(b.Watch, time.Now())
	case nil: // of a later version
	default:
		return broke(rtpq.CodePacket, "%T from a downstream node", b)
	}
	return nil
}

func (s *sink) subscribe(ask *pb.Subscribe) error {
	if hops := ask.GetHops(); len(hops) == 0 || hops[len(hops)-1] != s.link.node {
		return broke(rtpq.CodePacket, "subscribe whose last hop is not the subscriber")
	}
	sub := &subscription{ask: ask}
	if ask.GetWait() {
		sub.woken = make(chan struct{})
	}
	s.mu.Lock()
	before, twice := s.byID[ask.GetId()]
	again := twice && before.again(ask)
	full := len(s.byID) >= rtpq.MaxStreams
	s.highID = max(s.highID, ask.GetId())
	if !twice && !full {
		s.byID[ask.GetId()] = sub
	}
	s.mu.Unlock()
	switch {
	case again:
		return nil
	case twice:
		return broke(rtpq.CodePacket, "subscription %d twice", ask.GetId())
	}
	if !full {
		select {
		case s.subs <- sub:
			return nil
		default: // asks faster than serve takes
			s.forget(sub)
		}
	}
	s.refuse(ask.GetId(), ErrFull)
	return nil
}

func (s *sink) unsubscribe(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.byID[id]; sub != nil {
		sub.over = true
		if sub.stop != nil {
			sub.stop()
		}
	}
}

// carried hands stop, which ends carry, to unsubscribe. It returns false where that was quicker.
func (s *sink) carried(sub *subscription, stop context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub.stop = stop
	return !sub.over
}

func (s *sink) forget(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[sub.ask.GetId()] == sub {
		delete(s.byID, sub.ask.GetId())
	}
}

func (s *sink) refuse(id uint64, err error) {
	reason := reasonOf(err)
	s.link.m.refused.WithLabelValues(reason.String()).Inc()
	s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Id: id, Reason: reason}}})
}

// carry serves one subscription from its first message to its end.
func (s *sink) carry(ctx context.Context, sub *subscription) {
	defer s.forget(sub)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if !s.carried(sub, stop) {
		return
	}
	if sub.woken != nil && !s.awaits(ctx, sub) {
		return
	}
	id := sub.ask.GetId()
	o, err := s.offer(ctx, sub)
	switch {
	case ctx.Err() != nil: // nobody waits for the answer
		if err == nil {
			o.release()
		}
		return
	case err != nil:
		s.refuse(id, err)
		return
	}
	defer o.release()
	flows, accept, err := s.open(sub, o)
	if err != nil {
		s.link.log.Warn("stream not served", "stream", o.stream.ID, "err", err)
		s.refuse(id, err)
		return
	}
	s.link.m.subs.Inc()
	s.link.log.Info("stream served", "stream", o.stream.ID)
	defer s.link.m.subs.Dec()
	defer s.shut(flows)
	var orphaned <-chan time.Time
	for {
		select {
		case <-o.stream.Done():
			s.end(id, o.stream.Err())
			return
		case <-o.moved:
			var path []string
			path, o.moved = o.pull.where()
			if path == nil {
				orphaned = time.After(orphanFor)
				continue
			}
			orphaned = nil
			if checkPath(path, sub.ask.GetHops()) != nil {
				s.end(id, stream.ErrLost)
				return
			}
			accept.Hops = path
			s.link.say(acceptMessage(accept)) // the same flows, by another way
		case <-orphaned: // others may have better
			s.end(id, stream.ErrLost)
			return
		case <-ctx.Done():
			return
		}
	}
}

// offer finds the stream that sub asks for, pulling it where that must be.
func (s *sink) offer(ctx context.Context, sub *subscription) (*offer, error) {
	ctx, stop := context.WithTimeout(ctx, offerWithin)
	defer stop()
	return s.r.offer(ctx, sub.ask.GetStream(), sub.ask.GetHops(), sub.ask.GetEpoch())
}

func (s *sink) end(id uint64, why error) {
	reason := pb.EndReason_END_REASON_STREAM_ENDED
	switch {
	case errors.Is(why, stream.ErrNewEpoch):
		reason = pb.EndReason_END_REASON_NEW_EPOCH
	case errors.Is(why, stream.ErrLost):
		reason = pb.EndReason_END_REASON_LOST
	}
	s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: id, Reason: reason}}})
}

func (s *sink) shut(flows []*served) {
	for _, sv := range flows {
		s.link.queue.remove(sv)
		sv.shut.Store(true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sv := range flows {
		delete(s.byFlow, sv.id)
		sv.want(false)
	}
}

func (s *sink) flow(id uint64) *served {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byFlow[id]
}

func (s *sink) keyframe(id uint64) {
	s.link.m.keysIn.Inc()
	if sv := s.flow(id); sv != nil {
		sv.flow.RequestKeyframe(time.Now())
	}
}

func (s *sink) stats(st *pb.Stats) {
	for _, now := range st.GetFlows() {
		if sv := s.flow(now.GetFlow()); sv != nil {
			s.link.m.reported(sv.report.Swap(now), now)
		}
	}
}

// group implements handler.
func (s *sink) group(context.Context, *rtpq.GroupReader) error {
	return broke(rtpq.CodeStream, "group from a downstream node")
}
