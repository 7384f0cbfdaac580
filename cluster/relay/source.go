package relay

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// A source takes streams from one upstream node over one link. It routes what comes to the pullers.
type source struct {
	up   *uplink
	link *link

	flows atomic.Pointer[map[uint64]target] // by flow id; replaced whole, with mu held

	heard atomic.Int64 // unix ns of what last came, as QUIC hands it up
	stand atomic.Int32 // standing
	since atomic.Int64 // unix ns; from when on it has been alive

	leaving atomic.Bool // the upstream node drains: another is to take its place

	mu     sync.Mutex
	feeds  map[uint64]*feed
	owners map[uint64]*feed // by flow id: from the accept on, before flows has it
	nextID uint64
	early  []early
	opened chan struct{} // closed when flows were added
	closed bool
}

// A target is where packets of a flow go.
type target struct {
	feed *feed
	flow int
}

func newSource(u *uplink, l *link) *source {
	s := &source{up: u, link: l, feeds: map[uint64]*feed{}, owners: map[uint64]*feed{}, opened: make(chan struct{})}
	s.flows.Store(&map[uint64]target{})
	now := time.Now().UnixNano()
	s.heard.Store(now)
	s.since.Store(now)
	return s
}

// serve implements handler. Pullers find the source while it runs, and hear when it ends, or is not heard of.
// It ends by itself when the upstream node is dead.
func (s *source) serve(ctx context.Context) error {
	s.up.set(s)
	defer func() {
		s.up.set(nil)
		s.tell(event{kind: eventLost}, s.close())
	}()
	sample, look := time.NewTicker(sampleEvery), time.NewTicker(vigilEvery)
	defer sample.Stop()
	defer look.Stop()
	var v vigil
	for {
		select {
		case <-sample.C:
			s.link.sample(time.Now())
		case <-look.C:
			now := time.Now()
			quiet, unanswered := s.signs(now)
			got := v.look(quiet, unanswered, now)
			if s.judge(got, now) {
				s.link.log.Warn("upstream changed its standing", "standing", got.String(), "quiet", quiet, "unanswered", unanswered)
			}
			if got == dead {
				return broke(rtpq.CodeSilent, "upstream silent for %v, unanswered for %v", quiet, unanswered)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *source) close() map[uint64]*feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return maps.Clone(s.feeds)
}

// subscribe asks for p's stream. It returns nil where the link is gone.
func (s *source) subscribe(p *pull, ask *pb.Subscribe) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.nextID++
	f := &feed{source: s, id: s.nextID, pull: p}
	s.feeds[f.id] = f
	ask.Id = f.id
	s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Subscribe{Subscribe: ask}})
	return f
}

// wake asks once more for what f, which waits, is to bring. It returns false where the link is gone, or f's answer was no.
func (s *source) wake(f *feed, ask *pb.Subscribe) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.feeds[f.id] != f {
		return false
	}
	ask.Id = f.id
	s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Subscribe{Subscribe: ask}})
	return true
}

// open routes f's flows to its puller and returns what came of them already.
func (s *source) open(f *feed) (came []arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	flows := maps.Clone(*s.flows.Load())
	for i, id := range f.ids {
		flows[id] = target{f, i}
	}
	s.flows.Store(&flows)
	close(s.opened)
	s.opened = make(chan struct{})
	rest := s.early[:0]
	for _, e := range s.early {
		if t, ok := flows[e.flow]; ok && t.feed == f {
			came = append(came, arrivalOf(t, e.kind, e.packet, e.at))
		} else {
			rest = append(rest, e)
		}
	}
	clear(s.early[len(rest):])
	s.early = rest
	return came
}

// drop lets f go; tell has the upstream node hear of it.
func (s *source) drop(f *feed, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.feeds, f.id)
	if len(f.ids) > 0 {
		flows := maps.Clone(*s.flows.Load())
		for _, id := range f.ids {
			delete(flows, id)
			delete(s.owners, id)
		}
		s.flows.Store(&flows)
	}
	if tell && !s.closed {
		s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: f.id}}})
	}
}

// fill implements handler: nothing goes upstream but datagrams.
func (s *source) fill(context.Context, *conn) error { return nil }

// message implements handler.
func (s *source) message(m *pb.RelayMessage) error {
	s.heard.Store(time.Now().UnixNano())
	switch b := m.Body.(type) {
	case *pb.RelayMessage_Accept:
		if err := s.own(b.Accept); err != nil {
			return err
		}
		return s.answer(b.Accept.GetId(), event{kind: eventAccept, accept: b.Accept})
	case *pb.RelayMessage_Refuse:
		return s.answer(b.Refuse.GetId(), event{kind: eventRefuse, err: errorOf(b.Refuse)})
	case *pb.RelayMessage_End:
		if b.End.GetReason() == pb.EndReason_END_REASON_DRAIN {
			s.leaving.Store(true)
		}
		return s.answer(b.End.GetId(), event{kind: eventEnd, reason: b.End.GetReason()})
	case *pb.RelayMessage_GroupStart:
		return s.groupStart(b.GroupStart)
	case *pb.RelayMessage_Pause:
		s.pause(b.Pause)
	case *pb.RelayMessage_Route:
		return s.answer(b.Route.GetId(), event{kind: eventRoute, route: b.Route})
	case nil: // of a later version
	default:
		return broke(rtpq.CodePacket, "%T from an upstream node", b)
	}
	return nil
}

// answer gives e to the feed with id. A feed that was let go may still be answered.
func (s *source) answer(id uint64, e event) error {
	s.mu.Lock()
	f, known := s.feeds[id], id >= 1 && id <= s.nextID
	s.mu.Unlock()
	if !known {
		return broke(rtpq.CodePacket, "answer to subscription %d, which was never made", id)
	}
	if f != nil {
		e.feed = f
		f.pull.post(e)
	}
	return nil
}

// own notes whose the flows of an accept are. A second accept of a subscription changes its hops only.
func (s *source) own(a *pb.Accept) error {
	if hops := a.GetHops(); len(hops) == 0 || hops[len(hops)-1] != s.link.node {
		return broke(rtpq.CodePacket, "accept whose last hop is not the upstream node")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.feeds[a.GetId()]
	if f == nil || f.ids != nil {
		return nil
	}
	if len(a.GetFlows()) == 0 {
		return broke(rtpq.CodePacket, "accept without flows")
	}
	for _, flow := range a.GetFlows() {
		if s.owners[flow.GetFlow()] != nil {
			return broke(rtpq.CodeFlow, "flow %d opened twice", flow.GetFlow())
		}
		s.owners[flow.GetFlow()] = f
		f.ids = append(f.ids, flow.GetFlow())
	}
	return nil
}

func (s *source) groupStart(g *pb.GroupStart) error {
	s.mu.Lock()
	f := s.owners[g.GetFlow()]
	s.mu.Unlock()
	if f != nil {
		f.pull.post(event{kind: eventGroup, feed: f, group: g})
	}
	return nil
}

// pause hands on that flows are held back, or come again. Flows that are not known were let go.
func (s *source) pause(p *pb.Pause) {
	s.mu.Lock()
	whose := map[*feed]bool{}
	unknown := 0
	for _, id := range p.GetFlows() {
		if f := s.owners[id]; f != nil {
			whose[f] = true
		} else {
			unknown++
		}
	}
	s.mu.Unlock()
	s.link.m.dropped(dropUnknown, unknown)
	for f := range whose {
		f.pull.post(event{kind: eventPause, feed: f, pause: p})
	}
}
