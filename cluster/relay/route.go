package relay

import (
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
)

// Route returns how each hop of the stream's way here does, the origin's first; nil on the origin, and
// while no upstream delivers. It is refreshed once a second.
func (l *Lease) Route() []stream.Hop {
	var hops []stream.Hop
	for _, h := range l.p.route() {
		hops = append(hops, stream.Hop{
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
