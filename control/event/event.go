// Package event knows what is shown when, and to whom: events with their life, their streams, and the members who have a
// role in one of them alone. It tells the mesh which streams are on (Board).
package event

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"freshet/control/brand"
	"freshet/control/filter"
	"freshet/control/hook"
	"freshet/control/permit"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements     = store.Load(files)
	insertEvent    = statements.Get("insert_event")
	eventByID      = statements.Get("event_by_id")
	eventBySlug    = statements.Get("event_by_slug")
	eventByNumber  = statements.Get("event_by_number")
	eventsBySlugs  = statements.Get("events_by_slugs")
	eventsForward  = statements.Get("events_forward")
	eventsBackward = statements.Get("events_backward")
	updateEvent    = statements.Get("update_event")
	setState       = statements.Get("set_state")
	setDirect      = statements.Get("set_direct")
	deleteEvent    = statements.Get("delete_event")
	unheldEvents   = statements.Get("unheld_events")
	roleInEvent    = statements.Get("role_in_event")
)

// Errors that callers tell apart.
var (
	ErrChanged = errors.New("somebody has changed it since")
	ErrFull    = errors.New("there are as many as there may be")
	errNames   = errors.New("no name is free")
)

// A Kind of event.
type Kind string

// The kinds of events.
const (
	Webcast   Kind = "webcast"
	Webinar   Kind = "webinar"
	Meeting   Kind = "meeting"
	Permanent Kind = "permanent" // a room for any number of sessions, kept until it is deleted
)

// A Rule of access says who may come.
type Rule string

// The rules of access.
const (
	Open         Rule = "open"
	Password     Rule = "password"
	Token        Rule = "token" // a personal one
	Registration Rule = "registration"
)

// An AgendaItem is one of an agenda.
type AgendaItem struct {
	At    int    `json:"at" minimum:"0" maximum:"100000" doc:"Minutes after the start"`
	Title string `json:"title" minLength:"1" maxLength:"200"`
	Text  string `json:"text,omitempty" maxLength:"2000"`
}

// EventOptions are what the order form grants.
type EventOptions struct {
	Registration bool `json:"registration"`
	Poll         bool `json:"poll"`
	Languages    bool `json:"languages" doc:"More than one"`
	SMS          bool `json:"sms" doc:"Questions by SMS"`
}

// A Line is what lists show of an event.
type Line struct {
	ID          uuid.UUID            `db:"id"`
	Slug        string               `db:"slug"`   // in its address
	Number      string               `db:"number"` // nine digits
	Kind        Kind                 `db:"kind"`
	Title       string               `db:"title"`
	Languages   store.JSON[[]string] `db:"languages"` // BCP 47
	StartsAt    time.Time            `db:"starts_at"`
	EndsAt      *time.Time           `db:"ends_at"`
	TimeZone    string               `db:"time_zone"`
	State       State                `db:"state"`
	Access      Rule                 `db:"access"`
	Version     int64                `db:"version"`
	CreatedAt   time.Time            `db:"created_at"`
	CancelledAt *time.Time           `db:"cancelled_at"`
	HeldAt      *time.Time           `db:"held_at"`  // went live for the first time
	EndedAt     *time.Time           `db:"ended_at"` // for the last time; nil while it is live
}

// An Event is one with all it has.
type Event struct {
	Line
	Account     uuid.UUID                 `db:"account_id"`
	Description string                    `db:"description"`
	Password    *string                   `db:"password"` // PHC string
	Agenda      store.JSON[[]AgendaItem]  `db:"agenda"`
	Lobby       string                    `db:"lobby"` // message to those who wait
	MailHidden  store.JSON[[]MailBlock]   `db:"mail_hidden"`
	Options     store.JSON[EventOptions]  `db:"options"`
	Embed       store.JSON[Embed]         `db:"embed"`
	Filter      store.JSON[filter.Filter] `db:"filters"`
	brand.Worn
	Direct      *string                 `db:"direct"`       // code of the link that lets in whoever has it; nil: there is none
	ViewerEpoch int64                   `db:"viewer_epoch"` // tokens of an older one do not count
	Form        store.JSON[[]FormField] `db:"form"`
	Cap         *int64                  `db:"cap"`      // guests that have a place; nil: any number
	Taken       int64                   `db:"taken"`    // places, where there is a cap
	Approval    bool                    `db:"approval"` // whoever registers waits until somebody agrees
	MadeBy      *uuid.UUID              `db:"made_by"`  // person whose signature its mails have; nil: a program
}

// A Listed event, and what the person who asked is in it.
type Listed struct {
	Line
	Role permit.Role `db:"role"` // in this event alone; empty: none
}

// tries for names that nobody has. Ten of them taken by chance: it is no chance.
const tries = 10

// New returns an event of account about which nothing was said yet, but that there is no order: it has all options.
func New(account uuid.UUID) Event {
	e := Event{Account: account}
	e.Kind, e.Access, e.State, e.TimeZone = Webcast, Open, Scheduled, "UTC"
	e.Languages.V, e.Agenda.V, e.Form.V, e.MailHidden.V = []string{}, []AgendaItem{}, []FormField{}, []MailBlock{}
	e.Embed.V = Embed{Where: Anywhere}
	e.Options.V = EventOptions{Registration: true, Poll: true, Languages: true, SMS: true}
	return e
}

// Create keeps a new event, to which it gives an id, a slug and a number, and tells webhooks of it.
func Create(ctx context.Context, q store.Querier, hooks *hook.Queue, e Event, random io.Reader, now time.Time) (Event, error) {
	e.ID, e.State, e.Version, e.CreatedAt = store.NewID(), Scheduled, 1, store.Moment(now)
	e.CancelledAt, e.HeldAt, e.EndedAt, e.Direct, e.ViewerEpoch = nil, nil, nil, nil, 1
	for range tries {
		var err error
		if e.Slug, err = newSlug(random, e.Title); err != nil {
			return Event{}, err
		}
		if e.Number, err = newNumber(random); err != nil {
			return Event{}, err
		}
		args := e.args()
		args["slug"], args["number"], args["state"] = e.Slug, e.Number, string(e.State)
		args["created_at"], args["options"], args["made_by"] = e.CreatedAt, e.Options, e.MadeBy
		delete(args, "version")
		delete(args, "viewer_epoch")
		switch n, err := store.Exec(ctx, q, insertEvent, args); {
		case err != nil:
			return Event{}, err
		case n > 0:
			return e, tell(ctx, q, hooks, hook.EventCreated, e, now)
		}
	}
	return Event{}, fmt.Errorf("event: %w", errNames)
}

// args are what may be edited, and whose it is.
func (e *Event) args() store.Args {
	return store.Args{
		"id": e.ID, "account": e.Account, "version": e.Version, "kind": string(e.Kind), "title": e.Title,
		"words": Words(e.Title), "description": e.Description, "languages": e.Languages, "starts_at": e.StartsAt,
		"ends_at": e.EndsAt, "time_zone": e.TimeZone, "access": string(e.Access), "password": e.Password,
		"agenda": e.Agenda, "lobby": e.Lobby, "mail_hidden": e.MailHidden, "form": e.Form, "cap": e.Cap, "approval": e.Approval, "embed": e.Embed, "filters": e.Filter,
		"viewer_epoch": e.ViewerEpoch,
	}
}

// Get returns an event of account.
func Get(ctx context.Context, q store.Querier, account, id uuid.UUID) (Event, error) {
	return store.One[Event](ctx, q, eventByID, store.Args{"account": account, "id": id})
}

// BySlug returns the event at an address, of whatever account. It returns store.ErrNone where visitors see none there.
func BySlug(ctx context.Context, q store.Querier, slug string) (Event, error) {
	return public(store.One[Event](ctx, q, eventBySlug, store.Args{"slug": slug}))
}

// ByNumber does what BySlug does, by the number.
func ByNumber(ctx context.Context, q store.Querier, number string) (Event, error) {
	return public(store.One[Event](ctx, q, eventByNumber, store.Args{"number": number}))
}

// BySlugs does what BySlug does for many at once, in no order: those where visitors see none are missing.
func BySlugs(ctx context.Context, q store.Querier, slugs []string) ([]Event, error) {
	all, err := store.All[Event](ctx, q, eventsBySlugs, store.Args{"slugs": slugs})
	return slices.DeleteFunc(all, func(e Event) bool { return !e.Public() }), err
}

func public(e Event, err error) (Event, error) {
	if err == nil && !e.Public() {
		return Event{}, store.ErrNone
	}
	return e, err
}

// Update keeps what may be edited of e. It returns ErrChanged where the version kept is another than e's.
func Update(ctx context.Context, q store.Querier, e Event) (Event, error) {
	return versioned(ctx, q, updateEvent, e, e.args())
}

// SetState keeps e's state and its moments. It returns ErrChanged as Update does.
func SetState(ctx context.Context, q store.Querier, e Event) (Event, error) {
	return versioned(ctx, q, setState, e, store.Args{
		"id": e.ID, "account": e.Account, "version": e.Version, "state": string(e.State),
		"cancelled_at": e.CancelledAt, "held_at": e.HeldAt, "ended_at": e.EndedAt,
	})
}

// SetDirect keeps the code of e's direct link. It returns ErrChanged as Update does.
func SetDirect(ctx context.Context, q store.Querier, e Event) (Event, error) {
	return versioned(ctx, q, setDirect, e, store.Args{"id": e.ID, "account": e.Account, "version": e.Version, "direct": e.Direct})
}

func versioned(ctx context.Context, q store.Querier, s store.Statement, e Event, args store.Args) (Event, error) {
	n, err := store.Exec(ctx, q, s, args)
	if err == nil && n == 0 {
		err = ErrChanged
	}
	e.Version++
	return e, err
}

// Delete forgets an event with its streams and users.
func Delete(ctx context.Context, q store.Querier, account, id uuid.UUID) error {
	_, err := store.Exec(ctx, q, deleteEvent, store.Args{"account": account, "id": id})
	return err
}

// A Search says which events of an account are listed.
type Search struct {
	Account  uuid.UUID
	Person   uuid.UUID // whose role is told
	All      bool      // else only those in which Person has a role
	Words    string    // in the title, in any case and without accents; empty: any
	State    State     // empty: any
	From, To time.Time // of the start, without To; zero: any
	Newest   bool      // first
	After    Place     // of the last one seen before
	N        int
}

// A Place in a list of events.
type Place struct {
	At time.Time
	ID uuid.UUID
}

// The years in which events are: what databases and pages can all keep.
var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// List returns the events that s asks for, by their start.
func List(ctx context.Context, q store.Querier, s Search) ([]Listed, error) {
	statement, from, to, after := eventsForward, earliest, latest, s.After
	if !s.From.IsZero() {
		from = s.From
	}
	if !s.To.IsZero() {
		to = s.To
	}
	if s.Newest {
		statement = eventsBackward
	}
	if after.At.IsZero() {
		if after = (Place{At: earliest.Add(-time.Hour)}); s.Newest {
			after.At = latest
		}
	}
	return store.All[Listed](ctx, q, statement, store.Args{
		"account": s.Account, "person": s.Person, "all": s.All, "words": "%" + Words(s.Words) + "%", "state": string(s.State),
		"from": store.Moment(from), "to": store.Moment(to), "at": store.Moment(after.At), "id": after.ID, "n": s.N,
	})
}

// RoleIn returns what person is in one event of account, empty for nothing. It returns store.ErrNone where account has
// no such event.
func RoleIn(ctx context.Context, q store.Querier, account, id, person uuid.UUID) (permit.Role, error) {
	return store.One[permit.Role](ctx, q, roleInEvent, store.Args{"account": account, "id": id, "person": person})
}

// grace is how long an event that was never held is kept after its time: somebody may still start it, and visitors read
// that it was cancelled.
const grace = 24 * time.Hour

// A Gone event was swept.
type Gone struct {
	ID      uuid.UUID `db:"id"`
	Account uuid.UUID `db:"account_id"`
}

// Unheld returns up to n events whose time, and grace, have passed without their ever being held.
func Unheld(ctx context.Context, q store.Querier, now time.Time, n int) ([]Gone, error) {
	return store.All[Gone](ctx, q, unheldEvents, store.Args{
		"start": store.Moment(now.Add(-wait - grace)), "end": store.Moment(now.Add(-grace)), "n": n,
	})
}
