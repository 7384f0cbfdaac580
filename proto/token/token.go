// Package token is the viewer's token: a JWT (RFC 7519) signed with EdDSA, which control gives at the door of an event
// and every edge checks by a public key, asking nobody.
package token

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// Lifetime of a token; a page asks for the next one every 5 minutes (RELIABILITY, section 6).
	Lifetime = 30 * time.Minute
	// Leeway is how far the clocks of two nodes may be apart (RELIABILITY, R16).
	Leeway = 30 * time.Second

	issuer   = "freshet"
	audience = "viewer"

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
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: c.Session, ExpiresAt: jwt.NewNumericDate(expires),
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
	if len(text) > maxLength || strings.ContainsAny(text, "\r\n") { // line ends are none of base64, but Go's decoder skips them
		return Claims{}, ErrWrong
	}
	p := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithAudience(audience), jwt.WithIssuer(issuer),
		jwt.WithLeeway(Leeway), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	var c claims
	_, err := p.ParseWithClaims(text, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		if key, ok := keys[id]; ok {
			return key, nil
		}
		return nil, ErrWrong
	})
	switch { // nothing of the claims is looked at before the signature
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return Claims{}, ErrWrong
	case errors.Is(err, jwt.ErrTokenExpired):
		return Claims{}, ErrExpired
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return Claims{}, ErrRole
	case err != nil, c.Subject == "", c.Event == "":
		return Claims{}, ErrWrong
	}
	return Claims{Session: c.Subject, Event: c.Event, Guest: c.Guest, Epoch: c.Epoch, Expires: c.ExpiresAt.Time}, nil
}
