package member

import (
	"cmp"
	"math"
	"slices"

	pb "freshet/proto"
)

const maxLayers = 4 // whose rates are told of a stream

// StateOf returns what gossip tells of f: as much of it as all nodes need.
func StateOf(f *pb.NodeFacts) *pb.NodeState {
	n := &pb.NodeState{
		Addresses: &pb.Addresses{Whip: f.Whip, Whep: f.Whep, Rtt: f.Rtt, Relay: f.Relay, Metrics: f.Metrics},
		Pid:       f.Pid, Viewers: f.Viewers, LoadPermille: f.LoadPermille, CapacityMbps: f.CapacityMbps,
	}
	for _, s := range f.Streams {
		a := &pb.Announcement{Stream: s.Id, Epoch: s.Epoch, Live: s.Live, Hops: s.Hops, Viewers: s.Viewers, Upstream: s.Upstream, LossPermille: s.LossPermille}
		if s.Hops == 0 {
			a.LayerKbps = Layers(s)
		}
		n.Announcements = append(n.Announcements, a)
	}
	return n
}

// FactsOf is as much of a node's facts as StateOf has left.
func FactsOf(n *pb.NodeState) *pb.NodeFacts {
	a := n.GetAddresses()
	f := &pb.NodeFacts{
		Whip: a.GetWhip(), Whep: a.GetWhep(), Rtt: a.GetRtt(), Relay: a.GetRelay(), Metrics: a.GetMetrics(),
		Pid: n.GetPid(), Viewers: n.GetViewers(), LoadPermille: n.GetLoadPermille(), CapacityMbps: n.GetCapacityMbps(),
	}
	for _, s := range n.GetAnnouncements() {
		f.Streams = append(f.Streams, &pb.StreamFacts{
			Id: s.Stream, Epoch: s.Epoch, Live: s.Live, Hops: s.Hops, Viewers: s.Viewers, Upstream: s.Upstream,
			LayerKbps: s.LayerKbps, LossPermille: s.LossPermille,
		})
	}
	return f
}

// Layers returns what each layer of a stream adds, in kbit/s: the lowest with all that has no layers.
func Layers(s *pb.StreamFacts) []uint32 {
	if len(s.Flows) == 0 {
		return s.LayerKbps // of a node that gossip alone tells of
	}
	var video []*pb.FlowFacts
	var base uint64
	for _, f := range s.Flows {
		if f.Rid != "" {
			video = append(video, f)
		} else {
			base += f.BitrateBps
		}
	}
	slices.SortStableFunc(video, func(a, b *pb.FlowFacts) int { return cmp.Compare(a.Height, b.Height) })
	rates := []uint64{base}
	for i, f := range video {
		if i == 0 || len(rates) == maxLayers {
			rates[len(rates)-1] += f.BitrateBps
		} else {
			rates = append(rates, f.BitrateBps)
		}
	}
	kbps := make([]uint32, len(rates))
	for i, r := range rates {
		kbps[i] = uint32(min(r/1000, math.MaxInt32/1000))
	}
	return kbps
}
