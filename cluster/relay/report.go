package relay

import (
	"slices"
	"time"

	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// A meter turns a count of bytes into a rate. It is owned by the puller.
type meter struct {
	bytes int64
	at    time.Time
}

// rate returns bit/s since the last call.
func (m *meter) rate(bytes int64, now time.Time) (bps uint64) {
	if took := now.Sub(m.at); !m.at.IsZero() && took > 0 && bytes >= m.bytes {
		bps = uint64(float64(bytes-m.bytes) * 8 / took.Seconds())
	}
	m.bytes, m.at = bytes, now
	return bps
}

// route keeps what upstream says of the hops above it. A last one that ends at this node is the upstream's
// view of the link to here: it alone knows the link's room.
func (f *feed) route(hops []*pb.HopStats, node string) {
	if n := len(hops); n > 0 && hops[n-1].GetNode() == node {
		f.room = hops[n-1].GetRoomBps()
		hops = hops[:n-1]
	}
	if len(hops) < rtpq.MaxHops { // this node's own is still to come
		f.hops = hops
	}
}

// report tells upstream, the metrics, and who looks at the stream's way, what arrived.
func (u *puller) report(now time.Time) {
	u.flush()
	for _, f := range u.feeds() {
		if !f.open() {
			continue
		}
		stats := &pb.Stats{}
		for i, in := range u.flows {
			stats.Flows = append(stats.Flows, in.track.since(f.base[i], f.ids[i]))
		}
		f.source.link.say(&pb.RelayMessage{Body: &pb.RelayMessage_Stats{Stats: stats}})
	}
	if u.first != nil && u.first.open() {
		if u.stream != nil {
			u.stream.Loses(u.lossy.next(u.first, u.passed(u.first)))
		}
		u.p.setRoute(append(slices.Clip(slices.Clone(u.first.hops)), u.hop(u.first, now)))
	} else {
		u.p.setRoute(nil)
	}
}

// since returns what a flow's packets became since base.
func (c tally) since(base tally, flow uint64) *pb.FlowStats {
	return &pb.FlowStats{
		Flow: flow, Received: c.received - base.received, Missing: c.missing - base.missing, Repaired: c.repaired - base.repaired,
		Duplicates: c.duplicates - base.duplicates, Gone: c.gone - base.gone,
	}
}

// hop sums up the last hop of the stream's way, which is the link of f.
func (u *puller) hop(f *feed, now time.Time) *pb.HopStats {
	l := f.source.link
	h := &pb.HopStats{
		Node: u.r.cfg.Node, Upstream: l.node, RttUs: uint32(min(time.Duration(l.rtt.Load()).Microseconds(), 1<<32-1)),
		RoomBps: f.room, Switches: u.changes,
	}
	if p, ok := l.path(); ok {
		h.Lost, h.RepairedBelow = p.Missing-min(p.Missing, p.Reordered), p.Repaired+p.RepairedLate
	}
	bytes := int64(0)
	for i, in := range u.flows {
		t := &in.track
		h.Received += t.received
		h.Missing += t.missing
		h.Repaired += t.repaired
		h.Gone += t.gone
		h.Late += t.late
		if f.shed[i] {
			h.Shed++
		}
		bytes += in.flow.Bytes()
	}
	h.RateBps = u.rate.rate(bytes, now)
	return h
}

// flush counts in the metrics what is new in the trackers.
func (u *puller) flush() {
	m := u.r.m
	for _, in := range u.flows {
		now, told := in.track.tally, in.told
		m.missing.Add(float64(now.missing - told.missing))
		m.repaired.Add(float64(now.repaired - told.repaired))
		m.gone.Add(float64(now.gone - told.gone))
		m.late.Add(float64(now.late - told.late))
		m.duplicates.Add(float64(now.duplicates - told.duplicates))
		m.copies.Add(float64(now.copies - told.copies))
		in.told = now
	}
}
