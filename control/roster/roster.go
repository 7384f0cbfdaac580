// Package roster is who is in the cluster, by the ledger that control nodes share: whom a join token lets in, who was taken
// out, which nodes take nothing new, and the keys of gossip.
package roster

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"time"

	"freshet/cluster/identity"
	"freshet/control/enrol"
	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// Ledger is what control nodes agree on; see control/quorum.
type Ledger interface {
	Apply(ctx context.Context, e *pb.Entry) (quorum.Result, error)
	Read(ctx context.Context) (*ledger.State, error)
	State() *ledger.State
	Changed() <-chan struct{}
}

// A Roster implements enrol.Registry. It may be used from any goroutine.
type Roster struct {
	ledger Ledger
	now    func() time.Time
}

// New returns the roster that l holds.
func New(l Ledger, now func() time.Time) *Roster { return &Roster{l, now} }

// write writes one entry, and returns why the ledger refuses it.
func (r *Roster) write(ctx context.Context, e *pb.Entry) error {
	done, err := r.ledger.Apply(ctx, e)
	if err != nil {
		return err
	}
	return done.Err()
}

// AddToken implements enrol.Registry.
func (r *Roster) AddToken(ctx context.Context, t enrol.Token) error {
	return r.write(ctx, &pb.Entry{Body: &pb.Entry_AddToken{AddToken: &pb.AddToken{
		SecretSha256: t.Hash[:], Role: t.Role, Region: t.Region, ValidMs: t.Expires.Sub(r.now()).Milliseconds(),
	}}})
}

// Token implements enrol.Registry.
func (r *Roster) Token(hash [sha256.Size]byte) (enrol.Token, bool) {
	t := r.ledger.State().Tokens[hash]
	if t == nil {
		return enrol.Token{}, false
	}
	return enrol.Token{Hash: hash, Role: t.Role, Region: t.Region, Expires: time.UnixMilli(t.ExpiresUnixMs)}, true
}

// UseToken implements enrol.Registry.
func (r *Roster) UseToken(ctx context.Context, u enrol.Use) (enrol.Grant, error) {
	u.Node = sameAgain(r.ledger.State(), u)
	err := r.use(ctx, u)
	if errors.Is(err, quorum.Refusal(pb.Verdict_VERDICT_USED)) {
		// By the same key, perhaps, whose first answer was lost, and which this node has not heard of yet.
		state, unread := r.ledger.Read(ctx)
		if unread != nil {
			return enrol.Grant{}, unread
		}
		if again := sameAgain(state, u); again != u.Node {
			u.Node = again
			err = r.use(ctx, u)
		}
	}
	if err != nil {
		return enrol.Grant{}, registryError(err)
	}
	g := enrol.Grant{Node: u.Node, Region: u.Region}
	if t, ok := r.Token(u.Hash); ok && t.Region != "" {
		g.Region = t.Region
	}
	return g, nil
}

func (r *Roster) use(ctx context.Context, u enrol.Use) error {
	return r.write(ctx, &pb.Entry{Body: &pb.Entry_UseToken{UseToken: &pb.UseToken{
		SecretSha256: u.Hash[:], Node: &pb.PutNode{Node: u.Node, Role: u.Role, Region: u.Region, Key: u.Key},
	}}})
}

// sameAgain returns the name under which u's key has used its token before or, where it has not, the one that it asks for.
func sameAgain(s *ledger.State, u enrol.Use) string {
	t := s.Tokens[u.Hash]
	if t == nil || t.UsedBy == "" {
		return u.Node
	}
	if n := s.Nodes[t.UsedBy]; n != nil && bytes.Equal(n.Key, u.Key) {
		return t.UsedBy
	}
	return u.Node
}

// registryError says in a registry's words what the ledger has refused.
func registryError(err error) error {
	for verdict, as := range map[pb.Verdict]error{
		pb.Verdict_VERDICT_UNKNOWN: enrol.ErrTokenUnknown, pb.Verdict_VERDICT_EXPIRED: enrol.ErrTokenExpired,
		pb.Verdict_VERDICT_USED: enrol.ErrTokenUsed, pb.Verdict_VERDICT_WRONG_ROLE: enrol.ErrWrongRole,
		pb.Verdict_VERDICT_TAKEN: enrol.ErrNameTaken, pb.Verdict_VERDICT_REMOVED: enrol.ErrRemoved,
	} {
		if errors.Is(err, quorum.Refusal(verdict)) {
			return as
		}
	}
	return err
}

// Renew implements enrol.Registry.
func (r *Roster) Renew(_ context.Context, s identity.Subject) error {
	state := r.ledger.State()
	if n := state.Nodes[s.Node]; n != nil && n.Role == s.Role && s.Key.Equal(ed25519.PublicKey(n.Key)) {
		return nil
	}
	for _, gone := range state.Removed {
		if s.Key.Equal(ed25519.PublicKey(gone.Key)) {
			return enrol.ErrRemoved
		}
	}
	return enrol.ErrUnregistered
}

// Remove implements enrol.Registry.
func (r *Roster) Remove(ctx context.Context, node string) error {
	err := r.write(ctx, &pb.Entry{Body: &pb.Entry_RemoveNode{RemoveNode: &pb.RemoveNode{Node: node}}})
	if errors.Is(err, quorum.Refusal(pb.Verdict_VERDICT_UNKNOWN)) || errors.Is(err, quorum.Refusal(pb.Verdict_VERDICT_REMOVED)) {
		return enrol.ErrUnregistered
	}
	return err
}

// Admit lets a node in that control has made itself, without a token. Who is in stays.
func (r *Roster) Admit(ctx context.Context, s identity.Subject, region string) error {
	if n := r.ledger.State().Nodes[s.Node]; n != nil && n.Role == s.Role && n.Region == region && s.Key.Equal(ed25519.PublicKey(n.Key)) {
		return nil
	}
	return r.write(ctx, &pb.Entry{Body: &pb.Entry_PutNode{PutNode: &pb.PutNode{Node: s.Node, Role: s.Role, Region: region, Key: s.Key}}})
}

// SetState drains a node, cordons it, or takes it back. The error is enrol.ErrUnregistered where there is none of that name.
func (r *Roster) SetState(ctx context.Context, node string, state pb.AdminState) error {
	err := r.write(ctx, &pb.Entry{Body: &pb.Entry_SetAdmin{SetAdmin: &pb.SetAdmin{Node: node, State: state}}})
	if errors.Is(err, quorum.Refusal(pb.Verdict_VERDICT_UNKNOWN)) || errors.Is(err, quorum.Refusal(pb.Verdict_VERDICT_REMOVED)) {
		return enrol.ErrUnregistered
	}
	return err
}

// Removed are the nodes that were taken out, as identity and gossip refuse them.
func Removed(s *ledger.State) []identity.Removed {
	all := make([]identity.Removed, 0, len(s.Removed))
	for _, r := range s.Removed {
		all = append(all, identity.Removed{Node: r.Node, Key: r.Key})
	}
	return all
}
