package ledger

import (
	"maps"
	"slices"

	pb "freshet/proto"
)

// A State is what a ledger says at one index. Messages in it are replaced and never changed; whoever is given one reads
// it only.
type State struct {
	Index      uint64 // of the newest entry in it
	Nodes      map[string]*pb.NodeRecord
	Removed    []*pb.RemovedNode // oldest first
	Tokens     map[TokenHash]*pb.JoinToken
	Placements map[string]*pb.Placement // by stream
	Trees      map[string]*pb.Tree      // by stream
	Keys       map[KeyName]*pb.KeyRecord
	Settings   map[string][]byte

	unplaced []*pb.Unplaced // oldest first
	floor    uint64         // epoch of all streams that are nowhere else
}

// A TokenHash is the SHA-256 of a join token's secret.
type TokenHash [32]byte

// A KeyName names a key.
type KeyName struct {
	Kind pb.KeyKind
	ID   string
}

func empty() State {
	return State{
		Nodes: map[string]*pb.NodeRecord{}, Tokens: map[TokenHash]*pb.JoinToken{}, Placements: map[string]*pb.Placement{},
		Trees: map[string]*pb.Tree{}, Keys: map[KeyName]*pb.KeyRecord{}, Settings: map[string][]byte{},
	}
}

func (s *State) clone() *State {
	c := *s
	c.Nodes, c.Tokens, c.Placements = maps.Clone(s.Nodes), maps.Clone(s.Tokens), maps.Clone(s.Placements)
	c.Trees, c.Keys, c.Settings = maps.Clone(s.Trees), maps.Clone(s.Keys), maps.Clone(s.Settings)
	c.Removed, c.unplaced = slices.Clone(s.Removed), slices.Clone(s.unplaced)
	return &c
}

// IsRemoved says whether node was taken out, and nobody came in under its name since.
func (s *State) IsRemoved(node string) bool {
	return s.Nodes[node] == nil && slices.ContainsFunc(s.Removed, func(r *pb.RemovedNode) bool { return r.Node == node })
}

// InUse returns the key of kind that signs or encrypts, nil where there is none.
func (s *State) InUse(kind pb.KeyKind) *pb.KeyRecord {
	for _, k := range s.Keys {
		if k.Kind == kind && k.InUse {
			return k // there is one at most
		}
	}
	return nil
}

// take makes the change that e asks for, or none, and says which.
func (s *State) take(e *pb.Entry) *pb.Outcome {
	var v pb.Verdict
	var number uint64
	at := e.AtUnixMs
	switch b := e.Body.(type) {
	case *pb.Entry_PutNode:
		v = s.putNode(b.PutNode, at)
	case *pb.Entry_SetAdmin:
		v = s.setAdmin(b.SetAdmin)
	case *pb.Entry_RemoveNode:
		v = s.removeNode(b.RemoveNode, at)
	case *pb.Entry_AddToken:
		v = s.addToken(b.AddToken, at)
	case *pb.Entry_UseToken:
		v = s.useToken(b.UseToken, at)
	case *pb.Entry_Place:
		v, number = s.place(b.Place, at)
	case *pb.Entry_Unplace:
		v, number = s.unplace(b.Unplace)
	case *pb.Entry_SetTree:
		v, number = s.setTree(b.SetTree)
	case *pb.Entry_PutKey:
		v = s.putKey(b.PutKey, at)
	case *pb.Entry_UseKey:
		v = s.useKey(b.UseKey)
	case *pb.Entry_RetireKey:
		v = s.retireKey(b.RetireKey)
	case *pb.Entry_PutSetting:
		v = s.putSetting(b.PutSetting)
	}
	return &pb.Outcome{Verdict: v, Number: number}
}
