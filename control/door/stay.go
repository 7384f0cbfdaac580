package door

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

// A stay is what this node remembers of a guest's entry.
type stay struct {
	session, event uuid.UUID
	seen           time.Time
}

// takeIn keeps e, the entry of a guest, whose pass is in use nowhere else then. It returns a *problem.Problem where it is
// in use, and here does not say that it is to be of use here instead. Where the database is away, and the event live, what
// this node knows has to do: the error is store.ErrAway, and e is yet to be written.
func (d *Door) takeIn(ctx context.Context, e Entry, live, here bool) error {
	if _, used := d.stay(*e.Guest, e.BeganAt); used && !here {
		return errPassInUse()
	}
	var former []uuid.UUID
	err := d.d.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		places, err := store.One[int64](ctx, q, placesOfGuest, store.Args{"guest": *e.Guest, "since": e.BeganAt.Add(-inUse)})
		if err == nil && places > 0 && !here {
			err = errPassInUse()
		}
		if err != nil {
			return err
		}
		// Whoever was silent for so long that the pass is not in use any more has tokens, too.
		if former, err = sessionsOf(ctx, q, *e.Guest, e.BeganAt); err != nil {
			return err
		}
		if err := revokeEach(ctx, q, former, e.BeganAt); err != nil {
			return err
		}
		if err := keep(ctx, q, e); err != nil {
			return err
		}
		return d.d.Guests.Seen(ctx, q, *e.Guest, e.BeganAt)
	})
	if err != nil && !(live && errors.Is(err, store.ErrAway)) {
		return err
	}
	was, used := d.swap(e, here || err == nil)
	if err != nil && used && !here { // another was faster
		return errPassInUse()
	}
	if used && !slices.Contains(former, was.session) { // its entry waits to be written
		d.ledger.revoke(was.session, e.BeganAt.Add(lives))
		d.end(was.session, e.BeganAt)
	}
	for _, session := range former {
		d.end(session, e.BeganAt)
	}
	return err
}

// stay returns what is remembered of a guest's entry, and whether its pass is in use by that.
func (d *Door) stay(guest uuid.UUID, now time.Time) (stay, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stays[guest]
	return s, d.current(s, now)
}

// swap remembers e as the entry of its guest, where always says so or the pass is not in use, and returns what stay did.
func (d *Door) swap(e Entry, always bool) (was stay, used bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	was = d.stays[*e.Guest]
	if used = d.current(was, e.BeganAt); !used || always {
		d.stays[*e.Guest] = stay{e.ID, e.Event, e.BeganAt}
	}
	return was, used
}

func (d *Door) current(s stay, now time.Time) bool {
	return s.session != uuid.Nil && now.Sub(s.seen) < inUse && !d.d.Revoked.Revoked(s.session.String())
}

// staysIn returns the sessions that are remembered of an event's guests.
func (d *Door) staysIn(event uuid.UUID) (all []uuid.UUID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.stays {
		if s.event == event {
			all = append(all, s.session)
		}
	}
	return all
}

// seen notes that somebody is still at an event.
func (d *Door) seen(session, event uuid.UUID, guest string, now time.Time) {
	d.ledger.see(session, now)
	id, err := uuid.Parse(guest)
	if err != nil { // none of the event's list
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stays[id] = stay{session, event, now}
}

// forgetStays forgets those who have not been seen for so long that their passes are not in use any more.
func (d *Door) forgetStays(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for guest, s := range d.stays {
		if now.Sub(s.seen) >= inUse {
			delete(d.stays, guest)
		}
	}
}
