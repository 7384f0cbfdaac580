package event

import (
	"context"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"freshet/control/store"
)

var embedOfSlug = statements.Get("embed_of_slug")

const (
	framesFresh = 2 * time.Second        // what is known of an event is used for so long without a further reading
	framesTake  = 500 * time.Millisecond // a reading; a page that waits is a page that does not come
	framesMost  = 10_000                 // events that are known at a time; those that were asked for least recently go
	framesTurns = 4                      // readings at once, whatever addresses are made up
)

// Frames knows on which sites the player of each event may stand: from memory, 2 s old at most, or as it last was while
// the database is away. Its methods may be called from any goroutine.
type Frames struct {
	db  *store.DB
	now func() time.Time

	reading singleflight.Group
	turns   chan struct{}

	known *lru.Cache[string, frame]
}

type frame struct {
	embed Embed
	at    time.Time
}

// NewFrames returns what reads from db.
func NewFrames(db *store.DB, now func() time.Time) *Frames {
	known, err := lru.New[string, frame](framesMost)
	if err != nil {
		panic(err) // the size is fixed
	}
	return &Frames{db: db, now: now, turns: make(chan struct{}, framesTurns), known: known}
}

// Embed returns what is known of the event at an address; false where nothing is. What is no event, a stream of the
// configuration among them, may stand anywhere.
func (f *Frames) Embed(ctx context.Context, slug string) (Embed, bool) {
	last, ok := f.known.Get(slug)
	if ok && f.now().Before(last.at.Add(framesFresh)) {
		return last.embed, true
	}
	v, err, _ := f.reading.Do(slug, func() (any, error) { return f.read(context.WithoutCancel(ctx), slug) })
	if err != nil {
		return last.embed, ok
	}
	return v.(Embed), true
}

func (f *Frames) read(ctx context.Context, slug string) (Embed, error) {
	ctx, cancel := context.WithTimeout(ctx, framesTake)
	defer cancel()
	select {
	case f.turns <- struct{}{}:
		defer func() { <-f.turns }()
	case <-ctx.Done():
		return Embed{}, ctx.Err()
	}
	now := f.now()
	e, err := store.One[store.JSON[Embed]](ctx, f.db, embedOfSlug, store.Args{"slug": slug})
	if errors.Is(err, store.ErrNone) {
		e.V, err = Embed{Where: Anywhere}, nil
	}
	if err == nil {
		f.known.Add(slug, frame{e.V, now})
	}
	return e.V, err
}

// Frame returns the sources of frame-ancestors for the event at an address, and whether a page of origin, which is empty
// where it is not known, is told that it may not show it. Of an event of which nothing is known nothing is shown.
func (f *Frames) Frame(ctx context.Context, slug, origin string) (ancestors string, refused bool) {
	e, ok := f.Embed(ctx, slug)
	if !ok {
		return "'none'", false
	}
	return e.Ancestors(), origin != "" && !e.Allows(origin)
}
