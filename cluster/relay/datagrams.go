package relay

import (
	"slices"
	"time"

	"freshet/cluster/ring"
	"freshet/proto/rtpq"
)

// datagram implements handler.
func (s *sink) datagram(flow uint64, packet []byte, kind rtpq.Kind, _ time.Time) error {
	if kind != rtpq.KindRTCP {
		return broke(rtpq.CodePacket, "media from a downstream node")
	}
	f, err := rtpq.ParseRTCP(packet)
	if err != nil {
		return err
	}
	if sv := s.flow(flow); sv != nil && len(f.Missing) > 0 {
		s.resend(sv, f.Missing)
	}
	return nil
}

// resend answers a NACK: with the packet, with GONE where it will not come, or with silence where it may
// yet come to this node, and then goes downstream like any other. While the path is full, no layer above the
// base takes its room for what is past.
func (s *sink) resend(sv *served, missing []uint16) {
	s.link.m.nacksIn.Add(float64(len(missing)))
	r := sv.flow.Ring
	now := time.Now()
	left := s.link.queue.leftOf(sv)
	full := sv.class == classLayer && s.slow.Load()
	var gone []uint16
	var again []*ring.Packet
	for _, n := range missing {
		seq := r.Near(n)
		p := r.Get(seq)
		switch {
		case left.over(seq):
			gone = append(gone, n)
		case p != nil:
			if !full {
				again = append(again, p)
			}
		case !sv.awaited(seq, now):
			gone = append(gone, n)
		}
	}
	s.link.m.resent.Add(float64(s.link.queue.resend(sv, again)))
	s.pushGone(sv.id, gone)
}

func (s *sink) pushGone(flow uint64, seqs []uint16) {
	slices.SortFunc(seqs, func(a, b uint16) int { return int(int16(a - b)) })
	s.pushSpans(flow, rtpq.AppendSpans(nil, seqs))
}

func (s *sink) pushSpans(flow uint64, spans []rtpq.Span) {
	for len(spans) > 0 {
		var b []byte
		b, spans = rtpq.AppendGone(nil, flow, spans)
		s.link.queue.push(b)
	}
}

// beat sends the sign of life, and with it what the flows have to say apart from packets.
func (s *sink) beat(now time.Time) {
	var highs []rtpq.High
	var clocks []*served
	gone := map[uint64][]rtpq.Span{}
	s.link.queue.each(func(sv *served) {
		if sv.high >= 0 && !sv.held() {
			highs = append(highs, rtpq.High{Flow: sv.id, Seq: uint16(sv.high)})
		}
		if len(sv.left.told) > 0 {
			gone[sv.id], sv.left.told = sv.left.told, nil
		}
		if sv.clockDue(now) {
			clocks = append(clocks, sv)
		}
	})
	for {
		var b []byte
		b, highs = rtpq.AppendBeat(nil, uint32(now.UnixMilli()), highs)
		s.link.queue.push(b)
		if len(highs) == 0 {
			break
		}
	}
	for flow, spans := range gone {
		s.pushSpans(flow, spans)
	}
	s.tellPauses()
	for _, sv := range clocks {
		if c, ok := sv.flow.Clock(); ok {
			s.link.queue.push(rtpq.AppendReport(rtpq.AppendDatagram(nil, sv.id, nil), 0, c.RTP, c.At))
		}
	}
}
