package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"freshet/proto/rtpq"
)

const (
	maxEarly   = 256             // packets of flows whose accept has not been read yet
	earlyFor   = time.Second     // older ones belong to what was let go
	flowWithin = 2 * time.Second // for a group to wait for its flow's accept
)

var errNoFlow = errors.New("stream of a flow that nobody takes")

// An early is a packet of a flow that is not known yet.
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
	arrivalEnd              // a stream of packets ended or was cut: of n numbers from seq on; or seq is the last, and n is 0
)

// An arrival is what a link's reader hands to a puller.
type arrival struct {
	feed *feed
	data []byte
	at   time.Time
	flow int
	seq  uint16
	n    uint16
	kind arrivalKind
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
	part := g.Part()
	t, err := s.await(ctx, part.Flow)
	if err != nil {
		return err
	}
	last, any, err := s.take(ctx, g, t)
	end := arrival{kind: arrivalEnd, feed: t.feed, flow: t.flow, seq: part.First, n: uint16(part.Count), at: time.Now()}
	if part.Count == 0 {
		end.seq = last
	}
	if any || part.Count > 0 { // also where it was cut: what it was to bring is then asked for at once
		t.feed.pull.deliverSlowly(ctx, end)
	}
	return err
}

// take hands the packets of g over, until its end. last is the number of the last, if there was any.
func (s *source) take(ctx context.Context, g *rtpq.GroupReader, t target) (last uint16, any bool, err error) {
	for {
		packet, err := g.Next()
		switch {
		case errors.Is(err, io.EOF):
			return last, any, nil
		case err != nil:
			return last, any, err
		}
		s.link.received(packet)
		s.heard.Store(time.Now().UnixNano())
		last, any = binary.BigEndian.Uint16(packet[2:]), true
		if !t.feed.pull.deliverSlowly(ctx, arrivalOf(t, rtpq.KindRTP, packet, time.Now())) {
			return last, any, errNoFlow
		}
	}
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
