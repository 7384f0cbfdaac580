package relay

import (
	"encoding/binary"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// An inflow is one flow on its way into its ring. It is owned by the puller.
type inflow struct {
	flow  *stream.Flow
	track tracker
	told  pb.FlowStats // what the metrics have counted already

	// What the accept and a group's start said, until the ring's first packet fixes where the extended
	// numbers begin.
	begun      bool
	live       uint16
	liveKnown  bool
	groupFirst uint16
	groupCount int64
}

func newInflow(f *stream.Flow) *inflow {
	in := &inflow{flow: f}
	in.track.holds = func(seq int64) bool { return f.Ring.Get(seq) != nil }
	in.track.high = -1
	return in
}

// accepted notes where upstream's live packets begin. In a flow that goes on from another upstream, what
// lies between comes behind them.
func (in *inflow) accepted(f *pb.Flow, now time.Time, p pace) {
	if !f.GetStarted() {
		return
	}
	in.live, in.liveKnown = uint16(f.GetLive()), true
	if in.begun {
		if live := in.flow.Ring.Near(in.live); live-in.track.high <= maxGaps {
			in.track.expect(in.track.high+1, live, now, p)
		}
	}
}

// group notes that count numbers from first on come in order.
func (in *inflow) group(first uint16, count int64, now time.Time, p pace) {
	if !in.begun {
		in.groupFirst, in.groupCount = first, count
		return
	}
	from := in.flow.Ring.Near(first)
	in.track.expect(from, from+count, now, p)
}

// write puts a packet into the ring. The error says that it is none.
func (in *inflow) write(data []byte, now time.Time, p pace) error {
	n := binary.BigEndian.Uint16(data[2:])
	seq := in.flow.Ring.Near(n)
	fresh, err := in.flow.Write(data, now)
	if err != nil {
		return err
	}
	if !in.begun {
		in.begin(seq, now, p)
	}
	in.track.arrived(seq, fresh, now, p)
	return nil
}

func (in *inflow) begin(seq int64, now time.Time, p pace) {
	in.begun = true
	live := seq
	if in.liveKnown {
		live = in.flow.Ring.Near(in.live)
	}
	in.track.start(live)
	if in.groupCount > 0 {
		first := in.flow.Ring.Near(in.groupFirst)
		in.track.expect(first, first+in.groupCount, now, p)
	}
}

// stats returns what has arrived so far.
func (in *inflow) stats(flow uint64) *pb.FlowStats {
	t := &in.track
	return &pb.FlowStats{Flow: flow, Received: t.received, Missing: t.missing, Repaired: t.repaired, Duplicates: t.duplicates, Gone: t.gone}
}

// arrive takes what a link's reader handed over.
func (u *puller) arrive(a arrival) {
	if a.feed != u.feed || !u.accepted {
		return // of a feed that was let go
	}
	in := u.flows[a.flow]
	switch a.kind {
	case arrivalRTP:
		if err := in.write(a.data, a.at, u.pace); err != nil {
			u.r.m.dropped(dropPacket, 1)
		}
	case arrivalHigh:
		if in.begun {
			in.track.beat(in.flow.Ring.Near(a.seq), a.at, u.pace)
		}
	case arrivalEnd:
		in.ended(a.seq, a.at)
	case arrivalRTCP:
		u.clock(in, a.data)
	case arrivalGone:
		u.gone(in, a.data)
	}
}

// ended says that a stream of packets is over, whose last was n: a group, or a packet too large for a datagram.
func (in *inflow) ended(n uint16, now time.Time) {
	seq := in.flow.Ring.Near(n)
	if seq < in.track.groupEnd && seq >= in.track.groupNext-1 {
		in.track.delivered(now)
	}
}

func (u *puller) clock(in *inflow, packet []byte) {
	f, err := rtpq.ParseRTCP(packet)
	switch {
	case err != nil:
		u.r.m.dropped(dropPacket, 1)
	case f.Report:
		in.flow.SetClock(stream.Clock{RTP: f.RTPTime, At: f.At})
	}
}

func (u *puller) gone(in *inflow, body []byte) {
	var g rtpq.Gone
	if err := g.Parse(body); err != nil || !in.begun {
		return // the source has parsed it before
	}
	for _, span := range g.Spans {
		first := in.flow.Ring.Near(span.First)
		for seq := first; seq < first+int64(span.Count); seq++ {
			if in.track.given(seq) {
				u.p.give(in.flow, seq)
			}
		}
	}
}

// nack asks upstream for what is missing of flow i and due.
func (u *puller) nack(i int, now time.Time) {
	in := u.flows[i]
	u.pace = paceOf(time.Duration(u.feed.source.link.rtt.Load()))
	u.seqs, u.lost = in.track.ask(u.seqs[:0], u.lost[:0], now, u.pace)
	for _, seq := range u.lost {
		u.p.give(in.flow, seq)
	}
	if len(u.seqs) == 0 {
		return
	}
	u.r.m.nacksOut.Add(float64(len(u.seqs)))
	missing := make([]uint16, 0, len(u.seqs))
	for _, seq := range u.seqs {
		missing = append(missing, uint16(seq))
	}
	for len(missing) > 0 {
		b := rtpq.AppendDatagram(nil, u.feed.ids[i], nil)
		b, missing = rtpq.AppendNACK(b, missing)
		u.feed.source.link.queue.push(b)
	}
}

// keyframe passes a request on to upstream.
func (u *puller) keyframe(f *stream.Flow) {
	if !u.accepted || f.Index >= len(u.flows) || u.flows[f.Index].flow != f {
		return
	}
	u.r.m.keysOut.Inc()
	u.feed.source.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Keyframe{Keyframe: &pb.Keyframe{Flow: u.feed.ids[f.Index]}}})
}

// report tells upstream and the metrics what arrived.
func (u *puller) report() {
	u.flush()
	if !u.accepted {
		return
	}
	stats := &pb.Stats{}
	for i, in := range u.flows {
		stats.Flows = append(stats.Flows, in.stats(u.feed.ids[i]))
	}
	u.feed.source.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Stats{Stats: stats}})
}

// flush counts in the metrics what is new in the trackers.
func (u *puller) flush() {
	for _, in := range u.flows {
		t, told := &in.track, &in.told
		u.r.m.missing.Add(float64(t.missing - told.Missing))
		u.r.m.repaired.Add(float64(t.repaired - told.Repaired))
		u.r.m.duplicates.Add(float64(t.duplicates - told.Duplicates))
		u.r.m.gone.Add(float64(t.gone - told.Gone))
		told.Missing, told.Repaired, told.Duplicates, told.Gone = t.missing, t.repaired, t.duplicates, t.gone
	}
}
