package token

import (
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// check fills c with what text says, which must be signed by one of keys, for audience.
func check(keys Keys, text, audience string, now time.Time, c jwt.Claims) error {
	if len(text) > maxLength || strings.ContainsAny(text, "\r\n") { // line ends are none of base64, but Go's decoder skips them
		return ErrWrong
	}
	p := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithAudience(audience), jwt.WithIssuer(issuer),
		jwt.WithLeeway(Leeway), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	_, err := p.ParseWithClaims(text, c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		if key, ok := keys[id]; ok {
			return key, nil
		}
		return nil, ErrWrong
	})
	switch { // nothing of the claims is looked at before the signature
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return ErrWrong
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return ErrRole
	case err != nil:
		return ErrWrong
	}
	return nil
}
