// Package secret makes what lets its holder in: a browser, a link in a mail, a program, a publisher. Databases have a
// hash of it.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// size in bytes: 43 characters of base64url, too many to be guessed, so that one round of SHA-256 will do.
const size = 32

// New returns a secret, and what is kept of it. It does not begin with a hyphen, as options of commands do.
func New() (secret string, hash []byte) {
	b := make([]byte, size)
	for secret == "" || secret[0] == '-' {
		_, _ = rand.Read(b) // it never fails
		secret = base64.RawURLEncoding.EncodeToString(b)
	}
	return secret, Hash(secret)
}

// Hash returns what is kept of a secret.
func Hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
