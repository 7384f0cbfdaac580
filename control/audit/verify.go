package audit

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"freshet/control/store"
)

var accounts = statements.Get("audited_accounts")

// A Broken error names the first row of a log that is not as it was written.
type Broken struct {
	Account uuid.UUID
	Number  int64
	What    string
}

func (b *Broken) Error() string {
	return fmt.Sprintf("audit log of account %s: entry %d %s", b.Account, b.Number, b.What)
}

// MarshalJSON has programs read where, too.
func (b *Broken) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Number int64  `json:"number"`
		What   string `json:"what"`
	}{b.Number, b.What})
}

const batch = 1000 // entries read at a time

// Verify goes through account's log from its first entry on, and returns how many it has. It returns a *Broken where
// one was changed, added, or taken away before the last.
func Verify(ctx context.Context, q store.Querier, account uuid.UUID) (n int64, err error) {
	var before []byte
	for {
		entries, err := store.All[Entry](ctx, q, from, store.Args{"account": account, "from": n + 1, "n": batch})
		if err != nil {
			return n, err
		}
		for _, e := range entries {
			switch {
			case e.Number != n+1:
				return n, &Broken{account, n + 1, "is missing"}
			case subtle.ConstantTimeCompare(e.Hash, e.sum(before)) == 0:
				return n, &Broken{account, e.Number, "is not what was written"}
			}
			n, before = e.Number, e.Hash
		}
		if len(entries) < batch {
			return n, nil
		}
	}
}

// A Verified is what was found in one account's log.
type Verified struct {
	Account uuid.UUID `json:"account"`
	Entries int64     `json:"entries"` // that are as they were written
	Broken  *Broken   `json:"broken"`  // nil where all are
}

// VerifyAll goes through the logs of all accounts.
func VerifyAll(ctx context.Context, q store.Querier) ([]Verified, error) {
	all, err := store.All[uuid.UUID](ctx, q, accounts, nil)
	found := []Verified{}
	for _, account := range all {
		v := Verified{Account: account}
		var e error
		if v.Entries, e = Verify(ctx, q, account); e != nil && !errors.As(e, &v.Broken) {
			return nil, e
		}
		found = append(found, v)
	}
	return found, err
}
