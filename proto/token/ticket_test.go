package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"testing"
	"time"
)

func mintTicket(t testing.TB, at time.Time) string {
	t.Helper()
	hash := sha256.Sum256([]byte("a stream key"))
	text, err := NewMinter("k1", key).MintTicket("floor", "origin-1", 7, hash[:], at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTicket(t *testing.T) {
	hash := sha256.Sum256([]byte("a stream key"))
	text := mintTicket(t, now)
	for _, at := range []time.Time{now, now.Add(TicketLife + Leeway - time.Second)} {
		got, err := CheckTicket(keys, text, at)
		if err != nil || got.Stream != "floor" || got.Node != "origin-1" || got.Placement != 7 || !bytes.Equal(got.Key, hash[:16]) || !got.Expires.Equal(now.Add(TicketLife)) {
			t.Errorf("at %v: %+v, %v", at, got, err)
		}
	}
	one, _ := CheckTicket(keys, text, now)
	other, _ := CheckTicket(keys, mintTicket(t, now), now)
	if one.ID == other.ID {
		t.Error("two tickets are one")
	}
}

func TestTicketRefused(t *testing.T) {
	text := mintTicket(t, now)
	foreign := ed25519.NewKeyFromSeed([]byte("fedcba9876543210fedcba9876543210"))
	for _, row := range []struct {
		name string
		keys Keys
		text string
		at   time.Time
		want error
	}{
		{"late", keys, text, now.Add(TicketLife + Leeway + time.Second), ErrExpired},
		{"of a viewer", keys, mint(t, sentence, now), now, ErrRole},
		{"empty", keys, "", now, ErrWrong},
		{"no token", keys, "a-stream-key", now, ErrWrong},
		{"of a key that is gone", Keys{}, text, now, ErrWrong},
		{"of another key", Keys{"k1": foreign.Public().(ed25519.PublicKey)}, text, now, ErrWrong},
		{"cut", keys, text[:len(text)-4], now, ErrWrong},
		{"long", keys, text + string(bytes.Repeat([]byte("A"), maxLength)), now, ErrWrong},
	} {
		if _, err := CheckTicket(row.keys, row.text, row.at); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
	if _, err := Check(keys, text, now); !errors.Is(err, ErrRole) {
		t.Errorf("a publisher's ticket lets a viewer in: %v", err)
	}
	short, err := NewMinter("k1", key).MintTicket("floor", "origin-1", 7, []byte("short"), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CheckTicket(keys, short, now); !errors.Is(err, ErrWrong) {
		t.Errorf("a ticket that names no key: %v", err)
	}
}
