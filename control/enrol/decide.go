package enrol

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

const (
	maxRegion = 32 // bytes of its name
	names     = 3  // that are tried where control is to make one

	// Addresses in an answer: with the longest there are, of 261 bytes, they take three quarters of join.MaxMessage.
	maxControls = 16
	maxGossip   = 32
)

// enrol lets a node in, or says why not. note gets as whom.
func (s *Server) enrol(ctx context.Context, r *pb.EnrolRequest, note *Note) (*pb.EnrolAnswer, error) {
	u, err := s.read(r)
	if err != nil {
		return nil, err
	}
	g, err := s.use(ctx, u)
	if err != nil {
		return nil, err
	}
	note.Node, note.Region = g.Node, g.Region
	a, err := s.answer(identity.Subject{Node: g.Node, Role: u.Role, Key: u.Key})
	if err != nil {
		return nil, err
	}
	a.Region = g.Region
	if u.Role == identity.RoleControl {
		a.Secrets, err = s.d.Secrets()
	}
	return a, err
}

// read holds a request to its form before its token is looked at, so that a mistake spends none.
func (s *Server) read(r *pb.EnrolRequest) (Use, error) {
	u := Use{Node: r.Node, Role: r.Role, Region: r.Region}
	if len(r.Secret) != jointoken.Size {
		return u, refuse(pb.EnrolCode_ENROL_CODE_MALFORMED, "the join token has a secret of %d bytes, want %d", len(r.Secret), jointoken.Size)
	}
	u.Hash = jointoken.Hash([jointoken.Size]byte(r.Secret))
	err := cmp.Or(identity.CheckRole(r.Role), checkRegion(r.Region))
	if err == nil && r.Node != "" {
		err = identity.CheckNode(r.Node)
	}
	if err != nil {
		return u, refuse(pb.EnrolCode_ENROL_CODE_MALFORMED, "%v", err)
	}
	asked, err := identity.ParseRequest(r.Csr)
	if err == nil && asked.Node != "" && (asked.Node != r.Node || asked.Role != r.Role) {
		err = fmt.Errorf("it names %s %s, and the node says that it is %s %q", asked.Role, asked.Node, r.Role, r.Node)
	}
	if err != nil {
		return u, refuse(pb.EnrolCode_ENROL_CODE_CSR, "the request for a certificate is none that is signed here: %v", err)
	}
	u.Key = asked.Key
	return u, nil
}

// use spends the token, under a name that is made here where the node has none.
func (s *Server) use(ctx context.Context, u Use) (Grant, error) {
	if u.Node != "" {
		return s.d.Registry.UseToken(ctx, u)
	}
	region := u.Region
	if t, ok := s.d.Registry.Token(u.Hash); ok && t.Region != "" {
		region = t.Region
	}
	for range names - 1 {
		u.Node = madeName(u.Role, region)
		if g, err := s.d.Registry.UseToken(ctx, u); !errors.Is(err, ErrNameTaken) {
			return g, err
		}
	}
	u.Node = madeName(u.Role, region)
	return s.d.Registry.UseToken(ctx, u)
}

// madeName returns role-region-xxxxxxxx: eight characters of 32, so that a thousand nodes hardly ever meet.
func madeName(role, region string) string {
	parts := []string{role, strings.ToLower(rand.Text()[:8])}
	if region != "" {
		parts = []string{role, region, parts[1]}
	}
	return strings.Join(parts, "-")
}

// renew signs the next certificate of holder, who has shown the last one.
func (s *Server) renew(ctx context.Context, r *pb.RenewRequest, holder identity.Subject) (*pb.EnrolAnswer, error) {
	asked, err := identity.ParseRequest(r.Csr)
	if err == nil && (asked.Node != "" && (asked.Node != holder.Node || asked.Role != holder.Role) || !asked.Key.Equal(holder.Key)) {
		err = errors.New("it is of another node or key than the certificate that is shown")
	}
	if err != nil {
		return nil, refuse(pb.EnrolCode_ENROL_CODE_CSR, "the request for a certificate is none that is signed here: %v", err)
	}
	if err := s.d.Registry.Renew(ctx, holder); err != nil {
		return nil, err
	}
	return s.answer(holder)
}

func (s *Server) answer(of identity.Subject) (*pb.EnrolAnswer, error) {
	der, err := s.d.CA.Sign(of, s.d.Now())
	if err != nil {
		return nil, err
	}
	return &pb.EnrolAnswer{Certificate: der, Ca: s.d.CA.Certificate(), Mesh: someOf(s.d.Mesh())}, nil
}

// someOf returns as much of m as an answer has room for: a node finds the others by any few.
func someOf(m *pb.MeshSeed) *pb.MeshSeed {
	first := func(all []string, n int) []string { return all[:min(len(all), n)] }
	return &pb.MeshSeed{Controls: first(m.Controls, maxControls), Gossip: first(m.Gossip, maxGossip), GossipKeys: m.GossipKeys}
}

// checkRegion takes no region, too.
func checkRegion(region string) error {
	if region != "" && (len(region) > maxRegion || identity.CheckNode(region) != nil) {
		return fmt.Errorf("region %.80q: want 1 to %d of [a-z0-9.-]", region, maxRegion)
	}
	return nil
}

// clip keeps of what a stranger has written as much as a note needs.
func clip(s string) string {
	const enough = 64
	return strings.ToValidUTF8(s[:min(len(s), enough)], "")
}
