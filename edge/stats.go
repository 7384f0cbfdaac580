package edge

import (
	"encoding/json"
	"net/http"
	"time"

	"freshet/cluster/stream"
)

// StatsLink is the relation under which a session announces its statistics.
const StatsLink = "urn:ietf:params:whep:ext:freshet:stats"

// Stats is the body of GET stats: how the session's stream comes to the edge. What lies between the edge and the
// viewer, the viewer's own WebRTC counts.
type Stats struct {
	Stream string     `json:"stream"`
	Node   string     `json:"node"` // this edge
	Hops   []HopStats `json:"hops"` // the origin's first; none while they are not known
}

// HopStats is one hop as its lower end sees it. Counts are since the stream came there. Fields as in stream.Hop.
type HopStats struct {
	Node          string  `json:"node"`
	Upstream      string  `json:"upstream"`
	RTT           float64 `json:"rtt_ms"`
	Received      uint64  `json:"received"`
	Lost          uint64  `json:"lost"`
	RepairedBelow uint64  `json:"repaired_below"`
	Missing       uint64  `json:"missing"`
	Repaired      uint64  `json:"repaired"`
	Gone          uint64  `json:"gone"`
	Late          uint64  `json:"late"`
	Shed          int     `json:"shed"`
	RoomBPS       uint64  `json:"room_bps"`
	RateBPS       uint64  `json:"rate_bps"`
	Switches      uint64  `json:"switches"`
}

func hopStats(h stream.Hop) HopStats {
	return HopStats{
		Node: h.Node, Upstream: h.Upstream, RTT: float64(h.RTT) / float64(time.Millisecond), Received: h.Received,
		Lost: h.Lost, RepairedBelow: h.RepairedBelow, Missing: h.Missing, Repaired: h.Repaired, Gone: h.Gone, Late: h.Late,
		Shed: h.Shed, RoomBPS: h.RoomBPS, RateBPS: h.RateBPS, Switches: h.Switches,
	}
}

// showStats answers from what the node knows; no shard and no other node is asked.
func (s *session) showStats(w http.ResponseWriter) {
	out := Stats{Stream: s.stream, Node: s.edge.cfg.Node, Hops: []HopStats{}}
	for _, h := range s.hold.Route() {
		out.Hops = append(out.Hops, hopStats(h))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out) // the viewer may be gone
}
