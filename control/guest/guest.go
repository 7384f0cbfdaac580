// Package guest knows who comes to an event: those whom organizers have added and those who have registered, and what
// mails they get.
package guest

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/roll"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements     = store.Load(files)
	insertGuest    = statements.Get("insert_guest")
	insertGuests   = statements.Get("insert_guests")
	guestByID      = statements.Get("guest_by_id")
	guestByAddress = statements.Get("guest_by_address")
	guestsBefore   = statements.Get("guests_before")
	countGuests    = statements.Get("count_guests")
	deleteGuest    = statements.Get("delete_guest")
	deleteGuests   = statements.Get("delete_guests")
	setGuestState  = statements.Get("set_guest_state")
	guestMailed    = statements.Get("guest_mailed")
)

// A Source is how a guest came on the list.
type Source string

// The sources.
const (
	Added      Source = "added" // by hand
	Imported   Source = "imported"
	Registered Source = "registered"
)

// A State of a guest.
type State string

// The states. Only guests who are in come through the door.
const (
	In      State = "in"
	Waiting State = "waiting" // for a place, or for an organizer to agree
	Refused State = "refused"
	Erased  State = "erased" // has asked for it: nothing is left but the number of guests
)

// An Answer to a field of a form: a text, or yes or no.
type Answer struct{ V any }

// MarshalJSON implements json.Marshaler.
func (a Answer) MarshalJSON() ([]byte, error) { return json.Marshal(a.V) }

// UnmarshalJSON implements json.Unmarshaler.
func (a *Answer) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &a.V) }

// Schema implements huma.SchemaProvider.
func (Answer) Schema(huma.Registry) *huma.Schema {
	most := answerMost
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString, MaxLength: &most}, {Type: huma.TypeBoolean}}}
}

// answerMost is how long an answer is, in runes.
const answerMost = 500

// A Guest is somebody on the list of an event.
type Guest struct {
	ID        uuid.UUID                     `db:"id"`
	Account   uuid.UUID                     `db:"account_id"`
	Event     uuid.UUID                     `db:"event_id"`
	Name      string                        `db:"name"`
	Email     string                        `db:"email"`    // as it was typed
	Address   *string                       `db:"address"`  // as account.Address returns it; nil: was erased
	Language  string                        `db:"language"` // BCP 47
	Source    Source                        `db:"source"`
	State     State                         `db:"state"`
	Answers   store.JSON[map[string]Answer] `db:"answers"` // by the ids of fields
	Epoch     int64                         `db:"pass_epoch"`
	CreatedAt time.Time                     `db:"created_at"`
	InvitedAt *time.Time                    `db:"invited_at"` // last
	SeenAt    *time.Time                    `db:"seen_at"`    // last at the door
}

// most guests of one event that organizers may add; those who register are bounded by their rate.
const most = 100_000

// languageOf is what guests of e are taken to speak who do not say.
func languageOf(e event.Event) string { return account.Language(e.Languages.V...) }

// add keeps g, with the id of its mail, uuid.Nil for none, and says whether its address was not on the list before.
func add(ctx context.Context, q store.Querier, g Guest, mail uuid.UUID) (fresh bool, err error) {
	n, err := store.Exec(ctx, q, insertGuest, store.Args{
		"id": g.ID, "account": g.Account, "event": g.Event, "name": g.Name, "email": g.Email, "address": g.Address,
		"words": roll.Words(g.Name, g.Email), "language": g.Language, "source": string(g.Source), "state": string(g.State),
		"answers": g.Answers, "added_by": (*uuid.UUID)(nil), "mail": orNil(mail), "at": g.CreatedAt,
	})
	return n > 0, err
}

func orNil(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// atOnce is how many rows one statement takes: more made none faster.
const atOnce = 500

// addAll keeps rows as guests of e, and returns how many were not on the list before.
func addAll(ctx context.Context, q store.Querier, e event.Event, rows []roll.Entry, source Source, by uuid.UUID, now time.Time) (added int, err error) {
	for len(rows) > 0 {
		some := rows[:min(atOnce, len(rows))]
		rows = rows[len(some):]
		n, err := store.Exec(ctx, q, insertGuests, store.Args{
			"account": e.Account, "event": e.ID, "source": string(source), "added_by": by, "at": store.Moment(now),
			"rows": store.JSON[[]roll.Entry]{V: some},
		})
		if err != nil {
			return 0, err
		}
		added += int(n)
	}
	return added, nil
}

// get returns a guest of an event.
func get(ctx context.Context, q store.Querier, e event.Event, id uuid.UUID) (Guest, error) {
	g, err := store.One[Guest](ctx, q, guestByID, store.Args{"id": id})
	if err == nil && (g.Event != e.ID || g.Account != e.Account) {
		err = store.ErrNone
	}
	return g, err
}

// setState has g be in a state, and revokes its pass where that is none to come in with.
func setState(ctx context.Context, q store.Querier, g Guest, s State) (Guest, error) {
	if g.State = s; s == Refused {
		g.Epoch++
	}
	_, err := store.Exec(ctx, q, setGuestState, store.Args{"id": g.ID, "state": string(s), "epoch": g.Epoch})
	return g, err
}

// mailed notes the last mail to g, and that it was invited by it where at is not nil.
func mailed(ctx context.Context, q store.Querier, g Guest, mail uuid.UUID, at *time.Time) error {
	_, err := store.Exec(ctx, q, guestMailed, store.Args{"id": g.ID, "mail": mail, "invited_at": at})
	return err
}

// A filter says which guests of an event are listed. What is empty is any.
type filter struct {
	account, event uuid.UUID
	source         Source
	state          State
	words          string
}

func (f filter) args() store.Args {
	return store.Args{
		"account": f.account, "event": f.event, "source": string(f.source), "state": string(f.state), "words": "%" + event.Words(f.words) + "%",
	}
}

// A listed guest, with what became of the last mail to it.
type listed struct {
	Guest
	MailState  *string `db:"mail_state"` // nil: no mail
	MailAnswer *string `db:"mail_answer"`
}

// list returns up to n guests who came before another, the newest first; uuid.Max is before nobody.
func list(ctx context.Context, q store.Querier, f filter, before uuid.UUID, n int) ([]listed, error) {
	args := f.args()
	args["before"], args["n"] = before, n
	return store.All[listed](ctx, q, guestsBefore, args)
}

func count(ctx context.Context, q store.Querier, f filter) (int64, error) {
	return store.One[int64](ctx, q, countGuests, f.args())
}

// errNone is an ErrNone or nil.
func isNone(err error) bool { return errors.Is(err, store.ErrNone) }
