// Package key is the API's keys: programs act by them for an account, where no person is. A key is shown once, when it
// is made; the database has a hash of it.
package key

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"freshet/control/permit"
	"freshet/control/secret"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements = store.Load(files)
	insertKey  = statements.Get("insert_key")
	keyByHash  = statements.Get("key_by_hash")
	keyUsed    = statements.Get("key_used")
	keysOf     = statements.Get("keys_of_account")
	revokeKey  = statements.Get("revoke_key")
	keyName    = statements.Get("key_name")
	keysMadeBy = statements.Get("keys_made_by")
)

const (
	// prefix has people, and programs that look for secrets in what is published, know a key when they see one.
	prefix = "fsk_"
	// startLength is how much of a key is kept to recognise it by: it leaves 39 characters to be guessed.
	startLength = 8
	// usedEvery is how often the use of a key is noted: a write a minute, whatever a program asks.
	usedEvery = time.Minute
)

// A Key acts for an account.
type Key struct {
	ID        uuid.UUID                  `db:"id"`
	Account   uuid.UUID                  `db:"account_id"`
	Start     string                     `db:"start"` // its first characters
	Name      string                     `db:"name"`
	Scopes    store.JSON[[]permit.Scope] `db:"scopes"`
	MadeBy    uuid.UUID                  `db:"made_by"` // a person
	MadeAt    time.Time                  `db:"made_at"`
	UsedAt    *time.Time                 `db:"used_at"`    // last, at most usedEvery old; nil: never
	ExpiresAt *time.Time                 `db:"expires_at"` // nil: it goes on until it is revoked
}

// Of returns the key that r brings, empty where it brings none.
func Of(r *http.Request) (secret string) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if secret = strings.TrimLeft(secret, " "); strings.EqualFold(scheme, "Bearer") && strings.HasPrefix(secret, prefix) {
		return secret
	}
	return ""
}

// Make keeps k, whose account, name, scopes, maker and end are given, and returns what its program is to send.
func Make(ctx context.Context, q store.Querier, k Key, now time.Time) (shown string, _ Key, err error) {
	random, _ := secret.New()
	shown = prefix + random
	k.ID, k.Start, k.MadeAt, k.UsedAt = store.NewID(), shown[:startLength], store.Moment(now), nil
	if k.ExpiresAt != nil {
		t := store.Moment(*k.ExpiresAt)
		k.ExpiresAt = &t
	}
	_, err = store.Exec(ctx, q, insertKey, store.Args{
		"id": k.ID, "account": k.Account, "hash": secret.Hash(shown), "start": k.Start, "name": k.Name, "scopes": k.Scopes,
		"made_by": k.MadeBy, "made_at": k.MadeAt, "expires_at": k.ExpiresAt,
	})
	return shown, k, err
}

// Find returns the key that a program has sent, and store.ErrNone where it was revoked, has expired or never was.
func Find(ctx context.Context, q store.Querier, shown string, now time.Time) (Key, error) {
	k, err := store.One[Key](ctx, q, keyByHash, store.Args{"hash": secret.Hash(shown), "now": store.Moment(now)})
	if err == nil && (k.UsedAt == nil || now.Sub(*k.UsedAt) >= usedEvery) {
		at := store.Moment(now)
		k.UsedAt = &at
		_, err = store.Exec(ctx, q, keyUsed, store.Args{"id": k.ID, "at": at})
	}
	return k, err
}

// All returns the keys of an account that were not revoked, the newest first.
func All(ctx context.Context, q store.Querier, account uuid.UUID) ([]Key, error) {
	return store.All[Key](ctx, q, keysOf, store.Args{"account": account})
}

// MadeBy returns the keys that a person has made, also those that were revoked.
func MadeBy(ctx context.Context, q store.Querier, person uuid.UUID) ([]Key, error) {
	return store.All[Key](ctx, q, keysMadeBy, store.Args{"person": person})
}

// Revoke ends a key of account. It returns store.ErrNone where the account has no such key.
func Revoke(ctx context.Context, q store.Querier, account, id uuid.UUID, now time.Time) error {
	n, err := store.Exec(ctx, q, revokeKey, store.Args{"account": account, "id": id, "at": store.Moment(now)})
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// Name returns what a key is called, also one that was revoked; empty where it is not known.
func Name(ctx context.Context, q store.Querier, id uuid.UUID) (string, error) {
	name, err := store.One[string](ctx, q, keyName, store.Args{"id": id})
	if errors.Is(err, store.ErrNone) {
		return "", nil
	}
	return name, err
}
