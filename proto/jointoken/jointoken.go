// Package jointoken reads and writes join tokens: the text with which a machine becomes a node of a cluster. It holds a
// secret, which control knows by its hash alone, and names the cluster's CA, so that the secret goes to no other cluster.
package jointoken

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

const (
	// Prefix begins every token, so that people and scanners of leaked secrets know one.
	Prefix = "fj1-"

	// Size is the number of bytes of a secret.
	Size = 32
)

// ErrMalformed is the error of a text that is no token. It does not show the text, which may be most of a secret.
var ErrMalformed = errors.New("this is no join token, or not all of one: it begins with " + Prefix + " and has 90 characters")

var encoding = base64.RawURLEncoding.Strict() // one text for one token

// A Token lets one node in, once.
type Token struct {
	Secret [Size]byte
	CA     [sha256.Size]byte // SHA-256 of the DER of the CA's certificate
}

// Parse reads a token; space around it, which copying adds, does not count.
func Parse(text string) (Token, error) {
	var t Token
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), Prefix)
	if !ok || len(rest) != encoding.EncodedLen(len(t.Secret)+len(t.CA)) {
		return t, ErrMalformed
	}
	b, err := encoding.DecodeString(rest)
	if err != nil || len(b) != len(t.Secret)+len(t.CA) { // a line break within is skipped by the decoder
		return Token{}, ErrMalformed
	}
	copy(t.Secret[:], b)
	copy(t.CA[:], b[Size:])
	return t, nil
}

// Text returns what Parse reads. It is a secret: not for logs.
func (t Token) Text() string {
	return Prefix + encoding.EncodeToString(append(t.Secret[:], t.CA[:]...))
}

// String hides the secret from logs.
func (t Token) String() string { return Prefix + "…" }

// Hash is what is kept of a secret.
func Hash(secret [Size]byte) [sha256.Size]byte { return sha256.Sum256(secret[:]) }
