package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// A Box seals what control nodes share where others might read it: each of them opens it, and nobody else.
type Box struct{ aead cipher.AEAD }

// Box returns the box for one purpose.
func (k *Keys) Box(purpose string) *Box {
	block, err := aes.NewCipher(k.Derived("box " + purpose))
	if err != nil {
		panic(err) // of a length that AES does not have
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return &Box{aead}
}

// Seal seals b under name: as another it does not open.
func (b *Box) Seal(name string, secret []byte) []byte {
	return b.aead.Seal(nil, nil, secret, []byte(name))
}

// ErrBox is the error of what was sealed by other keys, or under another name.
var ErrBox = errors.New("it was sealed by the control nodes of another cluster, or was changed")

// Open returns what Seal has sealed.
func (b *Box) Open(name string, sealed []byte) ([]byte, error) {
	secret, err := b.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, ErrBox
	}
	return secret, nil
}

// Random returns a new secret of n bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
