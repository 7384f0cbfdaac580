package door

import (
	"context"
	"embed"
	"errors"
	"time"

	"github.com/google/uuid"

	"freshet/control/hook"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements       = store.Load(files)
	insertEntry      = statements.Get("insert_entry")
	entryByID        = statements.Get("entry_by_id")
	eventThere       = statements.Get("event_there")
	seenEntry        = statements.Get("seen_entry")
	placesOfGuest    = statements.Get("places_of_guest")
	sessionsOfGuest  = statements.Get("sessions_of_guest")
	sessionsOfGuests = statements.Get("sessions_of_guests")
	entriesOfEmail   = statements.Get("entries_of_email")
	forgetEmail      = statements.Get("forget_email")
	revokeSession    = statements.Get("revoke_session")
	revokedSessions  = statements.Get("revoked_sessions")
	sweepRevoked     = statements.Get("sweep_revoked")
)

// A Way is how somebody came in.
type Way string

// The ways.
const (
	ByNothing  Way = "open"
	ByPassword Way = "password"
	ByPass     Way = "pass"
	ByDirect   Way = "direct"
)

// An Entry is one person's stay at an event.
type Entry struct {
	ID       uuid.UUID  `db:"id"` // the session of its tokens
	Account  uuid.UUID  `db:"account_id"`
	Event    uuid.UUID  `db:"event_id"`
	Guest    *uuid.UUID `db:"guest_id"` // nil: none of the event's list
	Name     string     `db:"name"`
	Email    string     `db:"email"`
	Language string     `db:"language"`
	Way      Way        `db:"way"`
	Network  string     `db:"network"` // as audit logs keep addresses
	BeganAt  time.Time  `db:"began_at"`
	SeenAt   time.Time  `db:"seen_at"` // when its token was last renewed
}

// errGone is returned where the event of an entry is not there any more.
var errGone = errors.New("the event is gone")

// keep writes e. There is one row whatever is kept twice.
func keep(ctx context.Context, q store.Querier, e Entry) error {
	there, err := store.One[int64](ctx, q, eventThere, store.Args{"event": e.Event})
	if err == nil && there == 0 {
		err = errGone
	}
	if err != nil {
		return err
	}
	n, err := store.Exec(ctx, q, insertEntry, store.Args{
		"id": e.ID, "account": e.Account, "event": e.Event, "guest": e.Guest, "name": e.Name, "email": e.Email,
		"language": e.Language, "way": string(e.Way), "network": e.Network, "began_at": e.BeganAt, "seen_at": e.SeenAt,
	})
	if err != nil || n == 0 {
		return err
	}
	return hook.Tell(ctx, q, hook.News{
		Account: e.Account, Kind: hook.ViewerEntered, Event: e.Event, Data: told{e.ID, e.Guest, e.Way},
	}, e.BeganAt)
}

// told is what webhooks hear of an entry.
type told struct {
	Session uuid.UUID  `json:"session"`
	Guest   *uuid.UUID `json:"guest"` // null: none of the event's list
	Way     Way        `json:"way"`
}

// Of returns the entries of whoever gave an address, the oldest first.
func Of(ctx context.Context, q store.Querier, email string) ([]Entry, error) {
	return store.All[Entry](ctx, q, entriesOfEmail, store.Args{"email": email})
}

// Forget takes name and address out of the entries of whoever gave it: that somebody was there stays.
func Forget(ctx context.Context, q store.Querier, email string) error {
	_, err := store.Exec(ctx, q, forgetEmail, store.Args{"email": email})
	return err
}
