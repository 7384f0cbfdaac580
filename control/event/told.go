package event

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freshet/control/hook"
	"freshet/control/store"
)

// told is what webhooks hear of an event, as it is after the change, or was before it was deleted.
type told struct {
	ID          uuid.UUID  `json:"id"`
	Slug        string     `json:"slug"`
	Number      string     `json:"number"`
	Kind        Kind       `json:"kind"`
	Title       string     `json:"title"`
	Languages   []string   `json:"languages"`
	StartsAt    time.Time  `json:"startsAt"`
	EndsAt      *time.Time `json:"endsAt"`
	TimeZone    string     `json:"timeZone"`
	State       State      `json:"state"`
	Access      Rule       `json:"access"`
	HeldAt      *time.Time `json:"heldAt"`
	EndedAt     *time.Time `json:"endedAt"`
	CancelledAt *time.Time `json:"cancelledAt"`
}

// tell tells webhooks of e, in the transaction q that changes it.
func tell(ctx context.Context, q store.Querier, hooks *hook.Queue, kind hook.Kind, e Event, now time.Time) error {
	return hooks.Tell(ctx, q, hook.News{Account: e.Account, Kind: kind, Event: e.ID, Data: told{
		ID: e.ID, Slug: e.Slug, Number: e.Number, Kind: e.Kind, Title: e.Title, Languages: e.Languages.V, StartsAt: e.StartsAt,
		EndsAt: e.EndsAt, TimeZone: e.TimeZone, State: e.State, Access: e.Access, HeldAt: e.HeldAt, EndedAt: e.EndedAt,
		CancelledAt: e.CancelledAt,
	}}, now)
}

// news is what webhooks are told of a step.
func (s Step) news() hook.Kind {
	switch s {
	case Start:
		return hook.EventStarted
	case End:
		return hook.EventEnded
	case Cancel:
		return hook.EventCancelled
	}
	return hook.EventChanged
}
