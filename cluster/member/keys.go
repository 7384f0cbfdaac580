package member

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/memberlist"
)

// KeySize is the size of a gossip key in bytes, for AES-256.
const KeySize = 32

const (
	// maxKeys is the key in use and the one before or after it: rotation is add, use, remove, each when all nodes have done
	// the one before. There is a second reason: memberlist.Keyring moves keys in place when one is removed from their
	// middle, under the eyes of who decrypts; with two there is no middle.
	maxKeys = 2
)

// ErrKey is what is wrong with a gossip key, or with the order of a rotation.
var ErrKey = errors.New("gossip key")

// A ring is the keys of gossip. The first is used to send, all are tried on what comes.
type ring struct {
	mu   sync.Mutex // of changes: of two at once, one would be lost
	keys *memberlist.Keyring
}

func newRing(keys [][]byte) (*ring, error) {
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("%w: %d keys, want 1 to %d", ErrKey, len(keys), maxKeys)
	}
	for _, k := range keys {
		if len(k) != KeySize {
			return nil, fmt.Errorf("%w: %d bytes, want %d", ErrKey, len(k), KeySize)
		}
	}
	r, err := memberlist.NewKeyring(keys, keys[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return &ring{keys: r}, nil
}

// AddKey lets key decrypt what comes. A key that is there already changes nothing.
func (m *Member) AddKey(key []byte) error {
	m.ring.mu.Lock()
	defer m.ring.mu.Unlock()
	if len(key) != KeySize {
		return fmt.Errorf("%w: %d bytes, want %d", ErrKey, len(key), KeySize)
	}
	if has := m.ring.keys.GetKeys(); len(has) >= maxKeys && !contains(has, key) {
		return fmt.Errorf("%w: there are %d, remove one first", ErrKey, len(has))
	}
	return m.ring.keys.AddKey(key)
}

// UseKey encrypts with key from now on. All nodes must have added it.
func (m *Member) UseKey(key []byte) error {
	m.ring.mu.Lock()
	defer m.ring.mu.Unlock()
	if err := m.ring.keys.UseKey(key); err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	return nil
}

// RemoveKey forgets key, which must not be in use. All nodes must use another. A key that is not there changes nothing.
func (m *Member) RemoveKey(key []byte) error {
	m.ring.mu.Lock()
	defer m.ring.mu.Unlock()
	if err := m.ring.keys.RemoveKey(key); err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	return nil
}

// SetKeys brings the keys to those given, of which the first encrypts: what AddKey, UseKey and RemoveKey do, in the order in
// which nobody is cut off who is one step behind or ahead.
func (m *Member) SetKeys(keys [][]byte) error {
	if len(keys) == 0 || len(keys) > maxKeys {
		return fmt.Errorf("%w: %d keys, want 1 to %d", ErrKey, len(keys), maxKeys)
	}
	remove := func() error {
		for _, had := range m.ring.keys.GetKeys() {
			if !contains(keys, had) && string(m.ring.keys.GetPrimaryKey()) != string(had) {
				if err := m.RemoveKey(had); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := remove(); err != nil {
		return err
	}
	for _, k := range keys {
		// Where the ring is full, the one in use is none of keys: the first of them takes its place below.
		if err := m.AddKey(k); err != nil && !(len(keys) == maxKeys && string(k) != string(keys[0])) {
			return err
		}
	}
	if err := m.UseKey(keys[0]); err != nil {
		return err
	}
	if err := remove(); err != nil {
		return err
	}
	for _, k := range keys[1:] {
		if err := m.AddKey(k); err != nil {
			return err
		}
	}
	return nil
}

// KeyID is how nodes tell each other which gossip keys they have.
func KeyID(key []byte) uint32 {
	sum := sha256.Sum256(key)
	return binary.BigEndian.Uint32(sum[:])
}

// ids are those of all keys, the one that encrypts first.
func (r *ring) ids() []uint32 {
	var ids []uint32
	for _, k := range r.keys.GetKeys() {
		ids = append(ids, KeyID(k))
	}
	return ids
}

func contains(keys [][]byte, key []byte) bool {
	for _, k := range keys {
		if string(k) == string(key) {
			return true
		}
	}
	return false
}
