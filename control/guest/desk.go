package guest

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"freshet/control/pass"
	"freshet/control/store"
)

var guestSeen = statements.Get("guest_seen")

// ErrPass is returned for a pass that is none, was revoked, or whose guest is not in any more.
var ErrPass = errors.New("the pass lets nobody in")

// A Desk knows guests by their passes.
type Desk struct {
	Store  *store.DB
	Passes *pass.Maker
}

// ByPass returns the guest with a pass, of whatever event. It returns ErrPass where that lets nobody in.
func (d *Desk) ByPass(ctx context.Context, pass string) (Guest, error) {
	id, epoch, ok := d.Passes.Read(pass)
	if !ok {
		return Guest{}, ErrPass
	}
	g, err := store.One[Guest](ctx, d.Store, guestByID, store.Args{"id": id})
	if isNone(err) || err == nil && (g.Epoch != epoch || g.State != In) {
		return Guest{}, ErrPass
	}
	return g, err
}

// Seen notes that a guest was at the door.
func (d *Desk) Seen(ctx context.Context, guest uuid.UUID, now time.Time) error {
	_, err := store.Exec(ctx, d.Store, guestSeen, store.Args{"id": guest, "at": store.Moment(now)})
	return err
}
