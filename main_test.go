package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/keys"
	"freshet/control/order"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

// TestMain also lets the scripts run this binary as freshet.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"freshet": main}) }

func TestScripts(t *testing.T) {
	example, err := filepath.Abs("deploy/freshet.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	data, quotes := withAccount(t)
	testscript.Run(t, testscript.Params{
		Dir: "bench/cli", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLE", example)
			e.Setenv("DATA", data)
			e.Setenv("QUOTE", quotes[0].String())
			e.Setenv("OTHER_QUOTE", quotes[1].String())
			return nil
		},
	})
}

// withAccount returns a data directory of control's in which there is one account, with an owner and an organizer; and
// the quotes that a stranger has asked for.
func withAccount(t *testing.T) (dir string, quotes [2]uuid.UUID) {
	t.Helper()
	dir = t.TempDir()
	if _, err := keys.Open(dir, ""); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Config{Dir: dir}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	err = db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
		ana, bob := "ana@example.org", "bob@example.org"
		a, _, err := account.Create(ctx, q, "Nordlicht", account.Person{Email: &ana, Name: "Ana", Language: "en", TimeZone: "UTC"}, time.Now())
		if err != nil {
			return err
		}
		p, err := account.AddPerson(ctx, q, account.Person{Email: &bob, Name: "Bob", Language: "en", TimeZone: "UTC"}, time.Now())
		if err != nil {
			return err
		}
		if err := account.AddMember(ctx, q, account.Member{Account: a.ID, Person: p.ID, Role: permit.Organizer}, time.Now()); err != nil {
			return err
		}
		for i := range quotes {
			k := order.Quote{
				Organization: "Delta", Name: "Eve", Email: "eve@example.org", Language: "en", Pages: "https://webcasts.example", Title: "Launch",
				StartsAt: time.Now().Add(24 * time.Hour), TimeZone: "Europe/Paris", Minutes: 90, Viewers: 9000, Remarks: "Two rooms.\nBoth small.",
			}
			k.Languages.V, k.Options.V.Poll = []string{"fr"}, true
			if k, err = order.Add(ctx, q, k, time.Now()); err != nil {
				return err
			}
			quotes[i] = k.ID
		}
		return audit.Add(ctx, q, a.ID, time.Now(), audit.Act{Actor: audit.System, Action: "set-up"})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, quotes
}
