package audit_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"freshet/control/audit"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

var sql = store.Load(os.DirFS("testdata"))

func fill(t *testing.T, db *storetest.DB, account uuid.UUID, n int) {
	t.Helper()
	for i := range n {
		err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
			return audit.Add(ctx, q, account, time.UnixMicro(1_796_000_000_123_456+int64(i)), audit.Act{
				Actor: audit.Person, ActorID: account, From: netip.MustParseAddr("::ffff:203.0.113.77"),
				Action: "rename-account", Subject: "account/1", Detail: "né ' \"",
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A log is whole until a row is changed, taken out, or moved to another account; then the first such row is named.
func TestVerify(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		for _, row := range []struct {
			name  string
			spoil string
			at    int64
		}{
			{"nothing", "", 0},
			{"a detail changed", "change_detail", 3},
			{"an actor taken out", "change_actor", 3},
			{"a moment changed", "change_moment", 3},
			{"a row taken out", "take_out", 3},
			{"the first taken out", "take_first", 1},
		} {
			account := store.NewID()
			fill(t, db, account, 5)
			if row.spoil != "" {
				if n, err := store.Exec(t.Context(), db, sql.Get(row.spoil), store.Args{"account": account}); n != 1 || err != nil {
					t.Fatal(n, err)
				}
			}
			n, err := audit.Verify(t.Context(), db, account)
			var broken *audit.Broken
			switch {
			case row.at == 0 && (err != nil || n != 5):
				t.Errorf("%s: %d, %v", row.name, n, err)
			case row.at != 0 && (!errors.As(err, &broken) || broken.Number != row.at):
				t.Errorf("%s: %d, %v, want entry %d named", row.name, n, err, row.at)
			}
		}
	})
}

// Those who act at once get numbers in one row.
func TestOneChain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		account := store.NewID()
		var g errgroup.Group
		for range 8 {
			g.Go(func() error {
				for range 5 {
					err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
						return audit.Add(ctx, q, account, time.Now(), audit.Act{Actor: audit.System, Action: "x"})
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if n, err := audit.Verify(t.Context(), db, account); n != 40 || err != nil {
			t.Errorf("%d entries, %v", n, err)
		}
		if e, err := audit.Page(t.Context(), db, account, 0, 1); err != nil || len(e) != 1 || e[0].Network != "" || e[0].ActorID != nil {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

func TestPage(t *testing.T) {
	db := storetest.New(t)
	account := store.NewID()
	fill(t, db, account, 5)
	fill(t, db, store.NewID(), 3)
	var got []int64
	for before := int64(0); ; {
		entries, err := audit.Page(t.Context(), db, account, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			got = append(got, e.Number)
			before = e.Number
			if e.Network != "203.0.113.0/24" || e.ActorID == nil || *e.ActorID != account {
				t.Errorf("%+v", e)
			}
		}
	}
	if len(got) != 5 || got[0] != 5 || got[4] != 1 {
		t.Errorf("%v", got)
	}
}
