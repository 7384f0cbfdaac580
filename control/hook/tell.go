package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

var insertDelivery = statements.Get("insert_delivery")

// News is what happened in an account. Data name persons by their ids alone: receivers read the rest by the API, where it
// is gone once it was erased.
type News struct {
	Account uuid.UUID
	Kind    Kind
	Event   uuid.UUID // that it is about; uuid.Nil: none
	Data    any       // as JSON
}

// A Message is what a receiver gets.
type Message struct {
	Type      Kind      `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the change, whenever it comes
	Account   uuid.UUID `json:"account"`
	Event     string    `json:"event,omitempty"` // id
	Data      any       `json:"data"`
}

// A Queue has senders look at what was told. Its methods may be called from any goroutine, and on nil, which nobody
// hears: senders look by themselves, too, a little later.
type Queue struct{ wake chan struct{} }

// NewQueue returns a queue.
func NewQueue() *Queue { return &Queue{make(chan struct{}, 1)} }

// Tell writes n for each hook that is told of its kind, in the transaction q that makes the change: it is sent where that
// is kept, and not before.
func (u *Queue) Tell(ctx context.Context, q store.Querier, n News, now time.Time) error {
	all, err := All(ctx, q, n.Account)
	for _, h := range all {
		if err == nil && h.OffAt == nil && slices.Contains(h.Kinds.V, n.Kind) {
			_, err = u.tell(ctx, q, h.ID, n, now)
		}
	}
	return err
}

// Tell does what that of a Queue does, and wakes nobody: senders hear of it within 2 s.
func Tell(ctx context.Context, q store.Querier, n News, now time.Time) error {
	var nobody *Queue
	return nobody.Tell(ctx, q, n, now)
}

// tell writes n for one hook, whatever that is told of.
func (u *Queue) tell(ctx context.Context, q store.Querier, hook uuid.UUID, n News, now time.Time) (uuid.UUID, error) {
	at := store.Moment(now)
	m := Message{Type: n.Kind, Timestamp: at, Account: n.Account, Data: n.Data}
	if n.Event != uuid.Nil {
		m.Event = n.Event.String()
	}
	body, err := json.Marshal(m)
	if err != nil {
		return uuid.Nil, fmt.Errorf("message of %s: %w", n.Kind, err)
	}
	id := store.NewID()
	_, err = store.Exec(ctx, q, insertDelivery, store.Args{"id": id, "hook": hook, "kind": string(n.Kind), "body": string(body), "at": at})
	store.After(ctx, u.signal)
	return id, err
}

func (u *Queue) signal() {
	if u == nil {
		return
	}
	select {
	case u.wake <- struct{}{}:
	default:
	}
}
