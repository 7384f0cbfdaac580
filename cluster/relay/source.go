package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	maxEarly   = 256             // packets of flows whose accept has not been read yet
	earlyFor   = time.Second     // older ones belong to what was let go
	flowWithin = 2 * time.Second // for a group to wait for its flow's accept
)

var errNoFlow = errors.New("stream of a flow that nobody takes")

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

type early struct {
	flow   uint64
	packet []byte
	kind   rtpq.Kind
	at     time.Time
}

// arrivalKind tells what an arrival is.
type arrivalKind uint8

const (
	arrivalRTP  arrivalKind = iota
	arrivalRTCP             // data is an RTCP packet
	arrivalGone             // data is the body of GONE
	arrivalHigh             // seq is the highest number sent
	arrivalEnd              // a stream of packets ended; seq is that of the last
)

// An arrival is what a link's reader hands to a puller.
type arrival struct {
	feed *feed
	data []byte
	at   time.Time
	flow int
	seq  uint16
	kind arrivalKind
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

// judge has the pullers hear of another standing, and says whether it is one.
func (s *source) judge(got standing, now time.Time) (changed bool) {
	old := standing(s.stand.Swap(int32(got)))
	switch {
	case old == got:
		return false
	case got == suspect:
		s.link.m.suspects.Inc()
	case got == alive:
		s.since.Store(now.UnixNano())
		s.up.r.tellChanged()
	}
	s.mu.Lock()
	feeds := maps.Clone(s.feeds)
	s.mu.Unlock()
	s.tell(event{kind: eventSigns}, feeds)
	return true
}

func (s *source) tell(e event, feeds map[uint64]*feed) {
	for _, f := range feeds {
		e.feed = f
		f.pull.post(e)
	}
}

// leaves says whether the upstream node drains.
func (u *uplink) leaves() bool {
	s := u.source()
	return s != nil && s.leaving.Load()
}

func (s *source) standing() standing { return standing(s.stand.Load()) }

// well says since when the upstream node has been alive without a break; ok is false while it is not.
func (s *source) well() (since time.Time, ok bool) {
	return time.Unix(0, s.since.Load()), s.standing() == alive
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

// datagram implements handler.
func (s *source) datagram(flow uint64, packet []byte, kind rtpq.Kind, now time.Time) error {
	s.heard.Store(now.UnixNano())
	switch kind {
	case rtpq.KindBeat:
		return s.beat(packet, now)
	case rtpq.KindGone:
		var g rtpq.Gone
		if err := g.Parse(packet); err != nil {
			return err
		}
		flow = g.Flow
	}
	t, ok := (*s.flows.Load())[flow]
	if !ok {
		s.keep(flow, packet, kind, now)
		return nil
	}
	t.feed.pull.deliver(arrivalOf(t, kind, packet, now))
	return nil
}

func arrivalOf(t target, kind rtpq.Kind, packet []byte, now time.Time) arrival {
	a := arrival{feed: t.feed, flow: t.flow, data: packet, at: now}
	switch kind {
	case rtpq.KindRTCP:
		a.kind = arrivalRTCP
	case rtpq.KindGone:
		a.kind = arrivalGone
	default:
		a.seq = binary.BigEndian.Uint16(packet[2:])
	}
	return a
}

func (s *source) beat(body []byte, now time.Time) error {
	var b rtpq.Beat
	if err := b.Parse(body); err != nil {
		return err
	}
	flows := *s.flows.Load()
	for _, h := range b.Highs {
		if t, ok := flows[h.Flow]; ok {
			t.feed.pull.deliver(arrival{kind: arrivalHigh, feed: t.feed, flow: t.flow, seq: h.Seq, at: now})
		}
	}
	return nil
}

// keep holds a packet that overtook the accept of its flow.
func (s *source) keep(flow uint64, packet []byte, kind rtpq.Kind, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.early) > 0 && now.Sub(s.early[0].at) > earlyFor {
		s.early = s.early[1:]
	}
	if len(s.early) >= maxEarly {
		s.link.m.dropped(dropEarly, 1)
		return
	}
	s.early = append(s.early, early{flow, packet, kind, now})
}

// group implements handler. It reads no faster than the puller takes.
func (s *source) group(ctx context.Context, g *rtpq.GroupReader) error {
	t, err := s.await(ctx, g.Flow())
	if err != nil {
		return err
	}
	last, any := uint16(0), false
	for {
		packet, err := g.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s.link.received(packet)
		s.heard.Store(time.Now().UnixNano())
		last, any = binary.BigEndian.Uint16(packet[2:]), true
		a := arrivalOf(t, rtpq.KindRTP, packet, time.Now())
		if !t.feed.pull.deliverSlowly(ctx, a) {
			return errNoFlow
		}
	}
	if any {
		t.feed.pull.deliverSlowly(ctx, arrival{kind: arrivalEnd, feed: t.feed, flow: t.flow, seq: last, at: time.Now()})
	}
	return nil
}

// await returns where flow goes, once its accept has been read.
func (s *source) await(ctx context.Context, flow uint64) (target, error) {
	timer := time.NewTimer(flowWithin)
	defer timer.Stop()
	for {
		s.mu.Lock()
		opened := s.opened
		t, ok := (*s.flows.Load())[flow]
		s.mu.Unlock()
		if ok {
			return t, nil
		}
		select {
		case <-opened:
		case <-timer.C:
			return target{}, errNoFlow
		case <-ctx.Done():
			return target{}, errNoFlow
		}
	}
}
