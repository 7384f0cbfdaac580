// Package pull holds the streams that an edge takes from the mesh: one lease for each, however many
// viewers watch it.
package pull

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"freshet/cluster/stream"
)

// What a Puller says that callers branch on.
var (
	ErrUnknownStream = errors.New("unknown stream")
	ErrNoUpstream    = errors.New("no upstream delivers the stream")
)

// A Lease keeps a stream on this node. Its methods may be called from any goroutine.
type Lease interface {
	Stream() *stream.Stream   // the newest epoch here; never nil
	Changed() <-chan struct{} // closed when Stream will answer another than at the last call; ask before looking
	Route() []stream.Hop      // how the hops do by which the stream comes here, the origin's first
	Release()
}

// A Puller fetches streams into the node.
type Puller interface {
	// Pull returns when the stream is there, or with ErrUnknownStream, ErrNoUpstream or ctx's error.
	Pull(ctx context.Context, id string) (Lease, error)
}

// A Listener is told how streams go on. It is called by the goroutine that follows the stream.
type Listener interface {
	Changed(ctx context.Context, id string, next *stream.Stream)
	Ended(ctx context.Context, id string, why error)
}

// How long a stream that was lost, or announced in a newer epoch, may take to come back before its
// viewers are sent away.
const (
	lostFor = 5 * time.Second

	// pullTimeout bounds one pull, however many wait for it.
	pullTimeout = 10 * time.Second
)

// A Pool shares leases. Its methods may be called from any goroutine.
type Pool struct {
	puller   Puller
	listener Listener
	log      *slog.Logger

	started chan struct{} // closed by Run, when ctx is set

	mu      sync.Mutex
	entries map[string]*entry
	ctx     context.Context // of Run; what it starts ends with it
	running sync.WaitGroup
	over    bool
}

// An entry is one stream: being pulled, then held until its last user lets go.
type entry struct {
	id    string
	users int           // under Pool.mu
	idle  chan struct{} // closed when users has fallen to 0
	ready chan struct{} // closed when the pull is over: err, or lease and now, are set
	err   error
	lease Lease
	now   atomic.Pointer[stream.Stream]
	over  atomic.Bool // the listener has been told of the end, or is being told
}

// New returns an empty pool.
func New(p Puller, l Listener, log *slog.Logger) *Pool {
	return &Pool{puller: p, listener: l, log: log, started: make(chan struct{}), entries: map[string]*entry{}}
}

// Run lets the pool pull until ctx ends. It returns when every lease is released.
func (p *Pool) Run(ctx context.Context) error {
	p.mu.Lock()
	p.ctx = ctx
	p.mu.Unlock()
	close(p.started)
	<-ctx.Done()
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

// A Hold is one user's share of a lease.
type Hold struct {
	pool  *Pool
	entry *entry
	once  sync.Once
}

// Get returns a hold on stream id once it is on this node. Errors are the Puller's, ctx's, or
// net.ErrClosed after the pool's end. Before Run it waits.
func (p *Pool) Get(ctx context.Context, id string) (*Hold, error) {
	select {
	case <-p.started:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	e, err := p.enter(id)
	if err != nil {
		return nil, err
	}
	h := &Hold{pool: p, entry: e}
	select {
	case <-e.ready:
	case <-ctx.Done():
		h.Release()
		return nil, context.Cause(ctx)
	}
	if e.err != nil {
		h.Release()
		return nil, e.err
	}
	return h, nil
}

func (p *Pool) enter(id string) (*entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil, net.ErrClosed
	}
	e := p.entries[id]
	if e == nil {
		e = &entry{id: id, idle: make(chan struct{}), ready: make(chan struct{})}
		p.entries[id] = e
		ctx := p.ctx
		p.running.Go(func() { p.follow(ctx, e) })
	}
	e.users++
	return e, nil
}

// Stream returns the newest epoch that the node has.
func (h *Hold) Stream() *stream.Stream { return h.entry.now.Load() }

// Route returns the hops of the stream's way here, the origin's first; none while the node does not know.
func (h *Hold) Route() []stream.Hop { return h.entry.lease.Route() }

// Over says whether the stream has ended for good. Who takes a user in must ask afterwards: the listener's
// Ended reaches those who were there before, and may have come between Get and then.
func (h *Hold) Over() bool { return h.entry.over.Load() }

// Streams returns the newest epoch of each stream that is here, in no order.
func (p *Pool) Streams() (all []*stream.Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if s := e.now.Load(); s != nil {
			all = append(all, s)
		}
	}
	return all
}

// Release lets go; only the first call counts. It does not wait.
func (h *Hold) Release() {
	h.once.Do(func() {
		h.pool.mu.Lock()
		defer h.pool.mu.Unlock()
		if h.entry.users--; h.entry.users == 0 {
			h.pool.remove(h.entry)
			close(h.entry.idle)
		}
	})
}

// remove takes e out, if it is still in. It runs with mu held.
func (p *Pool) remove(e *entry) {
	if p.entries[e.id] == e {
		delete(p.entries, e.id)
	}
}

// follow pulls e's stream and tells the listener what becomes of it, until nobody uses it.
func (p *Pool) follow(ctx context.Context, e *entry) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lease, err := p.pull(ctx, e)
	if err != nil {
		p.mu.Lock()
		p.remove(e) // the next Get tries anew
		p.mu.Unlock()
		e.err = err
		close(e.ready)
		return
	}
	defer lease.Release()
	e.lease = lease
	e.now.Store(lease.Stream())
	close(e.ready)
	for {
		changed := lease.Changed()
		if next := lease.Stream(); next != e.now.Load() {
			e.now.Store(next) // first, so that who asks after the listener's call sees it
			p.listener.Changed(ctx, e.id, next)
		}
		if !p.wait(ctx, e, changed) {
			return
		}
	}
}

// pull gives up when the last of those who wait does.
func (p *Pool) pull(ctx context.Context, e *entry) (Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	p.running.Go(func() { // ends with ctx, at the latest when pull returns
		select {
		case <-e.idle:
			cancel()
		case <-ctx.Done():
		}
	})
	return p.puller.Pull(ctx, e.id)
}

// wait returns true when the lease has another stream, false when it is no longer needed.
func (p *Pool) wait(ctx context.Context, e *entry, changed <-chan struct{}) bool {
	now := e.now.Load()
	select {
	case <-ctx.Done():
		return false
	case <-e.idle:
		return false
	case <-changed:
		return true
	case <-now.Done():
	}
	if !errors.Is(now.Err(), stream.ErrEnded) {
		timer := time.NewTimer(lostFor)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-e.idle:
			return false
		case <-changed:
			return true
		case <-timer.C:
		}
	}
	p.log.Info("stream over", "stream", e.id, "reason", now.Err())
	e.over.Store(true) // first, so that who comes behind the listener's call sees it
	p.listener.Ended(ctx, e.id, now.Err())
	p.mu.Lock()
	p.remove(e) // who comes now starts anew, and not before: the end is told by the stream's id
	p.mu.Unlock()
	return false
}
