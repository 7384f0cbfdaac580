package ledger

import (
	"slices"

	pb "freshet/proto"
)

// epoch returns the last one that stream was given, or could have been given.
func (s *State) epoch(stream string) uint64 {
	if p := s.Placements[stream]; p != nil {
		return p.Epoch
	}
	for _, u := range s.unplaced {
		if u.Stream == stream {
			return max(u.Epoch, s.floor)
		}
	}
	return s.floor
}

// place sets origin and standby, where the epoch is the one that is expected. Another origin gets an epoch that no origin
// of the stream has had before, also where the stream had none in between.
func (s *State) place(p *pb.Place, at int64) (pb.Verdict, uint64) {
	if !word(p.Stream, maxName) || !word(p.Origin, maxName) || !wordOrNone(p.Standby, maxName) || p.Standby == p.Origin {
		return pb.Verdict_VERDICT_MALFORMED, 0
	}
	was := s.Placements[p.Stream]
	if have := was.GetEpoch(); have != p.Expect {
		return pb.Verdict_VERDICT_STALE, have
	}
	if s.IsRemoved(p.Origin) || s.IsRemoved(p.Standby) {
		return pb.Verdict_VERDICT_REMOVED, was.GetEpoch()
	}
	if was != nil && was.Origin == p.Origin {
		s.Placements[p.Stream] = &pb.Placement{Stream: p.Stream, Origin: p.Origin, Standby: p.Standby, Epoch: was.Epoch, AtUnixMs: was.AtUnixMs}
		return pb.Verdict_VERDICT_DONE, was.Epoch
	}
	epoch := s.epoch(p.Stream) + 1
	if was == nil && len(s.Placements) >= maxPlacements || epoch > maxPlaceEpoch {
		return pb.Verdict_VERDICT_FULL, was.GetEpoch()
	}
	s.unplaced = slices.DeleteFunc(s.unplaced, func(u *pb.Unplaced) bool { return u.Stream == p.Stream })
	s.Placements[p.Stream] = &pb.Placement{Stream: p.Stream, Origin: p.Origin, Standby: p.Standby, Epoch: epoch, AtUnixMs: at}
	return pb.Verdict_VERDICT_DONE, epoch
}

// unplace takes the origin and the tree from a stream. Its epoch is remembered, so that it rises further.
func (s *State) unplace(u *pb.Unplace) (pb.Verdict, uint64) {
	was := s.Placements[u.Stream]
	if was == nil {
		return pb.Verdict_VERDICT_UNKNOWN, 0
	}
	if was.Epoch != u.Expect {
		return pb.Verdict_VERDICT_STALE, was.Epoch
	}
	delete(s.Placements, u.Stream)
	delete(s.Trees, u.Stream)
	s.unplaced = append(s.unplaced, &pb.Unplaced{Stream: u.Stream, Epoch: was.Epoch})
	if len(s.unplaced) > maxUnplaced {
		s.floor = max(s.floor, s.unplaced[0].Epoch)
		s.unplaced = s.unplaced[1:]
	}
	return pb.Verdict_VERDICT_DONE, was.Epoch
}

// setTree replaces the tree of a stream, where that has the version and the stream the epoch for which the new one was
// made. A version is the index of its entry: none comes twice.
func (s *State) setTree(t *pb.SetTree) (pb.Verdict, uint64) {
	p := s.Placements[t.Stream]
	if p == nil {
		return pb.Verdict_VERDICT_UNKNOWN, 0
	}
	if !hubs(t.Hubs, p) {
		return pb.Verdict_VERDICT_MALFORMED, 0
	}
	if have := s.Trees[t.Stream].GetVersion(); have != t.Expect || p.Epoch != t.Epoch {
		return pb.Verdict_VERDICT_STALE, have
	}
	s.Trees[t.Stream] = &pb.Tree{Stream: t.Stream, Version: s.Index, Epoch: t.Epoch, Hubs: t.Hubs}
	return pb.Verdict_VERDICT_DONE, s.Index
}

// hubs says whether each hub stands there once, below the origin of p, its standby, or a hub that stands there before it: no
// ring closes.
func hubs(list []*pb.Hub, p *pb.Placement) bool {
	if len(list) > maxHubs {
		return false
	}
	above, seen := map[string]bool{"": true, p.Origin: true, p.Standby: true}, map[string]bool{}
	for _, h := range list {
		if !word(h.Node, maxName) || !wordOrNone(h.Region, maxRegion) || seen[h.Node] || !above[h.Parent] || h.Parent == h.Node {
			return false
		}
		above[h.Node], seen[h.Node] = true, true
	}
	return true
}
