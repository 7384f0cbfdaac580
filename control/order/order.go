// Package order has webcasts ordered: who wants one asks for a quote, whoever runs the installation accepts or refuses it,
// and what was accepted is the order form of the event that it makes.
package order

import (
	"context"
	"embed"
	"time"

	"github.com/google/uuid"

	"freshet/control/event"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements   = store.Load(files)
	insertQuote  = statements.Get("insert_quote")
	quoteByID    = statements.Get("quote_by_id")
	quoteOfEvent = statements.Get("quote_of_event")
	newestQuotes = statements.Get("newest_quotes")
	quotesOf     = statements.Get("quotes_of_email")
	decideQuote  = statements.Get("decide_quote")
	deleteQuotes = statements.Get("delete_quotes_of_email")
	blankQuotes  = statements.Get("blank_quotes_of_email")
	sweepQuotes  = statements.Get("sweep_quotes")
)

// A State of a quote.
type State string

// The states of quotes.
const (
	Asked    State = "asked"
	Accepted State = "accepted"
	Refused  State = "refused"
)

// A Quote is what somebody wants, and what became of it.
type Quote struct {
	ID           uuid.UUID                      `db:"id"`
	Account      *uuid.UUID                     `db:"account_id"` // of the member who asked, or that has the event; nil: of nobody yet
	Event        *uuid.UUID                     `db:"event_id"`   // once accepted
	Organization string                         `db:"organization"`
	Name         string                         `db:"name"`
	Email        string                         `db:"email"` // as account.Address returns it; empty once its person was erased
	Phone        string                         `db:"phone"`
	Language     string                         `db:"language"` // of mails: en or fr
	Pages        string                         `db:"pages"`    // base address of those on which it was asked, for links
	Title        string                         `db:"title"`
	StartsAt     time.Time                      `db:"starts_at"`
	TimeZone     string                         `db:"time_zone"`
	Minutes      int64                          `db:"minutes"`
	Viewers      int64                          `db:"viewers"`   // at most
	Languages    store.JSON[[]string]           `db:"languages"` // BCP 47
	Options      store.JSON[event.EventOptions] `db:"options"`
	Remarks      string                         `db:"remarks"`
	State        State                          `db:"state"`
	Reason       string                         `db:"reason"` // for which it was refused
	AskedAt      time.Time                      `db:"asked_at"`
	DecidedAt    *time.Time                     `db:"decided_at"`
}

// Add keeps a new quote, to which it gives an id.
func Add(ctx context.Context, q store.Querier, k Quote, now time.Time) (Quote, error) {
	k.ID, k.State, k.AskedAt = store.NewID(), Asked, store.Moment(now)
	_, err := store.Exec(ctx, q, insertQuote, store.Args{
		"id": k.ID, "account": k.Account, "organization": k.Organization, "name": k.Name, "email": k.Email, "phone": k.Phone,
		"language": k.Language, "pages": k.Pages, "title": k.Title, "starts_at": k.StartsAt, "time_zone": k.TimeZone,
		"minutes": k.Minutes, "viewers": k.Viewers, "languages": k.Languages, "options": k.Options, "remarks": k.Remarks,
		"at": k.AskedAt,
	})
	return k, err
}

// Get returns a quote.
func Get(ctx context.Context, q store.Querier, id uuid.UUID) (Quote, error) {
	return store.One[Quote](ctx, q, quoteByID, store.Args{"id": id})
}

// OfEvent returns the quote that made an event, and store.ErrNone where none did.
func OfEvent(ctx context.Context, q store.Querier, event uuid.UUID) (Quote, error) {
	return store.One[Quote](ctx, q, quoteOfEvent, store.Args{"event": event})
}

// Newest returns up to n quotes, the newest first.
func Newest(ctx context.Context, q store.Querier, n int) ([]Quote, error) {
	return store.All[Quote](ctx, q, newestQuotes, store.Args{"n": n})
}

// Of returns the quotes that were asked for with an address, the oldest first.
func Of(ctx context.Context, q store.Querier, email string) ([]Quote, error) {
	return store.All[Quote](ctx, q, quotesOf, store.Args{"email": email})
}

// Forget forgets the person with an address: what it asked for goes, and an order that was accepted, which belongs to
// its account, names nobody any more.
func Forget(ctx context.Context, q store.Querier, email string) error {
	if _, err := store.Exec(ctx, q, deleteQuotes, store.Args{"email": email}); err != nil {
		return err
	}
	_, err := store.Exec(ctx, q, blankQuotes, store.Args{"email": email})
	return err
}

// keptFor is how long a quote that made no event is kept behind the start that it names.
const keptFor = 90 * 24 * time.Hour

// Sweep forgets quotes that made no event, once their time is over.
func Sweep(ctx context.Context, db *store.DB, now time.Time) error {
	_, err := store.Exec(ctx, db, sweepQuotes, store.Args{"before": store.Moment(now.Add(-keptFor))})
	return err
}
