package guest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/store"
)

var (
	remindersDue      = statements.Get("reminders_due")
	insertReminder    = statements.Get("insert_reminder")
	reminderOfMailing = statements.Get("reminder_of_mailing")
)

// reminders are when each kind falls due, and until when one that nobody could send is worth sending: both before the
// start. Who came on the list after it fell due has just heard of the event.
var reminders = []struct {
	kind          mail.Kind
	before, until time.Duration
}{
	{mail.ReminderDay, 24 * time.Hour, 3 * time.Hour},
	{mail.ReminderHour, time.Hour, 0},
}

// remindersAtOnce is how many events are looked up at a time.
const remindersAtOnce = 100

// remind begins the reminders that are due, each once for each start that an event is given.
func (m *Mailer) remind(ctx context.Context) error {
	now := m.Now()
	for _, r := range reminders {
		due, err := store.All[struct {
			ID       uuid.UUID `db:"id"`
			Account  uuid.UUID `db:"account_id"`
			StartsAt time.Time `db:"starts_at"`
		}](ctx, m.Store, remindersDue, store.Args{
			"kind": string(r.kind), "after": store.Moment(now.Add(r.until)), "until": store.Moment(now.Add(r.before)), "n": remindersAtOnce,
		})
		if err != nil {
			return err
		}
		for _, d := range due {
			w := mailing{ID: store.NewID(), Account: d.Account, Event: d.ID, Kind: r.kind, Before: d.StartsAt.Add(-r.before)}
			w.Guests.V = []uuid.UUID{}
			err := m.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
				n, err := store.Exec(ctx, q, insertReminder, store.Args{
					"event": d.ID, "kind": string(r.kind), "starts_at": d.StartsAt, "mailing": w.ID,
				})
				if err != nil || n == 0 { // another node was first
					return err
				}
				return keep(ctx, q, w, now)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// over says whether nobody needs m's mails any more: the event was cancelled, or a reminder's has begun or was moved.
func (m *mailing) over(ctx context.Context, q store.Querier, e event.Event, now time.Time) (bool, error) {
	if m.Kind != mail.ReminderDay && m.Kind != mail.ReminderHour {
		return e.State == event.Cancelled && m.Kind != mail.Cancelled, nil
	}
	at, err := store.One[time.Time](ctx, q, reminderOfMailing, store.Args{"event": m.Event, "mailing": m.ID})
	waits := e.State == event.Scheduled || e.State == event.Preparation
	return !waits || !e.StartsAt.Equal(at) || !now.Before(at), err
}
