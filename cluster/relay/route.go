package relay

import (
	"time"

	pb "freshet/proto"
)

// HopStats is one hop of a stream's way to this node, as the node at its lower end sees it. Counts of packets
// of the stream are since its epoch was pulled there, those of the link since the link is known.
type HopStats struct {
	Node, Upstream string // at the lower end, and at the upper
	RTT            time.Duration
	Received       uint64 // packets of the stream, each once
	Lost           uint64 // UDP packets of the whole link found missing by the repair layer
	RepairedBelow  uint64 // of those, by the repair layer
	Missing        uint64 // packets of the stream asked for by number
	Repaired       uint64 // of those, that came
	Gone           uint64 // of those, that will not come
	Late           uint64 // packets more than half a round trip behind the fastest
	Shed           int    // flows that the upstream node holds back now, for want of room
	RoomBPS        uint64 // what the link is thought to carry; 0 while nothing has shown its end
	RateBPS        uint64 // what the link brings now
	Switches       uint64 // changes of upstream
}

// Route returns how each hop of the stream's way here does, the origin's first; nil on the origin, and
// while no upstream delivers. It is refreshed once a second.
func (l *Lease) Route() []HopStats {
	var hops []HopStats
	for _, h := range l.p.route() {
		hops = append(hops, HopStats{
			Node: h.GetNode(), Upstream: h.GetUpstream(), RTT: time.Duration(h.GetRttUs()) * time.Microsecond,
			Received: h.GetReceived(), Lost: h.GetLost(), RepairedBelow: h.GetRepairedBelow(),
			Missing: h.GetMissing(), Repaired: h.GetRepaired(), Gone: h.GetGone(), Late: h.GetLate(),
			Shed: int(h.GetShed()), RoomBPS: h.GetRoomBps(), RateBPS: h.GetRateBps(), Switches: h.GetSwitches(),
		})
	}
	return hops
}

// route returns the hops from the origin to this node; nil at the origin. What it returns does not change.
func (p *pull) route() []*pb.HopStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hops
}

// setRoute replaces the hops, which the caller does not touch any more.
func (p *pull) setRoute(hops []*pb.HopStats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hops = hops
}
