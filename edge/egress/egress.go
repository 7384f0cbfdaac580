// Package egress sends streams to viewers: ICE-lite, DTLS and SRTP without a PeerConnection for each.
//
// A viewer is a struct in the slice of one shard. The shard's loop owns it, the shard's socket and its
// places in the rings; packets go from the ring, sealed with the viewer's key, into a batch and to the
// kernel in few large calls.
package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/stream"
)

// Config says where viewers send to.
type Config struct {
	Media       netip.AddrPort // of shard 0; shard i takes port+i; with port 0 each takes a free one
	Shards      int            // at least 1; one for each core is enough
	Certificate tls.Certificate
}

// Deps are what egress needs of its node.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time // nil: time.Now
}

// Egress is the shards of a node and the handshakes of their viewers.
type Egress struct {
	cfg        Config
	deps       Deps
	m          *metrics
	shards     []*Shard
	handshakes chan handshake
	door       door
	parse      *gate // half the cores, for what handshakes compute when they have read ...
	sign       *gate // ... and as many for their signatures, which are short
	next       atomic.Uint32
}

// New binds the shards' sockets. Run must be called to close them.
func New(cfg Config, d Deps) (*Egress, error) {
	if cfg.Shards < 1 {
		return nil, errors.New("egress needs at least one shard")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	e := &Egress{cfg: cfg, deps: d, m: newMetrics(d.Metrics), handshakes: make(chan handshake, handshakesQueue)}
	half := max(1, runtime.GOMAXPROCS(0)/2)
	e.parse, e.sign = newGate(half, e.m.turnWait), newGate(half, e.m.turnWait)
	for i := range cfg.Shards {
		addr := cfg.Media
		if addr.Port() != 0 {
			addr = netip.AddrPortFrom(addr.Addr(), addr.Port()+uint16(i))
		}
		s, err := openSocket(addr)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("shard %d: %w", i, err), e.close())
		}
		e.shards = append(e.shards, newShard(e, s))
	}
	return e, nil
}

func (e *Egress) close() (err error) {
	for _, s := range e.shards {
		err = errors.Join(err, s.socket.close())
	}
	return err
}

// Run serves viewers until ctx ends. It returns when all have been told and every goroutine has ended.
func (e *Egress) Run(ctx context.Context) error {
	// Handshakes outlive the loops, to which they report; and the sockets outlive both.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loops, workers sync.WaitGroup
	workers.Go(func() { e.work(work) })
	for _, s := range e.shards {
		loops.Go(func() { s.run(ctx) })
	}
	loops.Wait()
	stop()
	workers.Wait()
	return e.close()
}

// Pick returns the shard that the next viewer should join: each in its turn, but where that has more viewers than
// another the one with the fewest.
func (e *Egress) Pick() *Shard {
	turn := e.shards[int(e.next.Add(1)-1)%len(e.shards)]
	least := turn
	for _, s := range e.shards {
		if s.work.viewers.Load() < least.work.viewers.Load() {
			least = s
		}
	}
	if turn.work.viewers.Load()-least.work.viewers.Load() > lopsided {
		return least
	}
	return turn
}

// Ports returns the UDP ports of all shards.
func (e *Egress) Ports() (ports []uint16) {
	for _, s := range e.shards {
		ports = append(ports, s.Port())
	}
	return ports
}

// SetStream has the viewers of id go on with another epoch.
func (e *Egress) SetStream(ctx context.Context, id string, next *stream.Stream) error {
	return e.each(ctx, func(s *Shard, at mono) { s.setStream(id, next, at) })
}

// EndStream ends the sessions of all viewers of id.
func (e *Egress) EndStream(ctx context.Context, id string) error {
	return e.each(ctx, func(s *Shard, _ mono) { s.endStream(id, ReasonEnded) })
}

func (e *Egress) each(ctx context.Context, f func(*Shard, mono)) error {
	for _, s := range e.shards {
		if err := s.do(ctx, func(at mono) { f(s, at) }); err != nil {
			return err
		}
	}
	return nil
}

// Join takes a viewer in. It returns once the shard knows it; from then on j.Ended will be called, once.
func (s *Shard) Join(ctx context.Context, j Join) error {
	return s.ask(ctx, func(at mono) { s.admit(j, at) })
}

// Restart gives a session new ICE credentials. net.ErrClosed: there is no such session any more.
func (s *Shard) Restart(ctx context.Context, session string, local, peer Credentials) error {
	return s.with(ctx, session, func(v *viewer, _ mono) { s.restart(v, local, peer) })
}

// Select has a session see what it asks for. net.ErrClosed: there is no such session any more.
func (s *Shard) Select(ctx context.Context, session string, want Selection) error {
	return s.with(ctx, session, func(v *viewer, at mono) { s.selected(v, want, at) })
}

// Shows returns the rid a session sees and whether it sees any video. net.ErrClosed: it is over.
func (s *Shard) Shows(ctx context.Context, session string) (rid string, video bool, err error) {
	err = s.with(ctx, session, func(v *viewer, _ mono) {
		l := &v.video
		if l.src != nil {
			rid, video = l.src.flow.Format.RID, true
		} else if f := l.flow(); f != nil {
			rid, video = f.Format.RID, true
		}
	})
	return rid, video, err
}

// Leave ends a session, if it is still there.
func (s *Shard) Leave(ctx context.Context, session string) error {
	return s.with(ctx, session, func(v *viewer, _ mono) { s.end(v, ReasonClosed) })
}

// with calls f for a session and waits until it has returned.
func (s *Shard) with(ctx context.Context, session string, f func(*viewer, mono)) error {
	found := false
	err := s.ask(ctx, func(at mono) {
		v := s.bySess[session]
		if found = v != nil; found {
			f(v, at)
		}
	})
	if err == nil && !found {
		return net.ErrClosed
	}
	return err
}

// ask has the loop call f and waits until it has. After an error f may still be called, later.
func (s *Shard) ask(ctx context.Context, f func(mono)) error {
	called := make(chan struct{})
	if err := s.do(ctx, func(at mono) { f(at); close(called) }); err != nil {
		return err
	}
	select {
	case <-called:
		return nil
	case <-s.done:
		select {
		case <-called:
			return nil
		default:
			return net.ErrClosed
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
