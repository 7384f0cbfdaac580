package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	dialTimeout = 5 * time.Second
	answerFirst = 1500 * time.Millisecond // for the first packet of an upstream; more than five tries of a handshake
)

var (
	errSilent   = errors.New("upstream does not answer")
	errNotPlain = errors.New("upstream has the repair layer after all")
)

// An uplink keeps the link to one upstream: connected beforehand, so that a stream that needs it need
// not wait. Its run goroutine dials.
type uplink struct {
	r     *Relay
	to    Upstream
	plain bool // the next link is tried without the repair layer; owned by run

	mu   sync.Mutex
	src  *source       // nil while there is no link
	hush chan struct{} // see silent; nil while nobody waits for it
}

// source returns the link's source, nil while there is no link.
func (u *uplink) source() *source {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.src
}

// busy says whether a stream comes by the link, or is asked for.
func (u *uplink) busy() bool {
	s := u.source()
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.feeds) > 0
}

func (u *uplink) set(s *source) {
	u.mu.Lock()
	u.src = s
	u.mu.Unlock()
	if s == nil {
		u.hushed()
	}
	u.r.tellChanged()
}

func (u *uplink) run(ctx context.Context) {
	var b backoff
	log := u.r.log.With("peer", u.to.Node, "remote", u.to.Addr)
	for ctx.Err() == nil {
		lived, err := u.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errNotPlain) {
			continue
		}
		log.Warn("no link to upstream", "err", err, "lived", lived)
		b.pause(ctx, lived)
	}
}

// connect dials and serves the link until it breaks. It returns for how long there was one.
func (u *uplink) connect(ctx context.Context) (lived time.Duration, err error) {
	id := rand.Uint64()
	c, err := u.first(ctx, u.r.hello(id, 0, 1))
	if err != nil {
		u.r.m.dials.WithLabelValues("failed").Inc()
		return 0, err
	}
	u.r.m.dials.WithLabelValues("connected").Inc()
	l := newLink(c, u.r.linkConfig(true))
	remote := c.remote()
	l.dial = func(ctx context.Context, index int) (*conn, error) {
		ctx, stop := context.WithTimeout(ctx, dialTimeout)
		defer stop()
		return u.dial(ctx, remote, u.r.hello(id, index, rtpq.MaxConns))
	}
	defer u.r.track(l)()
	l.log.Info("upstream joined", "region", l.region, "version", l.version)
	err = l.run(ctx, newSource(u, l))
	return time.Since(c.since), err
}

// first opens a link's first connection. A node of version 1 drops what the repair layer sends without a
// word: so where nothing answers, the next link is tried without that layer, and then with it again.
func (u *uplink) first(ctx context.Context, h *pb.Hello) (*conn, error) {
	ctx, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	addr, err := resolve(ctx, u.to.Addr)
	if err != nil {
		return nil, err
	}
	if u.r.shim == nil {
		return u.dial(ctx, addr, h)
	}
	u.r.shim.SetPlain(addr, u.plain)
	began := time.Now()
	var silent atomic.Bool
	patience := time.AfterFunc(answerFirst, func() {
		if p, ok := u.r.shim.Path(addr); !ok || p.Heard.Before(began) {
			silent.Store(true)
			stop()
		}
	})
	defer patience.Stop()
	c, err := u.dial(ctx, addr, h)
	switch {
	case err == nil && u.plain && min(u.r.version, c.peer.GetVersion()) > rtpq.VersionOne:
		u.plain = false
		if p, ok := u.r.shim.Path(addr); ok && !p.Plain {
			return c, nil // it was found out on the way
		}
		closeConn(c.quic, u.r.m, nil, true)
		return nil, errNotPlain
	case err == nil:
		return c, nil
	case silent.Load():
		u.plain, err = !u.plain, errSilent
	case u.plain:
		u.plain = false
	}
	return nil, err
}

// dial opens one connection to the upstream node and exchanges hellos on it.
func (u *uplink) dial(ctx context.Context, addr netip.AddrPort, h *pb.Hello) (*conn, error) {
	cfg := u.r.id.ClientTLS([]string{rtpq.ALPN}, u.to.Node, identity.RoleOrigin, identity.RoleEdge)
	q, err := u.r.tr.Dial(ctx, net.UDPAddrFromAddrPort(addr), cfg, quicConfig())
	if err != nil {
		return nil, err
	}
	c, err := greet(ctx, q, true, h)
	if err != nil {
		closeConn(q, u.r.m, err, ctx.Err() != nil)
	}
	return c, err
}
