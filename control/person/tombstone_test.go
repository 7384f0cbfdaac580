package person_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/person"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

func one(t *testing.T, db *store.DB, id uuid.UUID) account.Person {
	t.Helper()
	p, err := account.PersonByID(t.Context(), db, id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Who was erased is erased again where a copy of an earlier day has them, the last owner of an account too, and nobody else.
func TestTombstones(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		dir, now := t.TempDir(), time.Now()
		ana, bob := "ana@example.org", "bob@example.org"
		var a account.Account
		var owner, other account.Person
		err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) (err error) {
			if a, owner, err = account.Create(ctx, q, "Nordlicht", account.Person{Email: &ana, Name: "Ana", Language: "en", TimeZone: "UTC"}, now); err != nil {
				return err
			}
			other, err = account.AddPerson(ctx, q, account.Person{Email: &bob, Name: "Bob", Language: "en", TimeZone: "UTC"}, now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		erased := person.In(dir)
		obey := func(want int) {
			t.Helper()
			if n, err := erased.Obey(t.Context(), db.DB, slog.New(slog.DiscardHandler), now); err != nil || n != want {
				t.Fatalf("erased again: %d, %v, want %d", n, err, want)
			}
		}
		obey(0) // there is no file
		for _, id := range []uuid.UUID{owner.ID, store.NewID()} {
			if err := erased.Add(id, now); err != nil {
				t.Fatal(err)
			}
		}
		cutOff(t, filepath.Join(dir, "erased.jsonl"))
		obey(1)
		if p := one(t, db.DB, owner.ID); p.Email != nil || p.Name != "" || p.ErasedAt == nil {
			t.Errorf("not erased: %+v", p)
		}
		if p := one(t, db.DB, other.ID); p.Email == nil {
			t.Error("somebody else was erased")
		}
		obey(0)
		entries, err := audit.ByPerson(t.Context(), db.DB, owner.ID)
		if err != nil || len(entries) != 0 {
			t.Errorf("entries by the person: %v, %v", entries, err)
		}
		if n, err := audit.Verify(t.Context(), db.DB, a.ID); err != nil || n != 1 {
			t.Errorf("audit log: %d entries, %v", n, err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "erased.jsonl"))
		if err != nil || strings.Contains(string(b), "ana") {
			t.Errorf("tombstones: %v\n%s", err, b)
		}
	})
}

// cutOff writes what a machine that stops leaves of a line.
func cutOff(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(`{"person":"0190`); err != nil {
		t.Fatal(err)
	}
}
