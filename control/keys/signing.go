package keys

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"

	pb "freshet/proto"
	"freshet/proto/token"
)

// A SigningKey signs viewer tokens, or did, or will.
type SigningKey struct {
	ID      string // as tokens name it
	Private ed25519.PrivateKey
}

// NewSigningKey returns the key of a seed (ed25519.SeedSize random bytes).
func NewSigningKey(seed []byte) SigningKey {
	k := SigningKey{Private: ed25519.NewKeyFromSeed(seed)}
	sum := sha256.Sum256(k.Public())
	k.ID = hex.EncodeToString(sum[:8])
	return k
}

// Public returns the half by which tokens are checked.
func (s SigningKey) Public() ed25519.PublicKey { return s.Private.Public().(ed25519.PublicKey) }

// signing is all that follows from the signing keys.
type signing struct {
	minter *token.Minter
	public []*pb.PublicKey
	tokens token.Keys
}

// SetSigning has use sign from now on, and tokens that it or one of others has signed count.
func (k *Keys) SetSigning(use SigningKey, others ...SigningKey) {
	s := &signing{minter: token.NewMinter(use.ID, use.Private), tokens: token.Keys{}}
	for _, one := range append([]SigningKey{use}, others...) {
		s.public = append(s.public, &pb.PublicKey{Id: one.ID, Ed25519: one.Public()})
		s.tokens[one.ID] = one.Public()
	}
	k.signing.Store(s)
}

// First is the signing key that lies with the secrets: the one of a cluster that has no other yet.
func (k *Keys) First() SigningKey { return NewSigningKey(k.sign.Seed()) }

// Minter makes viewer tokens. It is asked for anew each time: the key changes.
func (k *Keys) Minter() *token.Minter { return k.signing.Load().minter }

// Public are the keys by which viewer tokens are checked, as nodes are told them.
func (k *Keys) Public() []*pb.PublicKey { return k.signing.Load().public }

// Tokens are the same keys, for checking here. They are not to be changed.
func (k *Keys) Tokens() token.Keys { return k.signing.Load().tokens }
