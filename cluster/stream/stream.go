// Package stream describes one publisher's live media as a node carries it: its tracks and layers,
// each a flow with a ring, and the table of all streams a node carries. The origin makes streams from
// what a publisher sends, the relay makes them from what an upstream sends; both are served alike.
package stream

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"freshet/cluster/ring"
	"freshet/proto/payload"
)

// Why a stream is over; see Stream.Err.
var (
	ErrEnded    = errors.New("stream ended")
	ErrNewEpoch = errors.New("stream goes on in a newer epoch")
	ErrLost     = errors.New("stream lost: no upstream delivers it")
)

// A Stream is one publisher's media in one epoch. Its flows never change; a publisher that comes back
// with other tracks or codecs gets a new epoch. All methods may be called from any goroutine.
type Stream struct {
	ID    string
	Epoch uint64
	Flows []*Flow

	hops atomic.Pointer[[]string]
	loss atomic.Uint64 // bits of a float64

	mu   sync.Mutex
	err  error
	done chan struct{}
}

// New returns a stream with one flow for each format. ask is called, from any goroutine and at most
// once a second for each flow, to have a key frame made: at the origin by the publisher, elsewhere by
// the upstream node. It must not block.
func New(id string, epoch uint64, hops []string, formats []Format, ask func(*Flow)) *Stream {
	s := &Stream{ID: id, Epoch: epoch, done: make(chan struct{})}
	s.Came(hops)
	for i, f := range formats {
		flow := &Flow{Format: f, Index: i, Ring: ring.New(), keyframe: payload.Keyframe(f.Codec.Name), ask: ask}
		flow.paused.Store(-1)
		s.Flows = append(s.Flows, flow)
	}
	return s
}

// Hops returns the nodes by which it comes, the origin first, this node's upstream last; none at the origin.
func (s *Stream) Hops() []string { return *s.hops.Load() }

// Came says that it comes by other nodes from now on. hops must not change any more.
func (s *Stream) Came(hops []string) { s.hops.Store(&hops) }

// Loss returns the share of packets that the last hop lost in the last seconds, before repair: 0 to 1, 0 at the origin.
func (s *Stream) Loss() float64 { return math.Float64frombits(s.loss.Load()) }

// Loses says what Loss returns from now on.
func (s *Stream) Loses(share float64) { s.loss.Store(math.Float64bits(share)) }

// End says that the stream is over, and why. Only the first call counts.
func (s *Stream) End(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		close(s.done)
	}
}

// Done is closed when the stream is over.
func (s *Stream) Done() <-chan struct{} { return s.done }

// Err returns why the stream is over, nil while it goes on.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Find returns the flow of track and rid, nil where there is none.
func (s *Stream) Find(track, rid string) *Flow {
	for _, f := range s.Flows {
		if f.Format.Track == track && f.Format.RID == rid {
			return f
		}
	}
	return nil
}

// Live says whether a packet came in the second before now.
func (s *Stream) Live(now time.Time) bool {
	for _, f := range s.Flows {
		if p := f.Ring.At(f.Ring.Head() - 1); p != nil && now.Sub(p.At) < time.Second {
			return true
		}
	}
	return false
}
