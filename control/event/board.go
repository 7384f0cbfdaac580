package event

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"freshet/control/filter"
	"freshet/control/store"
	pb "freshet/proto"
)

var streamsOn = statements.Get("streams_on")

const (
	// readEvery is how often another node's changes are looked for: a key that is revoked there is refused within 2 s
	// (RELIABILITY, section 6), agents and all.
	readEvery = time.Second
	readTakes = 5 * time.Second
)

// Records are what nodes know of streams.
type Records interface {
	Get(id string) (*pb.StreamRecord, bool)
	Set(r *pb.StreamRecord)
	Remove(id string)
}

// A Follower shows more of events than a board does.
type Follower interface {
	// Read reads what it shows. show, which is nil where err is not, shows it; it is called once the board shows what it
	// has read after that: of an event that is told to be live, joins know.
	Read(ctx context.Context) (show func(), err error)
}

// On is an event that is in preparation or live.
type On struct {
	Door
	Streams []OnStream
}

// A Door is what must be known of an event to let viewers in.
type Door struct {
	Event       uuid.UUID                 `db:"event_id"`
	Account     uuid.UUID                 `db:"account_id"`
	Slug        string                    `db:"slug"`
	State       State                     `db:"state"`
	Access      Rule                      `db:"access"`
	Password    *string                   `db:"password"` // PHC string
	Direct      *string                   `db:"direct"`
	ViewerEpoch int64                     `db:"viewer_epoch"`
	Embed       store.JSON[Embed]         `db:"embed"`
	Filter      store.JSON[filter.Filter] `db:"filters"`
}

// Door returns what must be known of e.
func (e *Event) Door() Door {
	return Door{e.ID, e.Account, e.Slug, e.State, e.Access, e.Password, e.Direct, e.ViewerEpoch, e.Embed, e.Filter}
}

// An OnStream is one of its streams.
type OnStream struct {
	ID       string `db:"id"`
	Language string `db:"language"`
}

// A Board has, in memory, the events that are on, and holds Records to them: a publisher may come while its event is in
// preparation or live, viewers while it is live. Streams that Records had from elsewhere are left alone. Its methods may
// be called from any goroutine. While the database is away the board stays as it is.
type Board struct {
	log     *slog.Logger
	db      *store.DB
	records Records
	follow  []Follower

	turn chan struct{}               // held by whoever reads: what was read later is shown later
	mine map[string]*pb.StreamRecord // that this board has set; of whoever holds turn
	away atomic.Bool                 // the last reading failed; written by whoever holds turn

	mu sync.Mutex
	on map[string]On // by slug
}

// NewBoard returns a board that shows nothing yet, and reads whenever it does for follow, too.
func NewBoard(log *slog.Logger, db *store.DB, records Records, follow ...Follower) *Board {
	return &Board{
		log: log, db: db, records: records, follow: follow, turn: make(chan struct{}, 1),
		mine: map[string]*pb.StreamRecord{}, on: map[string]On{},
	}
}

// Run reads again and again until ctx ends.
func (b *Board) Run(ctx context.Context) error {
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	for {
		b.Refresh(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// First reads until that has succeeded once, or ctx has ended.
func (b *Board) First(ctx context.Context) {
	for !b.Refresh(ctx) && ctx.Err() == nil {
		select {
		case <-time.After(readEvery):
		case <-ctx.Done():
		}
	}
}

// Refresh shows what the database has now. It says whether it could.
func (b *Board) Refresh(ctx context.Context) bool {
	reading, cancel := context.WithTimeout(ctx, readTakes)
	defer cancel()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-reading.Done():
		return false
	}
	shows, errs := []func(){}, []error{}
	for _, f := range b.follow {
		if show, err := f.Read(reading); err != nil {
			errs = append(errs, err)
		} else {
			shows = append(shows, show)
		}
	}
	all, err := store.All[onRow](reading, b.db, streamsOn, nil)
	if err != nil && ctx.Err() != nil {
		return false // nobody waits for it
	}
	b.tell(errors.Join(append(errs, err)...))
	if err != nil {
		return false
	}
	b.show(all)
	for _, show := range shows {
		show()
	}
	return true
}

// Away says whether the last reading failed.
func (b *Board) Away() bool { return b.away.Load() }

// tell logs that the database is away, and that it is back, once.
func (b *Board) tell(err error) {
	switch {
	case err != nil && !b.away.Load():
		b.log.Warn("events that are on stay as they were", "err", err)
	case err == nil && b.away.Load():
		b.log.Info("events that are on are known again")
	}
	b.away.Store(err != nil)
}

type onRow struct {
	OnStream
	Door
	Key []byte `db:"key_hash"`
}

func (b *Board) show(all []onRow) {
	on, gone := map[string]On{}, map[string]bool{}
	for id := range b.mine {
		gone[id] = true
	}
	for _, row := range all {
		delete(gone, row.ID)
		if !b.set(row) {
			continue
		}
		e := on[row.Slug]
		e.Door, e.Streams = row.Door, append(e.Streams, row.OnStream)
		on[row.Slug] = e
	}
	for id := range gone {
		b.records.Remove(id)
		delete(b.mine, id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.on = on
}

// set tells nodes of a stream. It returns false where one of that id is there from elsewhere.
func (b *Board) set(row onRow) bool {
	r := &pb.StreamRecord{
		Id: row.ID, Event: row.Slug, KeySha256: row.Key, State: pb.StreamState_STREAM_STATE_READY,
		Open: row.State == Live && row.Access == Open, Hidden: row.State != Live, ViewerEpoch: uint64(row.ViewerEpoch),
	}
	was, mine := b.mine[row.ID]
	if _, there := b.records.Get(row.ID); there && !mine {
		return false
	}
	if !mine || was.Event != r.Event || was.Open != r.Open || was.Hidden != r.Hidden ||
		was.ViewerEpoch != r.ViewerEpoch || !bytes.Equal(was.KeySha256, r.KeySha256) {
		b.records.Set(r)
		b.mine[row.ID] = r
	}
	return true
}

// On returns the event at an address, where that is in preparation or live and has a stream.
func (b *Board) On(slug string) (On, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.on[slug]
	return e, ok
}
