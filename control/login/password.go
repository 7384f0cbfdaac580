package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// A Cost is what one hash takes of whoever guesses passwords, and of us.
type Cost struct {
	Passes uint32
	Memory uint32 // KiB
	Lanes  uint8
}

// Recommended is the cost of Argon2id that RFC 9106, section 4, recommends where memory is scarce.
var Recommended = Cost{Passes: 3, Memory: 64 << 10, Lanes: 4}

const (
	argonKey  = 32
	argonSalt = 16

	hashesAtOnce = 2 // of 64 MiB each; others wait
)

// Lengths of a password, in characters and bytes (NIST SP 800-63B, section 3.1.1.2).
const (
	PasswordLeast = 10
	PasswordMost  = 256
)

// ErrPassword is returned for a password that may not be chosen.
var ErrPassword = errors.New("a password has 10 to 256 characters")

// A Hasher hashes passwords. It may be used from any goroutine.
type Hasher struct {
	cost  Cost
	turns chan struct{}
	dummy func() (string, error) // a hash that no password has
}

// NewHasher returns a hasher whose new hashes have a cost; a hash that is kept has its own.
func NewHasher(cost Cost) *Hasher {
	h := &Hasher{cost: cost, turns: make(chan struct{}, hashesAtOnce)}
	h.dummy = sync.OnceValues(func() (string, error) { return h.Hash(context.Background(), rand.Text()) })
	return h
}

// Hash returns the PHC string that password is kept as. It returns ErrPassword where the password may not be chosen.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < PasswordLeast || n > PasswordMost || !utf8.ValidString(password) {
		return "", ErrPassword
	}
	return h.HashAny(ctx, password)
}

// HashAny does what Hash does, whoever made the password's rules.
func (h *Hasher) HashAny(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key, err := h.key(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.Memory, h.cost.Passes, h.cost.Lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// Check says whether password is the one that kept stands for. For an empty kept, of a person without a password or
// of nobody, it says no after as long.
func (h *Hasher) Check(ctx context.Context, password, kept string) (bool, error) {
	nobody := kept == ""
	if nobody {
		var err error
		if kept, err = h.dummy(); err != nil {
			return false, err
		}
	}
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errors.New("a password is kept in a form that is not known")
	}
	var cost Cost
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.Memory, &cost.Passes, &cost.Lanes); err != nil {
		return false, fmt.Errorf("a password is kept with %s: %w", parts[3], err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("salt of a password: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("hash of a password: %w", err)
	}
	if len(password) > 4*PasswordMost {
		password = "" // nobody's, and it would be hashed for long
	}
	got, err := h.key(ctx, password, salt, cost)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && !nobody, nil
}

func (h *Hasher) key(ctx context.Context, password string, salt []byte, cost Cost) ([]byte, error) {
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.turns }()
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.Memory, cost.Lanes, argonKey), nil
}
