package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	now      = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	key      = ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	keys     = Keys{"k1": key.Public().(ed25519.PublicKey)}
	sentence = Claims{Session: "0198c0de-0000-7000-8000-000000000001", Event: "launch-abc234", Guest: "0198c0de-0000-7000-8000-000000000002", Epoch: 3}
)

func mint(t testing.TB, c Claims, at time.Time) string {
	t.Helper()
	text, _, err := NewMinter("k1", key).Mint(c, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signed returns a token of claims under a header, as anybody can write one.
func signed(t testing.TB, method jwt.SigningMethod, with any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	x := jwt.NewWithClaims(method, claims)
	for k, v := range header {
		x.Header[k] = v
	}
	text, err := x.SignedString(with)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ours are the claims of a good token, with others in their place.
func ours(changed jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": "freshet", "aud": "viewer", "sub": sentence.Session, "event": sentence.Event, "epoch": 3,
		"exp": now.Add(time.Minute).Unix(),
	}
	for k, v := range changed {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return c
}

func TestCheck(t *testing.T) {
	text, expires, err := NewMinter("k1", key).Mint(sentence, now)
	if err != nil {
		t.Fatal(err)
	}
	want := sentence
	want.Expires = now.Add(Lifetime)
	for _, at := range []time.Time{now, now.Add(Lifetime + Leeway - time.Second)} {
		got, err := Check(keys, text, at)
		if err != nil || !got.Expires.Equal(want.Expires) || !expires.Equal(want.Expires) {
			t.Fatalf("at %v: %+v, %v, want %+v", at, got, err, want)
		}
		if got.Expires = want.Expires; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if len(text) > 600 {
		t.Errorf("a token of %d bytes", len(text))
	}
}

// What a token gets that is not as it should be (RELIABILITY, section 5).
func TestRefused(t *testing.T) {
	kid := map[string]any{"kid": "k1"}
	good := mint(t, sentence, now)
	parts := strings.Split(good, ".")
	other := ed25519.NewKeyFromSeed([]byte("another seed of thirty-two bytes"))
	public := []byte(keys["k1"])
	for _, row := range []struct {
		name, text string
		want       error
		status     int
	}{
		{"missing", "", ErrWrong, 401},
		{"no JWT", "hunter2", ErrWrong, 401},
		{"two parts", parts[0] + "." + parts[1], ErrWrong, 401},
		{"four parts", good + ".e30", ErrWrong, 401},
		{"no base64", "!" + good, ErrWrong, 401},
		{"no JSON", base64.RawURLEncoding.EncodeToString([]byte("{")) + "." + parts[1] + "." + parts[2], ErrWrong, 401},
		{"8 KiB", good + strings.Repeat("A", 8<<10), ErrWrong, 401},
		{"a line end", good + "\n", ErrWrong, 401},
		{"cut signature", good[:len(good)-2], ErrWrong, 401},
		{"claims of another", parts[0] + "." + strings.Split(mint(t, Claims{Session: "s", Event: "e"}, now), ".")[1] + "." + parts[2], ErrWrong, 401},
		{"expired", mint(t, sentence, now.Add(-Lifetime-Leeway-time.Second)), ErrExpired, 401},
		{"alg none", signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, ours(nil)), ErrWrong, 401},
		{"alg HS256 by the public key", signed(t, jwt.SigningMethodHS256, public, kid, ours(nil)), ErrWrong, 401},
		{"no kid", signed(t, jwt.SigningMethodEdDSA, key, nil, ours(nil)), ErrWrong, 401},
		{"unknown kid", signed(t, jwt.SigningMethodEdDSA, key, map[string]any{"kid": "k2"}, ours(nil)), ErrWrong, 401},
		{"a path as kid", signed(t, jwt.SigningMethodEdDSA, key, map[string]any{"kid": "../../dev/null"}, ours(nil)), ErrWrong, 401},
		{"a number as kid", signed(t, jwt.SigningMethodEdDSA, key, map[string]any{"kid": 1}, ours(nil)), ErrWrong, 401},
		{"another's key", signed(t, jwt.SigningMethodEdDSA, other, kid, ours(nil)), ErrWrong, 401},
		{"its own key beside it", signed(t, jwt.SigningMethodEdDSA, other, map[string]any{"kid": "k3", "jwk": map[string]any{"kty": "OKP"}}, ours(nil)), ErrWrong, 401},
		{"no end", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"exp": nil})), ErrWrong, 401},
		{"another issuer", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"iss": "other"})), ErrWrong, 401},
		{"another role", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"aud": "publisher"})), ErrRole, 403},
		{"no role", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"aud": nil})), ErrWrong, 401},
		{"another role, expired", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"aud": "publisher", "exp": 1})), ErrExpired, 401},
		{"another role, another's key", signed(t, jwt.SigningMethodEdDSA, other, kid, ours(jwt.MapClaims{"aud": "publisher"})), ErrWrong, 401},
		{"not yet", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"nbf": now.Add(time.Minute).Unix()})), ErrWrong, 401},
		{"no session", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"sub": nil})), ErrWrong, 401},
		{"no event", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"event": nil})), ErrWrong, 401},
		{"epoch below 0", signed(t, jwt.SigningMethodEdDSA, key, kid, ours(jwt.MapClaims{"epoch": -1})), ErrWrong, 401},
	} {
		got, err := Check(keys, row.text, now)
		if !errors.Is(err, row.want) || got != (Claims{}) {
			t.Errorf("%s: %+v, %v, want %v", row.name, got, err, row.want)
		}
		p := Refusal(err)
		if p.Status != row.status || p.GetHeaders().Get("WWW-Authenticate") == "" && row.status == http.StatusUnauthorized {
			t.Errorf("%s: %v with %v, want %d", row.name, p, p.GetHeaders(), row.status)
		}
	}
	if _, err := Check(nil, good, now); !errors.Is(err, ErrWrong) {
		t.Errorf("without keys: %v", err)
	}
}

// Whatever is read says what a minter of ours has signed.
func FuzzCheck(f *testing.F) {
	good := mint(f, sentence, now)
	f.Add(good)
	f.Add(signed(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": "k1"}, ours(nil)))
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Check(keys, text, now)
		if err != nil {
			return
		}
		if again := mint(t, c, c.Expires.Add(-Lifetime)); again != text {
			t.Fatalf("%q counts, and says what is signed as %q", text, again)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	text := mint(b, sentence, now)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(keys, text, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMint(b *testing.B) {
	m := NewMinter("k1", key)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := m.Mint(sentence, now); err != nil {
			b.Fatal(err)
		}
	}
}
