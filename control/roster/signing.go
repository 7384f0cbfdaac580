package roster

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"freshet/control/keys"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// A signing key is told to nodes before it signs, so that none meets a token it cannot check, and for as long as its tokens
// may count after another signs.
const (
	signingLife  = 30 * 24 * time.Hour
	signingAhead = 10 * time.Minute
	signingAfter = 45 * time.Minute // a token lives for 30 minutes
)

// Signing returns the keys of viewer tokens in s: the one that signs and the others; ok is false where s has none yet.
func Signing(s *ledger.State, box Box) (use keys.SigningKey, others []keys.SigningKey, ok bool, err error) {
	for _, r := range records(s, pb.KeyKind_KEY_KIND_SIGNING) {
		seed, err := box.Open(r.Id, r.Sealed)
		if err == nil && len(seed) != ed25519.SeedSize {
			err = keys.ErrBox
		}
		if err != nil {
			return use, nil, false, fmt.Errorf("signing key %s: %w", r.Id, err)
		}
		k := keys.NewSigningKey(seed)
		if r.InUse {
			use, ok = k, true
		} else {
			others = append(others, k)
		}
	}
	return use, others, ok, nil
}

// AddSigning puts a signing key into the ledger. The first signs at once, another after signingAhead.
func (r *Roster) AddSigning(ctx context.Context, box Box, k keys.SigningKey) error {
	return r.write(ctx, &pb.Entry{Body: &pb.Entry_PutKey{PutKey: &pb.PutKey{
		Kind: pb.KeyKind_KEY_KIND_SIGNING, Id: k.ID, Public: k.Public(), Sealed: box.Seal(k.ID, k.Private.Seed()),
	}}})
}

// RotateSigning begins the change of the signing key. The error is ErrRotating while one goes on.
func (r *Roster) RotateSigning(ctx context.Context, box Box) error {
	s, err := r.ledger.Read(ctx)
	if err != nil {
		return err
	}
	if len(records(s, pb.KeyKind_KEY_KIND_SIGNING)) > 1 {
		return ErrRotating
	}
	return r.AddSigning(ctx, box, keys.NewSigningKey(keys.Random(ed25519.SeedSize)))
}

// TurnSigning begins a change of the signing key where it is old, and goes on with one by one step, where it is time. The
// leader calls it again and again.
func (r *Roster) TurnSigning(ctx context.Context, box Box) error {
	all := records(r.ledger.State(), pb.KeyKind_KEY_KIND_SIGNING)
	if len(all) == 0 {
		return nil
	}
	used, newest := all[0], slices.MaxFunc(all, func(a, b *pb.KeyRecord) int { return cmp.Compare(a.AtUnixMs, b.AtUnixMs) })
	age := r.now().Sub(time.UnixMilli(newest.AtUnixMs))
	switch {
	case len(all) == 1 && age > signingLife:
		return r.RotateSigning(ctx, box)
	case used != newest && age > signingAhead:
		return r.write(ctx, &pb.Entry{Body: &pb.Entry_UseKey{UseKey: &pb.UseKey{Kind: pb.KeyKind_KEY_KIND_SIGNING, Id: newest.Id}}})
	case used == newest && len(all) > 1 && age > signingAhead+signingAfter:
		return r.write(ctx, &pb.Entry{Body: &pb.Entry_RetireKey{RetireKey: &pb.RetireKey{Kind: pb.KeyKind_KEY_KIND_SIGNING, Id: all[1].Id}}})
	}
	return nil
}
