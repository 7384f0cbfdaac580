package guest

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/store"
)

var (
	insertMailing = statements.Get("insert_mailing")
	openMailing   = statements.Get("open_mailing")
	mailingByID   = statements.Get("mailing_by_id")
	mailingOn     = statements.Get("mailing_on")
	mailingNext   = statements.Get("mailing_next")
	mailingCount  = statements.Get("mailing_count")
	chosenGuests  = statements.Get("chosen_guests")
	mailsDue      = statements.Get("mails_due")
	nextWaiting   = statements.Get("next_waiting")
	letIn         = statements.Get("let_in")
)

// A mailing is one kind of mail to many guests of an event. It is kept by the transaction that wants it, and its mails are
// written afterwards, some at a time, by whichever node comes first: each guest's once, wherever that node dies.
type mailing struct {
	ID      uuid.UUID               `db:"id"`
	Account uuid.UUID               `db:"account_id"`
	Event   uuid.UUID               `db:"event_id"`
	Kind    mail.Kind               `db:"kind"`
	Guests  store.JSON[[]uuid.UUID] `db:"guests"`      // those alone; empty: all
	Fresh   bool                    `db:"fresh"`       // only guests who were not invited yet
	Before  time.Time               `db:"came_before"` // only guests who were on the list then
	Last    uuid.UUID               `db:"last_id"`     // all up to this one are done
}

// args choose among all guests of an event. Nobody hears of a change who has not heard of the event.
func (m *mailing) args() store.Args {
	return store.Args{
		"account": m.Account, "event": m.Event, "came_before": store.Moment(m.Before), "fresh": m.Fresh, "topic": string(m.Kind.Topic()),
		"waiting": m.Kind == mail.Cancelled, "told": m.Kind != mail.Invitation && m.Kind != mail.Accepted,
	}
}

// some returns the next n guests.
func (m *mailing) some(ctx context.Context, q store.Querier, n int) ([]Guest, error) {
	if len(m.Guests.V) == 0 {
		args := m.args()
		args["last"], args["n"] = m.Last, n
		return store.All[Guest](ctx, q, mailingNext, args)
	}
	return m.chosen(ctx, q, m.left(n))
}

// left returns the next n ids of those that are named, which are sorted.
func (m *mailing) left(n int) []uuid.UUID {
	i, done := slices.BinarySearchFunc(m.Guests.V, m.Last, compare)
	if done {
		i++
	}
	return m.Guests.V[i:min(i+n, len(m.Guests.V))]
}

func compare(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

func (m *mailing) chosen(ctx context.Context, q store.Querier, ids []uuid.UUID) ([]Guest, error) {
	return store.All[Guest](ctx, q, chosenGuests, store.Args{
		"account": m.Account, "event": m.Event, "guests": ids, "topic": string(m.Kind.Topic()),
	})
}

// count returns how many of all guests of the event m is for.
func (m *mailing) count(ctx context.Context, q store.Querier) (int64, error) {
	return store.One[int64](ctx, q, mailingCount, m.args())
}

// begin keeps m, which sorts its guests, and returns how many mails it is.
func begin(ctx context.Context, q store.Querier, m mailing, now time.Time) (n int64, err error) {
	m.ID, m.Last = store.NewID(), uuid.Nil
	if m.Before.IsZero() {
		m.Before = now
	}
	if m.Guests.V == nil {
		m.Guests.V = []uuid.UUID{}
	}
	slices.SortFunc(m.Guests.V, compare)
	m.Guests.V = slices.Compact(m.Guests.V)
	if len(m.Guests.V) > 0 {
		all, err := m.chosen(ctx, q, m.Guests.V)
		if n = int64(len(all)); err != nil {
			return 0, err
		}
	} else if n, err = m.count(ctx, q); err != nil {
		return 0, err
	}
	return n, keep(ctx, q, m, now)
}

func keep(ctx context.Context, q store.Querier, m mailing, now time.Time) error {
	_, err := store.Exec(ctx, q, insertMailing, store.Args{
		"id": m.ID, "account": m.Account, "event": m.Event, "kind": string(m.Kind), "guests": m.Guests, "fresh": m.Fresh,
		"came_before": store.Moment(m.Before), "last": m.Last, "at": store.Moment(now),
	})
	return err
}

const (
	// someAtOnce is how many mails of a mailing are written in one transaction, for which registrations wait.
	someAtOnce = 100
	// ahead is how many mails may be due before a mailing writes more: who asks for a link waits behind so many.
	ahead = 500
	// lookEvery finds reminders that are due, and mailings of other nodes that have died.
	lookEvery = 30 * time.Second
	// waitAhead is how long a mailing waits for the mails before it.
	waitAhead = time.Second
)

// A Mailer writes the mails of mailings, and begins reminders.
type Mailer struct {
	Log     *slog.Logger
	Store   *store.DB
	Letters *Letters
	Now     func() time.Time

	wake chan struct{} // has an element while there may be something to write
}

// NewMailer returns m.
func NewMailer(m Mailer) *Mailer {
	m.wake = make(chan struct{}, 1)
	return &m
}

// begin does what begin does, and has m look once that is kept.
func (m *Mailer) begin(ctx context.Context, q store.Querier, w mailing, now time.Time) (n int64, err error) {
	m.soon(ctx)
	return begin(ctx, q, w, now)
}

// soon has m look once what ctx's transaction has written is kept.
func (m *Mailer) soon(ctx context.Context) {
	store.After(ctx, func() {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	})
}

// Run writes until ctx ends.
func (m *Mailer) Run(ctx context.Context) error {
	for {
		wait, err := m.Work(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			m.Log.Warn("mails to guests wait", "err", err)
		}
		select {
		case <-m.wake:
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// Work begins the reminders that are due, writes all that may be written now, and returns when to look again.
func (m *Mailer) Work(ctx context.Context) (wait time.Duration, err error) {
	if err := m.remind(ctx); err != nil {
		return lookEvery, err
	}
	for ctx.Err() == nil {
		w, err := store.One[mailing](ctx, m.Store, openMailing, nil)
		if isNone(err) {
			return lookEvery, nil
		}
		if err != nil {
			return lookEvery, err
		}
		due, err := store.One[int64](ctx, m.Store, mailsDue, store.Args{"now": store.Moment(m.Now()), "n": ahead})
		if err != nil {
			return lookEvery, err
		}
		if due >= ahead {
			return waitAhead, nil
		}
		if err := m.step(ctx, w.ID); err != nil {
			return lookEvery, err
		}
	}
	return 0, nil
}

// step writes the next mails of a mailing.
func (m *Mailer) step(ctx context.Context, id uuid.UUID) error {
	now := m.Now()
	return m.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		w, err := store.One[mailing](ctx, q, mailingByID, store.Args{"id": id})
		if isNone(err) { // another node has done it
			return nil
		}
		if err != nil {
			return err
		}
		e, err := event.Get(ctx, q, w.Account, w.Event)
		if err != nil {
			return err
		}
		over, err := w.over(ctx, q, e, now)
		if err != nil || over {
			return w.on(ctx, q, &now, err)
		}
		guests, err := w.some(ctx, q, someAtOnce)
		if err != nil {
			return err
		}
		if err := m.write(ctx, q, w, e, guests, now); err != nil {
			return err
		}
		return w.advance(ctx, q, guests, now)
	})
}

// advance notes that guests were the last ones so far.
func (m *mailing) advance(ctx context.Context, q store.Querier, guests []Guest, now time.Time) error {
	if left := m.left(someAtOnce); len(m.Guests.V) > 0 && len(left) > 0 { // some of those that are named may be gone
		m.Last = left[len(left)-1]
		return m.on(ctx, q, nil, nil)
	}
	if len(guests) > 0 && len(m.Guests.V) == 0 {
		m.Last = guests[len(guests)-1].ID
		return m.on(ctx, q, nil, nil)
	}
	return m.on(ctx, q, &now, nil)
}

// on notes how far m is; done is nil where it goes on. It does nothing where there is an error already.
func (m *mailing) on(ctx context.Context, q store.Querier, done *time.Time, err error) error {
	if err != nil {
		return err
	}
	if done != nil {
		at := store.Moment(*done)
		done = &at
	}
	_, err = store.Exec(ctx, q, mailingOn, store.Args{"id": m.ID, "last": m.Last, "done_at": done})
	return err
}

// write keeps w's mails to guests.
func (m *Mailer) write(ctx context.Context, q store.Querier, w mailing, e event.Event, guests []Guest, now time.Time) error {
	s, err := sheetOf(ctx, q, e)
	if err != nil {
		return err
	}
	var invited *time.Time
	if at := store.Moment(now); w.Kind == mail.Invitation {
		invited = &at
	}
	for _, g := range guests {
		message := m.Letters.to(s, g, w.Kind, now)
		if err := m.Letters.Mail.Add(ctx, q, message, now); err != nil {
			return err
		}
		if err := mailed(ctx, q, g, message.ID, invited); err != nil {
			return err
		}
	}
	return nil
}

// moveUp gives the guests who have waited longest the places of e that are free, and tells them. Where an organizer looks
// at each, that is hers to do.
func (m *Mailer) moveUp(ctx context.Context, q store.Querier, e event.Event, now time.Time) error {
	m.soon(ctx)
	return moveUp(ctx, q, e, now)
}

func moveUp(ctx context.Context, q store.Querier, e event.Event, now time.Time) error {
	if e.Approval || e.State == event.Ended || e.State == event.Archived || e.State == event.Cancelled {
		return nil
	}
	e, err := event.Get(ctx, q, e.Account, e.ID) // with the places that are taken by now
	if err != nil {
		return err
	}
	free := int64(most)
	if e.Cap != nil {
		free = *e.Cap - e.Taken
	}
	if free <= 0 {
		return nil
	}
	args := store.Args{"event": e.ID, "n": free}
	ids, err := store.All[uuid.UUID](ctx, q, nextWaiting, args)
	if err != nil || len(ids) == 0 {
		return err
	}
	if _, err := store.Exec(ctx, q, letIn, args); err != nil {
		return err
	}
	_, err = begin(ctx, q, mailing{Account: e.Account, Event: e.ID, Kind: mail.Accepted, Guests: store.JSON[[]uuid.UUID]{V: ids}}, now)
	return err
}

// Changed does what a change of an event means to its guests, in the transaction that makes it: those who wait get the
// places that are there now, and who has heard of an event that is cancelled hears that, too.
func (m *Mailer) Changed(ctx context.Context, q store.Querier, was, is event.Event, now time.Time) error {
	if is.State == event.Cancelled && was.State != event.Cancelled {
		_, err := m.begin(ctx, q, mailing{Account: is.Account, Event: is.ID, Kind: mail.Cancelled}, now)
		return err
	}
	if is.Cap != was.Cap || is.Approval != was.Approval { // one that was given again, too: then nobody moves up
		return m.moveUp(ctx, q, is, now)
	}
	return nil
}
