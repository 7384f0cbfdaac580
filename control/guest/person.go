package guest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freshet/control/audit"
	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/store"
)

var (
	guestsOfAddress = statements.Get("guests_of_address")
	eraseGuest      = statements.Get("erase_guest")
)

// A Visit is a guest with an address, in one of the events of whatever account.
type Visit struct {
	ID        uuid.UUID                     `db:"id"`
	Event     uuid.UUID                     `db:"event_id"`
	Account   uuid.UUID                     `db:"account_id"`
	Title     string                        `db:"title"` // of the event
	Name      string                        `db:"name"`
	Email     string                        `db:"email"`
	Language  string                        `db:"language"`
	Source    Source                        `db:"source"`
	State     State                         `db:"state"`
	Answers   store.JSON[map[string]Answer] `db:"answers"`
	CreatedAt time.Time                     `db:"created_at"`
	InvitedAt *time.Time                    `db:"invited_at"`
	SeenAt    *time.Time                    `db:"seen_at"`
}

// ByAddress returns all guests with an address, the oldest first.
func ByAddress(ctx context.Context, q store.Querier, address string) ([]Visit, error) {
	return store.All[Visit](ctx, q, guestsOfAddress, store.Args{"address": address})
}

// Forget erases who the guests with an address are, and what the address has stopped: name, address and answers go, passes
// and tokens let nobody in any more, and that there was a guest is counted as before. Others get the places that are free
// then.
func Forget(ctx context.Context, q store.Querier, address string, now time.Time) error {
	all, err := ByAddress(ctx, q, address)
	if err != nil {
		return err
	}
	for _, v := range all {
		if _, err := store.Exec(ctx, q, eraseGuest, store.Args{"id": v.ID}); err != nil {
			return err
		}
		if err := door.RevokeGuest(ctx, q, v.ID, now); err != nil {
			return err
		}
		e, err := event.Get(ctx, q, v.Account, v.Event)
		if err != nil {
			return err
		}
		if err := moveUp(ctx, q, e, now); err != nil {
			return err
		}
		act := audit.Act{Actor: audit.System, Action: "erase-guest", Subject: subject(v.Event), Detail: "guest/" + v.ID.String()}
		if err := audit.Add(ctx, q, v.Account, now, act); err != nil {
			return err
		}
	}
	_, err = store.Exec(ctx, q, forgetStopped, store.Args{"address": address})
	return err
}
