// Package token is the viewer's token: a JWT (RFC 7519) signed with EdDSA, which control gives at the door of an event
// and every edge checks by a public key, asking nobody; and the publisher's ticket, which origins check in the same way.
package token

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// Lifetime of a token; a page asks for the next one every 5 minutes (RELIABILITY, section 6).
	Lifetime = 30 * time.Minute
	// Leeway is how far the clocks of two nodes may be apart (RELIABILITY, R16).
	Leeway = 30 * time.Second

	issuer  = "freshet"
	viewers = "viewer"

	// maxLength is what is read at all. Ours have some 450 bytes.
	maxLength = 2048
)

// What is wrong with a token.
var (
	ErrWrong   = errors.New("this is no token of ours")
	ErrExpired = errors.New("the token has run out")
	ErrRole    = errors.New("the token is for something else than watching")
)

// Claims are what a token says of its bearer.
type Claims struct {
	Session string // a viewer's stay at the event
	Event   string // slug
	Guest   string // id on the event's list, empty where the viewer is on none
	Epoch   uint64 // of the event's viewers: a token of an older one is refused
	Expires time.Time
}

// claims are Claims as JSON has them.
type claims struct {
	jwt.RegisteredClaims
	Event string `json:"event"`
	Guest string `json:"guest,omitempty"`
	Epoch uint64 `json:"epoch"`
}

// A Minter makes tokens. It may be used from any goroutine.
type Minter struct {
	id  string
	key ed25519.PrivateKey
}

// NewMinter returns a minter that signs with key, which checkers know by id.
func NewMinter(id string, key ed25519.PrivateKey) *Minter { return &Minter{id, key} }

// Mint returns a token that says c until Lifetime after now, and when that is.
func (m *Minter) Mint(c Claims, now time.Time) (text string, expires time.Time, err error) {
	expires = now.Add(Lifetime).UTC().Truncate(time.Second) // what the token can say
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, &claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{viewers}, Subject: c.Session, ExpiresAt: jwt.NewNumericDate(expires),
		},
		Event: c.Event, Guest: c.Guest, Epoch: c.Epoch,
	})
	t.Header["kid"] = m.id
	if text, err = t.SignedString(m.key); err != nil {
		return "", time.Time{}, fmt.Errorf("sign a viewer token: %w", err)
	}
	return text, expires, nil
}

// Keys are public keys by their ids.
type Keys map[string]ed25519.PublicKey

// Check returns what text, signed by one of keys, says at now. The error is ErrWrong where it says nothing that counts,
// ErrExpired, or ErrRole. Whether the event, its epoch and the session are the right ones is the caller's to see.
func Check(keys Keys, text string, now time.Time) (Claims, error) {
	var c claims
	if err := check(keys, text, viewers, now, &c); err != nil {
		return Claims{}, err
	}
	if c.Subject == "" || c.Event == "" {
		return Claims{}, ErrWrong
	}
	return Claims{Session: c.Subject, Event: c.Event, Guest: c.Guest, Epoch: c.Epoch, Expires: c.ExpiresAt.Time}, nil
}
