package relay

import (
	"slices"
	"time"

	"freshet/cluster/trace"
	pb "freshet/proto"
)

// A feed is one subscription at a source. The puller that made it owns it; source, id and pull never change.
// The source sets ids, before it tells the puller of the accept.
type feed struct {
	source *source
	id     uint64
	pull   *pull
	ids    []uint64 // flow ids on the link, by index in the stream

	// The puller's own.
	side     side
	answerBy time.Time
	returns  bool       // asked because it is better, not because the other is in trouble
	poor     bool       // its way loses too much, and another is sought
	leaving  bool       // upstream drains: it delivers until it is let go, or its link ends
	asked    trace.Span // until its answer
	change   trace.Span // of a second feed: until it takes the place of the first

	// Since the accept.
	accepted time.Time // zero before
	epoch    uint64
	path     []string  // from the origin to this node
	idle     []bool    // by index in the stream: told upstream that nobody watches it
	shed     []bool    // upstream holds it back
	base     []tally   // of the trackers then
	got      uint64    // packets
	brought  time.Time // the first of them
	before   uint64    // that the other feed had got then
	hops     []*pb.HopStats
	room     uint64 // bit/s that upstream takes the link for
}

// open says whether packets come by it.
func (f *feed) open() bool { return !f.accepted.IsZero() }

// rank returns f's place among the upstreams, the best first; behind them all where f's is none of them any more.
func (u *puller) rank(f *feed) int {
	if i := slices.Index(u.ups, f.source.up); i >= 0 {
		return i
	}
	return len(u.ups)
}

// leaves says whether f is to be let go as soon as another does well.
func (u *puller) leaves(f *feed) bool { return f.leaving || !slices.Contains(u.ups, f.source.up) }

// feeds returns those there are, the first one first. What it returns is good until the next call.
func (u *puller) feeds() []*feed {
	u.both = u.both[:0]
	for _, f := range [sides]*feed{u.first, u.second} {
		if f != nil {
			u.both = append(u.both, f)
		}
	}
	return u.both
}

// askable returns the sides to ask for what is missing of a flow, the best first: those that are heard of
// before the others. What it returns is good until the next call.
func (u *puller) askable(flow int) []side {
	u.order = u.order[:0]
	for _, want := range []standing{alive, suspect} {
		for _, f := range u.feeds() {
			if f.open() && !f.shed[flow] && !f.idle[flow] && f.source.standing() == want {
				u.order = append(u.order, f.side)
			}
		}
	}
	return u.order
}

// openSides has a bit for each side whose feed is open and brings flow.
func (u *puller) openSides(flow int) (bits uint8) {
	for _, f := range u.feeds() {
		if f.open() && !f.shed[flow] && !f.idle[flow] {
			bits |= 1 << f.side
		}
	}
	return bits
}

// on returns the feed of a side.
func (u *puller) on(s side) *feed {
	for _, f := range u.feeds() {
		if f.side == s {
			return f
		}
	}
	return nil
}

// pace says how to ask f's upstream for what is missing.
func (f *feed) pace() pace {
	p, ok := f.source.link.path()
	return paceOf(time.Duration(f.source.link.rtt.Load()), ok && !p.Plain)
}
