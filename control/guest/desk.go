package guest

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"freshet/control/door"
	"freshet/control/pass"
	"freshet/control/store"
)

var guestSeen = statements.Get("guest_seen")

// A Desk knows guests by their passes. It implements door.Guests.
type Desk struct {
	Store  *store.DB
	Passes *pass.Maker
}

// ByPass returns the guest with a pass, of whatever event. It returns store.ErrNone where that is none, was revoked, or its
// guest is not in any more, and store.ErrAway with the guest's id where the database cannot say.
func (d *Desk) ByPass(ctx context.Context, pass string) (door.Guest, error) {
	id, epoch, ok := d.Passes.Read(pass)
	if !ok {
		return door.Guest{}, store.ErrNone
	}
	g, err := store.One[Guest](ctx, d.Store, guestByID, store.Args{"id": id})
	switch {
	case errors.Is(err, store.ErrAway):
		return door.Guest{ID: id}, err
	case err == nil && (g.Epoch != epoch || g.State != In):
		return door.Guest{}, store.ErrNone
	case err != nil:
		return door.Guest{}, err
	}
	out := door.Guest{ID: g.ID, Account: g.Account, Event: g.Event, Name: g.Name, Language: g.Language}
	if g.Address != nil { // not as it was typed: entries are found by it
		out.Email = *g.Address
	}
	return out, nil
}

// Seen notes that a guest was at the door.
func (d *Desk) Seen(ctx context.Context, q store.Querier, guest uuid.UUID, now time.Time) error {
	_, err := store.Exec(ctx, q, guestSeen, store.Args{"id": guest, "at": store.Moment(now)})
	return err
}
