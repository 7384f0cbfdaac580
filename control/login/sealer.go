package login

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"github.com/google/uuid"
)

// A Sealer encrypts what the database keeps of second steps: whoever reads the database alone has no codes of it. It may
// be used from any goroutine.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns one whose key has 32 bytes (AES-256 in GCM, a random nonce before each text).
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("a key to seal with has 32 bytes, not %d", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead}, nil
}

// seal returns text as it is kept of a person. Nobody else's row opens it.
func (s *Sealer) seal(person uuid.UUID, text []byte) []byte {
	return s.aead.Seal(nil, nil, text, person[:])
}

// open returns what seal was given. It fails where the key is another.
func (s *Sealer) open(person uuid.UUID, sealed []byte) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, person[:])
	if err != nil {
		return nil, fmt.Errorf("second step of %s was sealed with another key: %w", person, err)
	}
	return text, nil
}
