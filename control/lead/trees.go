package lead

import (
	"cmp"
	"slices"

	"freshet/cluster/member"
	"freshet/cluster/tree"
	"freshet/control/node"
	"freshet/control/place"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// typicalBPS is taken for a stream of which nobody says what its layers add.
const typicalBPS = 4e6

// trees makes the trees of streams that are on the air where they are placed, and that somebody takes. Others keep theirs.
func (l *Lead) trees(m place.Mesh, all []node.Node, s *ledger.State, placed map[string]place.Placement) []*pb.Entry {
	streams, previous := onAir(m, all, s, placed)
	if len(streams) == 0 {
		l.m.short.Set(0)
		return nil
	}
	d := place.Trees(m, streams, previous)
	l.m.short.Set(float64(len(d.Short)))
	var writes []*pb.Entry
	for _, st := range streams {
		hubs := hubsOf(d.Trees[st.ID])
		was := s.Trees[st.ID]
		epoch := s.Placements[st.ID].GetEpoch()
		if was != nil && was.Epoch == epoch && slices.EqualFunc(was.Hubs, hubs, sameHub) || was == nil && len(hubs) == 0 {
			continue
		}
		writes = append(writes, &pb.Entry{Body: &pb.Entry_SetTree{SetTree: &pb.SetTree{
			Stream: st.ID, Epoch: epoch, Expect: was.GetVersion(), Hubs: hubs,
		}}})
	}
	return writes
}

// onAir returns the streams that a tree is made for, with the trees they have.
func onAir(m place.Mesh, all []node.Node, s *ledger.State, placed map[string]place.Placement) ([]place.Stream, map[string]tree.Tree) {
	at := map[string]place.Point{}
	for _, n := range m.Nodes {
		at[n.Name] = n.At
	}
	demand, layers := map[string][]place.Demand{}, map[string][]int64{}
	for _, n := range all {
		for _, f := range n.Facts.GetStreams() {
			p, ok := placed[f.Id]
			switch {
			case !ok:
			case n.Name == p.Origin && f.Live:
				layers[f.Id] = layersOf(f)
			case n.Role == string(place.RoleEdge):
				demand[f.Id] = append(demand[f.Id], place.Demand{Edge: n.Name, Viewers: int(f.Viewers)})
			}
		}
	}
	var streams []place.Stream
	previous := map[string]tree.Tree{}
	for id, rates := range layers {
		// A move that is not written yet has its tree made in the next round, for the epoch it has by then.
		if p := s.Placements[id]; p == nil || p.Origin != placed[id].Origin {
			continue
		}
		d := demand[id]
		for i := range d {
			d[i].Layer = len(rates) - 1
		}
		st := place.Stream{ID: id, Origin: placed[id].Origin, Publisher: at[placed[id].Origin], LayerBPS: rates, Demand: d}
		streams = append(streams, st)
		if t := s.Trees[id]; t != nil {
			previous[id] = treeOf(st.Origin, t)
		}
	}
	slices.SortFunc(streams, func(a, b place.Stream) int { return cmp.Compare(a.ID, b.ID) })
	return streams, previous
}

func layersOf(f *pb.StreamFacts) []int64 {
	var rates []int64
	for _, kbps := range member.Layers(f) {
		rates = append(rates, int64(kbps)*1000)
	}
	if len(rates) == 0 || rates[0] == 0 {
		return []int64{typicalBPS}
	}
	return rates
}

func treeOf(origin string, t *pb.Tree) tree.Tree {
	out := tree.Tree{Origin: origin}
	for _, h := range t.Hubs {
		out.Hubs = append(out.Hubs, tree.Hub{Node: h.Node, Region: h.Region, Parent: h.Parent})
	}
	return out
}

// hubsOf returns t's hubs as the ledger takes them: each after its parent.
func hubsOf(t tree.Tree) []*pb.Hub {
	var hubs []*pb.Hub
	done := map[string]bool{"": true, t.Origin: true}
	left := slices.Clone(t.Hubs)
	for len(left) > 0 {
		rest := left[:0]
		for _, h := range left {
			if !done[h.Parent] {
				rest = append(rest, h)
				continue
			}
			hubs = append(hubs, &pb.Hub{Node: h.Node, Region: h.Region, Parent: h.Parent})
			done[h.Node] = true
		}
		if len(rest) == len(left) {
			break // what is left hangs on nothing
		}
		left = rest
	}
	return hubs
}

func sameHub(a, b *pb.Hub) bool {
	return a.Node == b.Node && a.Region == b.Region && a.Parent == b.Parent
}
