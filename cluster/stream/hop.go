package stream

import "time"

// A Hop is one hop of a stream's way to this node, as the node at its lower end sees it. Counts of packets
// of the stream are since its epoch was pulled there, those of the link since the link is known.
type Hop struct {
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
