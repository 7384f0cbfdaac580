// Package keys keeps the secrets of a cluster's control nodes in a file of the data directory: the key that signs viewer
// tokens, the cluster's CA, and a root from which other keys are derived. Control nodes share them: a new one is told them
// when it joins, or has a copy of the file.
package keys

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync/atomic"

	"freshet/cluster/identity"
)

const (
	rootSize    = 32
	derivedSize = 32
)

// Keys are the secrets. They may be used from any goroutine.
type Keys struct {
	sign ed25519.PrivateKey // the first signing key; later ones are in the ledger of the cluster
	root []byte
	ca   *identity.CA

	signing atomic.Pointer[signing]
}

// Make returns new keys, which nobody keeps.
func Make() *Keys {
	seed, root := make([]byte, ed25519.SeedSize), make([]byte, rootSize)
	_, _ = rand.Read(seed) // never fails
	_, _ = rand.Read(root)
	k := of(seed, root)
	k.ca = k.firstCA()
	return k
}

func of(seed, root []byte) *Keys {
	k := &Keys{sign: ed25519.NewKeyFromSeed(seed), root: root}
	k.SetSigning(NewSigningKey(seed))
	return k
}

// firstCA makes a CA of the root, so that nodes with copies of one file from before there were CAs come to the same.
func (k *Keys) firstCA() *identity.CA {
	ca, err := identity.NewCA(k.Derived("cluster CA"))
	if err != nil {
		panic(err) // a seed of 32 bytes makes one
	}
	return ca
}

// CA is the cluster's, which signs the certificates of its nodes.
func (k *Keys) CA() *identity.CA { return k.ca }

// Derived returns 32 bytes for one purpose, from which neither the root nor another purpose's bytes can be told (HKDF,
// RFC 5869).
func (k *Keys) Derived(purpose string) []byte {
	b, err := hkdf.Key(sha256.New, k.root, nil, "freshet "+purpose, derivedSize)
	if err != nil {
		panic(err) // of a length that HKDF does not have
	}
	return b
}

// inside is what the file holds, once it is opened.
type inside struct {
	Seed []byte `json:"seed"` // of the signing key
	Root []byte `json:"root"`
	CA   []byte `json:"ca,omitempty"` // PEM; files of before there were CAs have none
}

func (k *Keys) plain() ([]byte, error) {
	ca, err := k.ca.PEM()
	if err != nil {
		return nil, err
	}
	return json.Marshal(inside{k.sign.Seed(), k.root, ca})
}

// parse reads what plain has written. whole is false where the keys have something that is not in b.
func parse(b []byte) (k *Keys, whole bool, err error) {
	var in inside
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, false, errOther
	}
	if len(in.CA) == 0 && len(in.Seed) == ed25519.SeedSize && len(in.Root) == rootSize {
		k := of(in.Seed, in.Root)
		k.ca = k.firstCA()
		return k, false, nil
	}
	k, err = in.keys()
	return k, true, err
}

var errOther = errors.New("it holds other keys than this program knows")

func (in inside) keys() (*Keys, error) {
	ca, err := identity.ParseCA(in.CA)
	if err != nil || len(in.Seed) != ed25519.SeedSize || len(in.Root) != rootSize {
		return nil, errOther
	}
	k := of(in.Seed, in.Root)
	k.ca = ca
	return k, nil
}
