package relay

import (
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// arrive takes what a link's reader handed over.
func (u *puller) arrive(a arrival) {
	f := a.feed
	if f != u.first && f != u.second || !f.open() || f.epoch != u.stream.Epoch {
		return // of a feed that was let go
	}
	in := u.flows[a.flow]
	p := u.paces[f.side]
	switch a.kind {
	case arrivalRTP:
		if f.got++; f.got == 1 {
			f.brought = a.at
		}
		fresh, err := in.write(a.data, f.side, a.at, p)
		switch {
		case err != nil:
			u.r.m.dropped(dropPacket, 1)
		case !fresh && in.flow.Format.Kind == stream.Audio && u.second == nil:
			in.track.duplicates--
			in.track.copies++
		}
	case arrivalHigh:
		if in.begun && !f.shed[a.flow] && !f.idle[a.flow] {
			in.track.beat(in.flow.Ring.Near(a.seq), a.at, p)
		}
	case arrivalEnd:
		if in.begun {
			in.track.delivered(f.side, in.flow.Ring.Near(a.seq), int64(a.n), a.at)
		}
	case arrivalRTCP:
		u.clock(in, a.data)
	case arrivalGone:
		u.gone(f, in, a.data, a.at)
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

// gone notes what the upstream node of f will never send. Where the other feed may have it, that one is
// asked; else those below learn that it will not come. What is not missing yet, for its GONE was quicker, is
// asked for once, in vain: the answer is the same again.
func (u *puller) gone(f *feed, in *inflow, body []byte, now time.Time) {
	var g rtpq.Gone
	if err := g.Parse(body); err != nil || !in.begun {
		return // the source has parsed it before
	}
	open := u.openSides(in.flow.Index)
	for _, span := range g.Spans {
		first := in.flow.Ring.Near(span.First)
		for seq := first; seq < first+int64(span.Count); seq++ {
			if in.track.given(seq, f.side, open, now) {
				u.p.give(in.flow, seq)
			}
		}
	}
}

// repair asks for what is missing and due.
func (u *puller) repair(now time.Time) {
	if u.first == nil || !u.first.open() {
		return
	}
	for _, f := range u.feeds() {
		if f.open() {
			u.paces[f.side] = f.pace()
		}
	}
	for i, in := range u.flows {
		in.track.ask(&u.asks, u.askable(i), now, &u.paces)
		for _, seq := range u.asks.lost {
			u.p.give(in.flow, seq)
		}
		for _, f := range u.feeds() {
			u.nack(f, i, u.asks.of[f.side])
		}
	}
}

// nack asks the upstream node of f for numbers of flow i.
func (u *puller) nack(f *feed, i int, seqs []int64) {
	if len(seqs) == 0 {
		return
	}
	u.r.m.nacksOut.Add(float64(len(seqs)))
	missing := make([]uint16, 0, len(seqs))
	for _, seq := range seqs {
		missing = append(missing, uint16(seq))
	}
	for len(missing) > 0 {
		b := rtpq.AppendDatagram(nil, f.ids[i], nil)
		b, missing = rtpq.AppendNACK(b, missing)
		f.source.link.queue.push(b)
	}
}

// keyframe passes a request on to the upstream node that is heard of.
func (u *puller) keyframe(flow *stream.Flow) {
	if flow.Index >= len(u.flows) || u.flows[flow.Index].flow != flow {
		return
	}
	order := u.askable(flow.Index)
	if len(order) == 0 {
		return
	}
	f := u.on(order[0])
	u.r.m.keysOut.Inc()
	f.source.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Keyframe{Keyframe: &pb.Keyframe{Flow: f.ids[flow.Index]}}})
}
