package relay

import (
	"slices"
	"time"

	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// routeVersion is the first version of the protocol with route.
const routeVersion = 2

// want counts s among those who want its flow, or takes that back; the caller holds the sink's mu.
func (s *served) want(on bool) {
	switch {
	case on && !s.wants:
		s.flow.Want()
	case !on && s.wants:
		s.flow.Unwant()
	}
	s.wants = on
}

// watch has the layers that w names go, and the others stop. Audio and base layers go in any case: they are
// what is left where the path gets narrow. A layer that was stopped begins as at a join.
func (s *sink) watch(w *pb.Watch, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.byID[w.GetId()]
	if sub == nil || sub.flows == nil {
		if sub != nil || w.GetId() == 0 || w.GetId() > s.highID {
			return broke(rtpq.CodePacket, "watch of subscription %d, which is not open", w.GetId())
		}
		return nil // of a subscription that is over
	}
	for _, id := range w.GetFlows() {
		if !slices.ContainsFunc(sub.flows, func(sv *served) bool { return sv.id == id }) {
			s.link.m.strangers.Inc()
		}
	}
	for _, sv := range sub.flows {
		if sv.class != classLayer || sv.shut.Load() {
			continue
		}
		on := slices.Contains(w.GetFlows(), sv.id)
		if b := s.link.queue.idleNow(sv, !on, sub.pull != nil, now); b != nil {
			s.announce(b)
			s.filler.add(b)
		}
		sv.want(on) // last: what is on its way was so before
	}
	return nil
}

// tellPauses says which flows are held back for want of room, by this node or one above, and which are not
// any more.
func (s *sink) tellPauses() {
	var paused, back []uint64
	s.link.queue.each(func(sv *served) {
		away := !sv.idle && (sv.shed || sv.flow.Shed())
		switch {
		case away && !sv.told:
			paused = append(paused, sv.id)
		case !away && sv.told:
			back = append(back, sv.id)
		}
		sv.told = away
	})
	s.sayPause(paused, true)
	s.sayPause(back, false)
}

const maxPaused = 4096 // flows in one pause

func (s *sink) sayPause(flows []uint64, paused bool) {
	for some := range slices.Chunk(flows, maxPaused) {
		s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: some, Paused: paused}}})
	}
}

// tellRoute tells each subscriber how the hops of its stream's way do, the one to itself included as far as
// this end knows it.
func (s *sink) tellRoute() {
	if !s.link.speaks(routeVersion) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, sub := range s.byID {
		if sub.flows == nil {
			continue
		}
		var hops []*pb.HopStats
		if sub.pull != nil {
			hops = slices.Clone(sub.pull.route())
		}
		if len(hops) < rtpq.MaxHops {
			hops = append(hops, s.hop(sub))
		}
		s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Route{Route: &pb.Route{Id: id, Hops: hops}}})
	}
}

// hop is what this end knows of the hop to the subscriber; the caller holds mu.
func (s *sink) hop(sub *subscription) *pb.HopStats {
	h := &pb.HopStats{
		Node: s.link.node, Upstream: s.r.cfg.Node,
		RttUs: uint32(time.Duration(s.link.rtt.Load()).Microseconds()), RoomBps: uint64(s.link.room.Load()),
	}
	for _, sv := range sub.flows {
		if s.link.queue.isShed(sv) {
			h.Shed++
		}
	}
	return h
}
