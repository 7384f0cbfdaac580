package event

import (
	"context"
	"errors"
	"time"

	"freshet/control/audit"
	"freshet/control/hook"
	"freshet/control/store"
)

// sweepAtOnce is how many events are looked up at a time.
const sweepAtOnce = 100

// Sweep forgets events whose time has passed without their ever being held, cancelled ones among them: they leave no
// data but a line in the audit log.
func Sweep(ctx context.Context, db *store.DB, now time.Time) error {
	for {
		all, err := Unheld(ctx, db, now, sweepAtOnce)
		if err != nil {
			return err
		}
		for _, g := range all {
			if err := sweep(ctx, db, g, now); err != nil {
				return err
			}
		}
		if len(all) < sweepAtOnce {
			return nil
		}
	}
}

func sweep(ctx context.Context, db *store.DB, g Gone, now time.Time) error {
	return db.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		e, err := Get(ctx, q, g.Account, g.ID)
		if errors.Is(err, store.ErrNone) || err == nil && !e.swept(now) { // another node was first, or somebody has moved it
			return nil
		}
		if err != nil {
			return err
		}
		if err := Delete(ctx, q, g.Account, g.ID); err != nil {
			return err
		}
		if err := tell(ctx, q, nil, hook.EventDeleted, e, now); err != nil {
			return err
		}
		return audit.Add(ctx, q, g.Account, now, audit.Act{Actor: audit.System, Action: "sweep-event", Subject: "event/" + g.ID.String()})
	})
}

// swept says whether e is to be forgotten.
func (e *Event) swept(now time.Time) bool { return e.HeldAt == nil && e.end().Before(now.Add(-grace)) }
