package relay

import (
	"cmp"
	"slices"
	"time"

	"freshet/cluster/shim"
)

// A LinkState is a link as it is now.
type LinkState struct {
	Peer, Role, Region string // of the node at the other end
	Remote             string // its address
	Upstream           bool   // this node dialled, and takes streams from it
	Version            int    // of the protocol spoken on it
	RTT                time.Duration
	BytesIn, BytesOut  int64 // of RTP, groups and repairs included
	Conns              []ConnState
	Path               shim.Path // what the repair layer knows
	RoomBPS            int64     // downstream: what the path is thought to carry; 0 while nothing has shown its end
	Shed               int       // downstream: flows held back for want of room
}

// A ConnState is one QUIC connection of a link.
type ConnState struct {
	Index  int
	Window int // bytes of QUIC's congestion window
	RTT    time.Duration
	Since  time.Time
}

// Links returns all links, by peer. Any goroutine may call it.
func (r *Relay) Links() []LinkState {
	var all []LinkState
	for _, l := range r.linksNow() {
		all = append(all, l.state())
	}
	slices.SortFunc(all, func(a, b LinkState) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Remote, b.Remote))
	})
	return all
}

func (r *Relay) linksNow() []*link {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*link
	for l := range r.links {
		all = append(all, l)
	}
	return all
}

func (l *link) state() LinkState {
	s := LinkState{
		Peer: l.node, Role: l.role, Region: l.region, Remote: l.main.remote().String(), Upstream: l.dialled, Version: int(l.version),
		RTT: time.Duration(l.rtt.Load()), BytesIn: l.rtpIn.Load(), BytesOut: l.rtpOut.Load(),
		RoomBPS: l.room.Load(), Shed: int(l.held.Load()),
	}
	s.Path, _ = l.path()
	for _, c := range l.all() {
		st := c.quic.ConnectionStats()
		s.Conns = append(s.Conns, ConnState{Index: c.index(), Window: int(st.CongestionWindow), RTT: st.SmoothedRTT, Since: c.since})
	}
	return s
}
