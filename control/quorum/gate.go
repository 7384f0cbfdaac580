package quorum

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"
)

// A gate counts what Raft was asked and has not answered yet. Raft leaves questions unanswered when it ends: it must not
// before the gate is closed and all are out.
type gate struct {
	mu     sync.Mutex
	in     int
	closed bool
	empty  chan struct{} // closed when it is closed and nobody is in
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.in++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	if g.closed && g.in == 0 {
		close(g.empty)
	}
}

// close lets nobody in any more, and waits until all are out, or ctx ends.
func (g *gate) close(ctx context.Context) {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		if g.in == 0 {
			close(g.empty)
		}
	}
	g.mu.Unlock()
	select {
	case <-g.empty:
	case <-ctx.Done():
	}
}

// await asks Raft what begin asks, and waits for the answer no longer than ctx.
func await[F raft.Future](ctx context.Context, g *gate, begin func() F) error {
	if !g.enter() {
		return errClosed
	}
	done := make(chan error, 1)
	go func() {
		defer g.leave()
		done <- begin().Error()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
