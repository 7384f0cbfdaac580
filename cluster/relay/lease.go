package relay

import "freshet/cluster/stream"

// A Lease keeps a stream on this node. Its methods may be called from any goroutine.
type Lease struct {
	p    *pull
	hops []string // nodes below this one that the lease is for; nil for viewers of this node
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
	select {
	case l.p.nudge <- struct{}{}:
	default:
	}
}
