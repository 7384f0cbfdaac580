// Package hook tells programs elsewhere what happens in an account: signed webhooks (standardwebhooks.com), each kept by
// the transaction that makes the change until its receiver has taken it, in order.
package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements  = store.Load(files)
	insertHook  = statements.Get("insert_hook")
	hooksOf     = statements.Get("hooks_of_account")
	hookByID    = statements.Get("hook_by_id")
	updateHook  = statements.Get("update_hook")
	renewHook   = statements.Get("renew_hook")
	deleteHook  = statements.Get("delete_hook")
	deliveries  = statements.Get("deliveries_before")
	failWaiting = statements.Get("fail_waiting")
	sweepOld    = statements.Get("sweep_deliveries")
)

// A Kind of what happened.
type Kind string

// The kinds.
const (
	EventCreated    Kind = "event.created"
	EventChanged    Kind = "event.changed" // what is said of it, or to another state than those below
	EventStarted    Kind = "event.started"
	EventEnded      Kind = "event.ended"
	EventCancelled  Kind = "event.cancelled"
	EventDeleted    Kind = "event.deleted"
	GuestRegistered Kind = "guest.registered"
	ViewerEntered   Kind = "viewer.entered"
	Test            Kind = "test" // asked for by hand, whatever the hook is told of
)

const (
	most   = 20 // hooks of an account: each change is written once for each
	prefix = "whsec_"

	// keptFor is how long one can look at what became of a delivery.
	keptFor = 30 * 24 * time.Hour
)

var errChanged = errors.New("somebody has changed it since")

// A Hook is one address and what it is told.
type Hook struct {
	ID      uuid.UUID          `db:"id"`
	Account uuid.UUID          `db:"account_id"`
	URL     string             `db:"url"`
	Kinds   store.JSON[[]Kind] `db:"kinds"`
	Epoch   int64              `db:"epoch"` // of its secret
	Version int64              `db:"version"`
	MadeAt  time.Time          `db:"made_at"`
	OffAt   *time.Time         `db:"off_at"`        // nil: it is told
	Failing *time.Time         `db:"failing_since"` // nil: the last attempt went well, or there was none
	NextAt  time.Time          `db:"next_at"`       // before it nobody sends: somebody is at it, or it has failed
}

// A Signer knows what each hook's messages are signed by: an HMAC-SHA256 of its id and epoch. The database has no secret,
// so that who reads it can sign nothing.
type Signer struct{ key []byte }

// NewSigner returns one. Nodes of a mesh have the same key; another one changes all secrets.
func NewSigner(key []byte) *Signer { return &Signer{key} }

// secret is what h's receiver is given.
func (s *Signer) secret(h Hook) string {
	m := hmac.New(sha256.New, s.key)
	m.Write(h.ID[:])
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(h.Epoch)))
	return prefix + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// Add keeps a new hook of account.
func Add(ctx context.Context, q store.Querier, account uuid.UUID, url string, kinds []Kind, now time.Time) (Hook, error) {
	at := store.Moment(now)
	h := Hook{ID: store.NewID(), Account: account, URL: url, Epoch: 1, Version: 1, MadeAt: at, NextAt: at}
	h.Kinds.V = kinds
	_, err := store.Exec(ctx, q, insertHook, store.Args{
		"id": h.ID, "account": account, "url": url, "kinds": h.Kinds, "at": at,
	})
	return h, err
}

// All returns the hooks of an account, the oldest first.
func All(ctx context.Context, q store.Querier, account uuid.UUID) ([]Hook, error) {
	return store.All[Hook](ctx, q, hooksOf, store.Args{"account": account})
}

// Get returns a hook of account.
func Get(ctx context.Context, q store.Querier, account, id uuid.UUID) (Hook, error) {
	return store.One[Hook](ctx, q, hookByID, store.Args{"account": account, "id": id})
}

// Update keeps h's address, kinds, and whether it is told; what waits for one that is off has failed.
func Update(ctx context.Context, q store.Querier, h Hook, now time.Time) (Hook, error) {
	n, err := store.Exec(ctx, q, updateHook, store.Args{
		"account": h.Account, "id": h.ID, "version": h.Version, "url": h.URL, "kinds": h.Kinds, "off_at": h.OffAt,
		"failing_since": h.Failing, "next_at": h.NextAt,
	})
	if err == nil && n == 0 {
		err = errChanged
	}
	if err == nil && h.OffAt != nil {
		err = dropWaiting(ctx, q, h.ID, now)
	}
	h.Version++
	return h, err
}

func dropWaiting(ctx context.Context, q store.Querier, hook uuid.UUID, now time.Time) error {
	_, err := store.Exec(ctx, q, failWaiting, store.Args{"hook": hook, "answer": "The webhook was switched off.", "now": store.Moment(now)})
	return err
}

// Renew gives h another secret. What waits is signed by that.
func Renew(ctx context.Context, q store.Querier, h Hook) (Hook, error) {
	n, err := store.Exec(ctx, q, renewHook, store.Args{"account": h.Account, "id": h.ID, "version": h.Version, "epoch": h.Epoch + 1})
	if err == nil && n == 0 {
		err = errChanged
	}
	h.Epoch++
	h.Version++
	return h, err
}

// Delete forgets a hook of account, with all that was told to it and waits.
func Delete(ctx context.Context, q store.Querier, account, id uuid.UUID) error {
	return some(store.Exec(ctx, q, deleteHook, store.Args{"account": account, "id": id}))
}

func some(n int64, err error) error {
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// States of a delivery.
const (
	waiting = "waiting"
	done    = "done"
	failed  = "failed"
)

// A Delivery is one message to one hook.
type Delivery struct {
	ID        uuid.UUID  `db:"id"` // of the message: the same at each attempt
	Kind      Kind       `db:"kind"`
	State     string     `db:"state"` // waiting, done or failed
	Attempts  int64      `db:"attempts"`
	Status    *int64     `db:"status"` // of the last answer, nil where there was none
	Answer    string     `db:"answer"` // its beginning, or why there was none
	CreatedAt time.Time  `db:"created_at"`
	SettledAt *time.Time `db:"settled_at"` // nil while it waits
}

// Deliveries returns n of a hook's from before on, the newest first.
func Deliveries(ctx context.Context, q store.Querier, hook, before uuid.UUID, n int) ([]Delivery, error) {
	return store.All[Delivery](ctx, q, deliveries, store.Args{"hook": hook, "before": before, "n": n})
}

// Sweep forgets deliveries that are old.
func Sweep(ctx context.Context, db *store.DB, now time.Time) error {
	_, err := store.Exec(ctx, db, sweepOld, store.Args{"before": store.Moment(now.Add(-keptFor))})
	return err
}
