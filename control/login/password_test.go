package login

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestHash(t *testing.T) {
	h := NewHasher(Recommended)
	phc, err := h.Hash(t.Context(), "pässword 雪")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Fatal(phc, err)
	}
	if again, _ := h.Hash(t.Context(), "pässword 雪"); again == phc {
		t.Error("the same salt twice")
	}
	for password, want := range map[string]bool{"pässword 雪": true, "passwort 雪": false, "": false, strings.Repeat("x", 5000): false} {
		if ok, err := h.Check(t.Context(), password, phc); ok != want || err != nil {
			t.Errorf("%.20q: %v %v", password, ok, err)
		}
	}
	if ok, err := h.Check(t.Context(), "whatever it is", ""); ok || err != nil {
		t.Errorf("nobody: %v %v", ok, err)
	}
	// What cannot be read lets nobody in.
	for _, kept := range []string{"$argon2id$v=19$m=4096,t=2,p=1$c2FsdHNhbHQ$", "$argon2i$v=19$m=4096,t=2,p=1$c2FsdHNhbHQ$AAAA", "plain", "$argon2id$v=19$m=x$AA$AA"} {
		if ok, err := h.Check(t.Context(), "password", kept); ok {
			t.Errorf("%s: %v", kept, err)
		}
	}
}

func TestChoice(t *testing.T) {
	h := NewHasher(Cost{Passes: 1, Memory: 64, Lanes: 1})
	for password, ok := range map[string]bool{
		"123456789": false, "1234567890": true, "雪雪雪雪雪雪雪雪雪": false, "雪雪雪雪雪雪雪雪雪雪": true,
		strings.Repeat("é", 256): true, strings.Repeat("é", 257): false, "\xff23456789ab": false,
	} {
		if _, err := h.Hash(t.Context(), password); (err == nil) != ok || err != nil && !errors.Is(err, ErrPassword) {
			t.Errorf("%.30q: %v", password, err)
		}
	}
}

// Who waits for a turn to hash goes away with its request.
func TestTurns(t *testing.T) {
	h := NewHasher(Cost{Passes: 1, Memory: 64, Lanes: 1})
	for range hashesAtOnce {
		h.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "1234567890"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
