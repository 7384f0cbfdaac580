package event

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

var (
	insertStream = statements.Get("insert_stream")
	streamsOf    = statements.Get("streams_of_event")
	countStreams = statements.Get("count_streams")
	updateStream = statements.Get("update_stream")
	keyStream    = statements.Get("key_stream")
	closeStream  = statements.Get("close_stream")
)

const (
	streamsMost = 16  // open ones of an event
	streamsEver = 256 // with those that were closed, which stay for the statistics
)

// A Stream is what one publisher sends within an event.
type Stream struct {
	ID        string     `db:"id"`
	Account   uuid.UUID  `db:"account_id"`
	Event     uuid.UUID  `db:"event_id"`
	Name      string     `db:"name"`
	Language  string     `db:"language"` // BCP 47; empty: not said
	KeyedAt   *time.Time `db:"keyed_at"` // nil: it has no key yet
	CreatedAt time.Time  `db:"created_at"`
}

// AddStream keeps a new stream, to which it gives an id, with the hash of a key, nil for none. It returns ErrFull where
// the event has too many.
func AddStream(ctx context.Context, q store.Querier, s Stream, key []byte, random io.Reader, now time.Time) (Stream, error) {
	open, err := Streams(ctx, q, s.Account, s.Event)
	if err != nil {
		return Stream{}, err
	}
	ever, err := store.One[int64](ctx, q, countStreams, store.Args{"account": s.Account, "event": s.Event})
	if err != nil {
		return Stream{}, err
	}
	if len(open) >= streamsMost || ever >= streamsEver {
		return Stream{}, fmt.Errorf("streams: %w", ErrFull)
	}
	s.CreatedAt, s.KeyedAt = store.Moment(now), nil
	if key != nil {
		s.KeyedAt = &s.CreatedAt
	}
	for range tries {
		if s.ID, err = newStreamID(random, s.Name); err != nil {
			return Stream{}, err
		}
		switch n, err := store.Exec(ctx, q, insertStream, store.Args{
			"id": s.ID, "account": s.Account, "event": s.Event, "name": s.Name, "language": s.Language,
			"key_hash": key, "keyed_at": s.KeyedAt, "created_at": s.CreatedAt,
		}); {
		case err != nil:
			return Stream{}, err
		case n > 0:
			return s, nil
		}
	}
	return Stream{}, fmt.Errorf("stream: %w", errNames)
}

// Streams returns those of an event that are not closed, the oldest first.
func Streams(ctx context.Context, q store.Querier, account, event uuid.UUID) ([]Stream, error) {
	return store.All[Stream](ctx, q, streamsOf, store.Args{"account": account, "event": event})
}

// StreamOf returns a stream of an event that is not closed.
func StreamOf(ctx context.Context, q store.Querier, account, event uuid.UUID, id string) (Stream, error) {
	all, err := Streams(ctx, q, account, event)
	if err != nil {
		return Stream{}, err
	}
	for _, s := range all {
		if s.ID == id {
			return s, nil
		}
	}
	return Stream{}, fmt.Errorf("stream: %w", store.ErrNone)
}

// UpdateStream keeps s's name and language.
func UpdateStream(ctx context.Context, q store.Querier, s Stream) error {
	return some(store.Exec(ctx, q, updateStream, store.Args{
		"account": s.Account, "event": s.Event, "id": s.ID, "name": s.Name, "language": s.Language,
	}))
}

// KeyStream gives s another key, of which it keeps the hash.
func KeyStream(ctx context.Context, q store.Querier, s Stream, hash []byte, now time.Time) error {
	return some(store.Exec(ctx, q, keyStream, store.Args{
		"account": s.Account, "event": s.Event, "id": s.ID, "key_hash": hash, "at": store.Moment(now),
	}))
}

// CloseStream closes s for good.
func CloseStream(ctx context.Context, q store.Querier, account, event uuid.UUID, id string, now time.Time) error {
	return some(store.Exec(ctx, q, closeStream, store.Args{"account": account, "event": event, "id": id, "at": store.Moment(now)}))
}

// some returns store.ErrNone where a statement that should have changed a row changed none.
func some(n int64, err error) error {
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}
