package relay

import (
	"fmt"
	"slices"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// open says accept and lets the flows out: live packets from now on, and behind them what the ring
// holds and the subscriber does not. The error is ErrFull, or wraps ErrUnknownStream where there is nothing
// that the link can carry.
func (s *sink) open(sub *subscription, o *offer) ([]*served, *pb.Accept, error) {
	accept := &pb.Accept{Id: sub.ask.GetId(), Stream: o.stream.ID, Epoch: o.stream.Epoch, Hops: o.first}
	have := sub.ask.GetHave()
	if sub.ask.GetEpoch() != o.stream.Epoch {
		have = nil // numbers of another epoch say nothing of this one's
	}
	var flows []*served
	for _, f := range o.stream.Flows {
		if !wants(sub.ask.GetLayers(), f.Format.RID) {
			continue
		}
		sv := newServed(s.newFlow(), f, o.pull)
		sv.idle = sv.class == classLayer && isIdle(have, f.Format)
		sv.shed = !sv.idle && s.link.queue.stops(sv)
		flows = append(flows, sv)
		accept.Flows = append(accept.Flows, describe(sv))
	}
	if len(flows) == 0 {
		return nil, nil, fmt.Errorf("%w in the layers asked for", ErrUnknownStream)
	}
	// What a publisher says of its codecs ends up here. It may cost that stream and not the link.
	if err := rtpq.Validate(acceptMessage(accept)); err != nil {
		return nil, nil, fmt.Errorf("%w that can be described: %w", ErrUnknownStream, err)
	}
	jobs := s.backfills(flows, have, o.pull != nil)
	// Held until the flows can be found: what the subscriber says of them may be here at once.
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.link.queue.fits(flows) {
		return nil, nil, ErrFull
	}
	// The accept goes first, so that what follows is understood; datagrams may overtake it all the same.
	s.link.say(acceptMessage(accept))
	for _, b := range jobs {
		s.announce(b)
	}
	for _, sv := range flows {
		s.link.queue.add(sv)
		s.byFlow[sv.id] = sv
		sv.want(!sv.idle)
	}
	sub.flows, sub.pull = flows, o.pull
	s.filler.add(jobs...)
	return flows, accept, nil
}

// announce says that a group comes on a stream.
func (s *sink) announce(b *backfill) {
	s.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{
		Flow: b.served.id, First: uint32(uint16(b.next)), Count: uint32(b.end - b.next),
	}}})
}

func isIdle(have []*pb.Have, f stream.Format) bool {
	return slices.ContainsFunc(have, func(h *pb.Have) bool { return h.GetIdle() && names(h, f) })
}

func (s *sink) backfills(flows []*served, have []*pb.Have, pulled bool) []*backfill {
	var jobs []*backfill
	now := time.Now()
	for _, sv := range flows {
		if sv.held() {
			continue
		}
		if b := missed(sv, have, pulled, now); b != nil {
			jobs = append(jobs, b)
		}
	}
	return jobs
}

func (s *sink) newFlow() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextFlow++
	return s.nextFlow
}
