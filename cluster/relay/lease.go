package relay

import (
	"context"
	"errors"
	"fmt"

	"freshet/cluster/stream"
)

// A Lease keeps a stream on this node. Its methods may be called from any goroutine.
type Lease struct {
	p    *pull
	hops []string // nodes below this one that the lease is for; nil for viewers of this node

	refused error // why its holder cannot have the stream, though others may; guarded by the pull's mu
}

// Stream returns the newest epoch of the stream here. It is never nil; see its Err for its end.
func (l *Lease) Stream() *stream.Stream {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.p.stream
}

// Changed returns a channel that is closed when Stream will answer another stream than it did at the
// last call. Ask for it before looking.
func (l *Lease) Changed() <-chan struct{} {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.p.changed
}

// Release gives the lease back. Calls after the first do nothing.
func (l *Lease) Release() {
	l.p.mu.Lock()
	delete(l.p.leases, l)
	l.p.mu.Unlock()
	l.p.poke()
}

// wait returns nil once the stream is here.
func (l *Lease) wait(ctx context.Context) error {
	p := l.p
	for {
		p.mu.Lock()
		here, err, last, changed, refused := p.stream != nil, p.err, p.last, p.changed, l.refused
		p.mu.Unlock()
		switch {
		case refused != nil:
			return refused
		case here && err == nil:
			return nil
		case errors.Is(err, stream.ErrEnded):
			return ErrUnknownStream
		case errors.Is(err, stream.ErrLost):
			return ErrNoUpstream
		case err != nil:
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if last == nil {
				last = ErrNoUpstream
			}
			return fmt.Errorf("%w: %w", last, context.Cause(ctx))
		}
	}
}
