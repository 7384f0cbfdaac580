package ledger

import (
	"bytes"

	pb "freshet/proto"
)

// certificateLife is how long a removed node may still hold a certificate: 24 h, and as much again for clocks and for
// entries that come late. Its name is kept as long, however many others are removed.
const certificateLife = 48 * 60 * 60 * 1000 // ms

// putNode lets n in. A node has one role and one key for life, and one name: who comes with another has that one from then on. The name of a
// removed node is free.
func (s *State) putNode(n *pb.PutNode, at int64) pb.Verdict {
	if !word(n.Node, maxName) || !role(n.Role) || !wordOrNone(n.Region, maxRegion) || len(n.Key) != keySize {
		return pb.Verdict_VERDICT_MALFORMED
	}
	for _, r := range s.Removed {
		if bytes.Equal(r.Key, n.Key) {
			return pb.Verdict_VERDICT_REMOVED
		}
	}
	was := s.Nodes[n.Node]
	if was != nil {
		if was.Role != n.Role || !bytes.Equal(was.Key, n.Key) {
			return pb.Verdict_VERDICT_TAKEN
		}
		s.Nodes[n.Node] = &pb.NodeRecord{Node: n.Node, Role: n.Role, Region: n.Region, Key: n.Key, State: was.State, AtUnixMs: was.AtUnixMs}
		return pb.Verdict_VERDICT_DONE
	}
	old := ""
	for name, other := range s.Nodes {
		if bytes.Equal(other.Key, n.Key) { // there is one at most
			old = name
		}
	}
	if old != "" && s.Nodes[old].Role != n.Role {
		return pb.Verdict_VERDICT_TAKEN
	}
	if delete(s.Nodes, old); len(s.Nodes) >= maxNodes {
		return pb.Verdict_VERDICT_FULL
	}
	s.Nodes[n.Node] = &pb.NodeRecord{
		Node: n.Node, Role: n.Role, Region: n.Region, Key: n.Key, State: pb.AdminState_ADMIN_STATE_IN, AtUnixMs: at,
	}
	return pb.Verdict_VERDICT_DONE
}

func (s *State) setAdmin(a *pb.SetAdmin) pb.Verdict {
	if a.State == pb.AdminState_ADMIN_STATE_UNSPECIFIED {
		return pb.Verdict_VERDICT_MALFORMED
	}
	was := s.Nodes[a.Node]
	if was == nil {
		return s.missing(a.Node)
	}
	s.Nodes[a.Node] = &pb.NodeRecord{Node: was.Node, Role: was.Role, Region: was.Region, Key: was.Key, State: a.State, AtUnixMs: was.AtUnixMs}
	return pb.Verdict_VERDICT_DONE
}

// removeNode leaves placements and trees alone: what becomes of those is placement's to decide.
func (s *State) removeNode(r *pb.RemoveNode, at int64) pb.Verdict {
	was := s.Nodes[r.Node]
	if was == nil {
		return s.missing(r.Node)
	}
	if len(s.Removed) >= maxRemoved {
		if at-s.Removed[0].AtUnixMs < certificateLife {
			return pb.Verdict_VERDICT_FULL
		}
		s.Removed = s.Removed[1:]
	}
	delete(s.Nodes, r.Node)
	s.Removed = append(s.Removed, &pb.RemovedNode{Node: r.Node, Key: was.Key, AtUnixMs: at})
	return pb.Verdict_VERDICT_DONE
}

func (s *State) missing(node string) pb.Verdict {
	if s.IsRemoved(node) {
		return pb.Verdict_VERDICT_REMOVED
	}
	return pb.Verdict_VERDICT_UNKNOWN
}
