package ops

import (
	"freshet/control/node"
	pb "freshet/proto"
)

// begunOf returns, of each stream, what whoever it begins at carries.
func begunOf(facts map[string]node.Node) map[string]*pb.StreamFacts {
	begun := map[string]*pb.StreamFacts{}
	for _, n := range facts {
		for _, f := range n.Facts.GetStreams() {
			if was := begun[f.Id]; f.Hops == 0 && f.Live && (was == nil || was.Epoch < f.Epoch) {
				begun[f.Id] = f
			}
		}
	}
	return begun
}

// carries fills in what h carries of a stream that is begun elsewhere, as far as f says so: gossip leaves it out.
func (h *Hop) carries(f, begun *pb.StreamFacts) {
	type line struct{ track, rid string }
	have := map[line]bool{}
	var bps uint64
	for _, l := range f.Flows {
		if l.BitrateBps > 0 {
			have[line{l.Track, l.Rid}] = true
			bps += l.BitrateBps
		}
	}
	h.Kbps = int(bps / 1000)
	if len(have) == 0 || f.Hops == 0 || !f.Live {
		return
	}
	var saved uint64
	for _, l := range begun.GetFlows() {
		if l.Rid != "" && l.BitrateBps > 0 && !have[line{l.Track, l.Rid}] {
			h.Unwatched++
			saved += l.BitrateBps
		}
	}
	h.SavedKbps = int(saved / 1000)
}
