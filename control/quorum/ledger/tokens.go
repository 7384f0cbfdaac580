package ledger

import (
	"bytes"

	pb "freshet/proto"
)

const (
	maxTokenLife = 24 * 60 * 60 * 1000 // ms
	// Tokens are known for a day after they have run out, so that who brings one is told that, and not that there is none.
	tokenMemory = 24 * 60 * 60 * 1000
)

func (s *State) addToken(t *pb.AddToken, at int64) pb.Verdict {
	if len(t.SecretSha256) != len(TokenHash{}) || !role(t.Role) || !wordOrNone(t.Region, maxRegion) || t.ValidMs <= 0 || t.ValidMs > maxTokenLife {
		return pb.Verdict_VERDICT_MALFORMED
	}
	for h, old := range s.Tokens {
		if at-old.ExpiresUnixMs > tokenMemory {
			delete(s.Tokens, h) // the same ones in any order
		}
	}
	h := TokenHash(t.SecretSha256)
	if s.Tokens[h] != nil {
		return pb.Verdict_VERDICT_TAKEN
	}
	if len(s.Tokens) >= maxTokens {
		return pb.Verdict_VERDICT_FULL
	}
	s.Tokens[h] = &pb.JoinToken{SecretSha256: t.SecretSha256, Role: t.Role, Region: t.Region, ExpiresUnixMs: at + t.ValidMs}
	return pb.Verdict_VERDICT_DONE
}

// useToken uses up a token and lets in its bearer, both or neither. Who did that and lost the answer may do it again,
// with the same key, while the token has not run out.
func (s *State) useToken(u *pb.UseToken, at int64) pb.Verdict {
	n := u.Node
	if n == nil || len(u.SecretSha256) != len(TokenHash{}) {
		return pb.Verdict_VERDICT_MALFORMED
	}
	h := TokenHash(u.SecretSha256)
	t := s.Tokens[h]
	switch {
	case t == nil:
		return pb.Verdict_VERDICT_UNKNOWN
	case at >= t.ExpiresUnixMs:
		return pb.Verdict_VERDICT_EXPIRED
	case t.UsedBy != "" && !s.is(t.UsedBy, n):
		return pb.Verdict_VERDICT_USED
	case t.Role != n.Role:
		return pb.Verdict_VERDICT_WRONG_ROLE
	}
	region := n.Region
	if t.Region != "" {
		region = t.Region
	}
	v := s.putNode(&pb.PutNode{Node: n.Node, Role: n.Role, Region: region, Key: n.Key}, at)
	if v == pb.Verdict_VERDICT_DONE {
		s.Tokens[h] = &pb.JoinToken{
			SecretSha256: t.SecretSha256, Role: t.Role, Region: t.Region, ExpiresUnixMs: t.ExpiresUnixMs, UsedBy: n.Node,
		}
	}
	return v
}

// is says whether the node that is in by name is n.
func (s *State) is(name string, n *pb.PutNode) bool {
	in := s.Nodes[name]
	return in != nil && name == n.Node && bytes.Equal(in.Key, n.Key)
}
