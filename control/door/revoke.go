package door

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

// revokedMost is how many sessions may be revoked at a time, as Revocations take no more.
const revokedMost = 50_000

type revokedRow struct {
	ID    uuid.UUID `db:"id"`
	Until time.Time `db:"until"`
}

// revoke has the tokens of a session not count any more; until is when the last of them has run out.
func revoke(ctx context.Context, q store.Querier, session uuid.UUID, until time.Time) error {
	_, err := store.Exec(ctx, q, revokeSession, store.Args{"id": session, "until": store.Moment(until)})
	return err
}

// Revoke has no token of a guest count any more, in the transaction q that makes the guest's pass worthless: nobody can
// come in with one again. Who watches already goes on.
func (d *Door) Revoke(ctx context.Context, q store.Querier, guest uuid.UUID) error {
	now := d.d.Now()
	all, err := sessionsOf(ctx, q, guest, now)
	if err != nil {
		return err
	}
	if s, used := d.stay(guest, now); used { // its entry, or that it was seen, may wait to be written
		all = append(all, s.session)
	}
	return d.revokeAll(ctx, q, all, now)
}

// RevokeGuest does what Revoke does where no door is at hand: doors hear of it within a second.
func RevokeGuest(ctx context.Context, q store.Querier, guest uuid.UUID, now time.Time) error {
	all, err := sessionsOf(ctx, q, guest, now)
	if err != nil {
		return err
	}
	return revokeEach(ctx, q, all, now)
}

// sessionsOf returns the sessions of a guest, as far as they are written, that may have tokens which count.
func sessionsOf(ctx context.Context, q store.Querier, guest uuid.UUID, now time.Time) ([]uuid.UUID, error) {
	return store.All[uuid.UUID](ctx, q, sessionsOfGuest, store.Args{"guest": guest, "since": store.Moment(now.Add(-lives))})
}

// RevokeAll does for all guests of an event what Revoke does for one.
func (d *Door) RevokeAll(ctx context.Context, q store.Querier, event uuid.UUID) error {
	now := d.d.Now()
	all, err := store.All[uuid.UUID](ctx, q, sessionsOfGuests, store.Args{"event": event, "since": store.Moment(now.Add(-lives))})
	if err != nil {
		return err
	}
	return d.revokeAll(ctx, q, append(all, d.staysIn(event)...), now)
}

// revokeEach has the tokens of sessions not count any more.
func revokeEach(ctx context.Context, q store.Querier, all []uuid.UUID, now time.Time) error {
	for _, id := range all {
		if err := revoke(ctx, q, id, now.Add(lives)); err != nil {
			return err
		}
	}
	return nil
}

// revokeAll does that, and has nodes know once it is kept.
func (d *Door) revokeAll(ctx context.Context, q store.Querier, all []uuid.UUID, now time.Time) error {
	if err := revokeEach(ctx, q, all, now); err != nil {
		return err
	}
	store.After(ctx, func() {
		for _, id := range all {
			d.end(id, now)
		}
	})
	return nil
}

// end tells nodes that the tokens of a session do not count any more.
func (d *Door) end(session uuid.UUID, now time.Time) {
	d.d.Revoked.Revoke(session.String(), now.Add(lives))
}

// refresh has nodes know which sessions are revoked, at whatever control node. It says whether the database told.
func (d *Door) refresh(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, refreshTakes)
	defer cancel()
	now := d.d.Now()
	all, err := store.All[revokedRow](ctx, d.d.Store, revokedSessions, store.Args{"now": store.Moment(now), "n": revokedMost})
	if err != nil {
		return false
	}
	full := false
	for _, r := range all {
		full = !d.d.Revoked.Revoke(r.ID.String(), r.Until) || full
	}
	if was := d.full.Swap(full); full && !was {
		d.d.Log.Error("too many sessions are revoked: the tokens of some still count until they run out", "most", revokedMost)
	}
	d.d.Revoked.Forget(now)
	return true
}

// Sweep forgets the revoked sessions whose tokens have run out.
func Sweep(ctx context.Context, db *store.DB, now time.Time) error {
	_, err := store.Exec(ctx, db, sweepRevoked, store.Args{"now": store.Moment(now)})
	return err
}
