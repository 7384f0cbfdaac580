package roster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// A gossip key is used once all nodes have it, and the one before is forgotten once all use it. A node that does not say so
// within patience, for each of the two, is left behind: it is told the keys when it comes back to control.
const patience = time.Minute

// ErrRotating is the error of a rotation that is asked for while one goes on.
var ErrRotating = errors.New("the key is being changed already")

// A Box seals secrets for the ledger; see control/keys.
type Box interface {
	Seal(name string, secret []byte) []byte
	Open(name string, sealed []byte) ([]byte, error)
}

// Gossip returns the keys of gossip in s, the one that encrypts first; none where s has none yet.
func Gossip(s *ledger.State, box Box) ([][]byte, error) {
	var keys [][]byte
	for _, r := range records(s, pb.KeyKind_KEY_KIND_GOSSIP) {
		key, err := box.Open(r.Id, r.Sealed)
		if err != nil {
			return nil, fmt.Errorf("gossip key %s: %w", r.Id, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// records are those of keys of a kind, the one in use first.
func records(s *ledger.State, kind pb.KeyKind) []*pb.KeyRecord {
	var all []*pb.KeyRecord
	for _, k := range s.Keys {
		if k.Kind == kind {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b *pb.KeyRecord) int {
		if a.InUse != b.InUse {
			if a.InUse {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.AtUnixMs, b.AtUnixMs), cmp.Compare(a.Id, b.Id))
	})
	return all
}

// AddGossip puts a key of gossip into the ledger. The first is used at once.
func (r *Roster) AddGossip(ctx context.Context, box Box, key []byte) error {
	id := fmt.Sprintf("gossip-%d", r.now().UnixMilli())
	return r.write(ctx, &pb.Entry{Body: &pb.Entry_PutKey{PutKey: &pb.PutKey{
		Kind: pb.KeyKind_KEY_KIND_GOSSIP, Id: id, Sealed: box.Seal(id, key),
	}}})
}

// Rotate begins the change of the gossip key to key. The error is ErrRotating while one goes on.
func (r *Roster) Rotate(ctx context.Context, box Box, key []byte) error {
	s, err := r.ledger.Read(ctx)
	if err != nil {
		return err
	}
	if len(records(s, pb.KeyKind_KEY_KIND_GOSSIP)) > 1 {
		return ErrRotating
	}
	return r.AddGossip(ctx, box, key)
}

// Turn goes on with a rotation by one step, where it is time. held says whether all nodes that are there hold the keys
// which the ledger has, in its order. The leader calls it again and again.
func (r *Roster) Turn(ctx context.Context, held bool) error {
	all := records(r.ledger.State(), pb.KeyKind_KEY_KIND_GOSSIP)
	if len(all) < 2 {
		return nil
	}
	used, other := all[0], all[1]
	begun := time.UnixMilli(max(used.AtUnixMs, other.AtUnixMs))
	age := r.now().Sub(begun)
	switch {
	case used.AtUnixMs < other.AtUnixMs && (held || age > patience):
		return r.write(ctx, &pb.Entry{Body: &pb.Entry_UseKey{UseKey: &pb.UseKey{Kind: pb.KeyKind_KEY_KIND_GOSSIP, Id: other.Id}}})
	case used.AtUnixMs >= other.AtUnixMs && (held || age > 2*patience):
		return r.write(ctx, &pb.Entry{Body: &pb.Entry_RetireKey{RetireKey: &pb.RetireKey{Kind: pb.KeyKind_KEY_KIND_GOSSIP, Id: other.Id}}})
	}
	return nil
}
