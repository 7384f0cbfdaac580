// Package ingest makes one stream of what a publisher and its warm backup send: it gives packets the
// mesh's form and numbers that run on, ties RTP time to the wall clock, and switches between the two.
// It knows nothing of WebRTC: a front (package whip) reads tracks and hands packets over.
package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/stream"
)

// Deps are what an Ingest is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Table   *stream.Table // gets the streams while they are on the air

	// Placed returns the number of a stream's placement here, 0 where nobody places streams, whether it may be published
	// here, and whether that is as a standby; nil where it always may. It answers from memory.
	Placed func(stream string) (number uint64, here, standby bool)
	// Standby returns the node that stands by for a stream which is placed here; empty for none. It may be nil, and answers
	// from memory.
	Standby func(stream string) string
	// Leaving says whether the node gives away in order what it has; nil where it never does.
	Leaving func() bool
}

// An Ingest holds the streams that enter at this node. Join may be called from any goroutine.
type Ingest struct {
	deps    Deps
	metrics *metrics
	epochs  epochs
	joins   chan *join
	stopped chan struct{}
}

// New returns an Ingest; Run serves it.
func New(d Deps) *Ingest {
	if d.Placed == nil {
		d.Placed = func(string) (uint64, bool, bool) { return 0, true, false }
	}
	if d.Standby == nil {
		d.Standby = func(string) string { return "" }
	}
	if d.Leaving == nil {
		d.Leaving = func() bool { return false }
	}
	return &Ingest{deps: d, metrics: newMetrics(d.Metrics), joins: make(chan *join), stopped: make(chan struct{})}
}

// Run seats publishers and writes their streams until ctx ends; then it ends the streams. It owns one
// goroutine for each stream. It may be called once.
func (g *Ingest) Run(ctx context.Context) error {
	defer close(g.stopped)
	var slots sync.WaitGroup
	defer slots.Wait()
	byID := map[string]*slot{}
	over := make(chan *slot)
	for {
		select {
		case j := <-g.joins:
			for taken := false; !taken; {
				s := byID[j.stream]
				if s == nil {
					s = newSlot(j.stream, g.deps, g.metrics, &g.epochs)
					byID[j.stream] = s
					slots.Go(func() {
						s.run(ctx)
						select {
						case over <- s:
						case <-ctx.Done():
						}
					})
				}
				select {
				case s.joins <- j:
					taken = true
				case <-s.done: // it ended just now
					delete(byID, j.stream)
					taken = ctx.Err() != nil
				}
			}
		case s := <-over:
			if byID[s.id] == s {
				delete(byID, s.id)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Join seats a publisher of stream id that will send formats, in this order. It goes on the air with
// its first packet where the stream has no publisher; otherwise it is the warm backup. The error is a
// *problem.Problem of 409 where the stream has a backup already or has other formats, 421 where it is placed elsewhere, and
// ctx's error or one of a stopped origin otherwise. The seat must be left.
func (g *Ingest) Join(ctx context.Context, id, session string, formats []stream.Format, p Publisher) (*Seat, error) {
	j := &join{stream: id, session: session, formats: formats, publisher: p, result: make(chan joined, 1)}
	select {
	case g.joins <- j:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-g.stopped:
		return nil, errStopped()
	}
	select {
	case r := <-j.result:
		return r.seat, r.err
	case <-g.stopped:
		return nil, errStopped()
	}
}

// epochs numbers what streams this process begins: by their placements, and within one by the time in unix milliseconds,
// always rising.
type epochs struct {
	mu   sync.Mutex
	last uint64
}

func (e *epochs) next(placement uint64, now time.Time) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = max(e.last+1, uint64(now.UnixMilli()))
	return stream.Epoch(placement, e.last)
}
