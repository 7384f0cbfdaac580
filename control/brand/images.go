package brand

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"freshet/control/store"
)

var (
	keepImage          = statements.Get("keep_image")
	imageByHash        = statements.Get("image_by_hash")
	hashesOfAccount    = statements.Get("hashes_of_account")
	deleteImage        = statements.Get("delete_image")
	accountsWithImages = statements.Get("accounts_with_images")
)

// A file is an image as it is served.
type file struct {
	Type string `db:"type"`
	Data []byte `db:"data"`
}

const (
	// freshFor is how long an image is served from memory: the thousands that come to an event at once cost one read, and
	// what was taken away is gone within the minute.
	freshFor = time.Minute
	// cached is how many bytes of images are kept in memory.
	cached = 32 << 20
)

// images reads images, and has those of the last minute in memory. Its methods may be called from any goroutine.
type images struct {
	db  *store.DB
	now func() time.Time

	reading singleflight.Group

	mu    sync.Mutex
	files map[string]cachedFile
	bytes int // of files
}

type cachedFile struct {
	file
	until time.Time
}

// get returns the image with a hash, and store.ErrNone where there is none.
func (s *images) get(ctx context.Context, hash string) (file, error) {
	s.mu.Lock()
	c, ok := s.files[hash]
	s.mu.Unlock()
	if ok && s.now().Before(c.until) {
		return c.file, nil
	}
	v, err, _ := s.reading.Do(hash, func() (any, error) {
		// Whoever asked first may leave; the others still wait for it.
		f, err := store.One[file](context.WithoutCancel(ctx), s.db, imageByHash, store.Args{"hash": hash})
		if err == nil {
			s.put(hash, f)
		}
		return f, err
	})
	if err != nil {
		return file{}, err
	}
	return v.(file), nil
}

// put keeps f in memory; where that is too much all others go, which costs a read each.
func (s *images) put(hash string, f file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= len(s.files[hash].Data)
	if s.bytes += len(f.Data); s.files == nil || s.bytes > cached {
		s.files, s.bytes = map[string]cachedFile{}, len(f.Data)
	}
	s.files[hash] = cachedFile{f, s.now().Add(freshFor)}
}

// imagesMost of an account, in all its brands.
const imagesMost = 500

// sweepAtOnce is how many accounts are looked up at a time.
const sweepAtOnce = 100

// Sweep forgets images that no brand names any more: those of events that were deleted.
func Sweep(ctx context.Context, db *store.DB) error {
	after := uuid.Nil
	for {
		all, err := store.All[uuid.UUID](ctx, db, accountsWithImages, store.Args{"after": after, "n": sweepAtOnce})
		if err != nil {
			return err
		}
		for _, account := range all {
			err := db.InTx(ctx, func(ctx context.Context, q store.Querier) error { return forgetUnused(ctx, q, account) })
			if err != nil {
				return err
			}
			after = account
		}
		if len(all) < sweepAtOnce {
			return nil
		}
	}
}
