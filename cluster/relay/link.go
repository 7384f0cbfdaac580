package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/identity"
	"freshet/cluster/shim"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	maxMessages     = 1024            // control messages waiting to be written: more than a join of every stream makes
	controlPatience = 5 * time.Second // a peer that does not read its control stream for longer is let go
	retireAfter     = time.Second     // what a replaced connection has in flight gets so long to arrive
)

// A peerError says that the peer broke the protocol. It closes the link with its code.
type peerError struct {
	code rtpq.Code
	text string
}

func (e *peerError) Error() string { return e.text }

func broke(code rtpq.Code, format string, args ...any) error {
	return &peerError{code, fmt.Sprintf(format, args...)}
}

var errControlFull = errors.New("peer does not take control messages")

// A handler is what a link does with what its peer says: a source for an upstream node, a sink for a
// downstream one. message is called by one goroutine, datagram and fill by one for each connection, group by one
// for each stream. An error closes the link.
type handler interface {
	message(m *pb.RelayMessage) error
	datagram(flow uint64, packet []byte, kind rtpq.Kind, now time.Time) error
	group(ctx context.Context, g *rtpq.GroupReader) error
	serve(ctx context.Context) error         // what runs as long as the link
	fill(ctx context.Context, c *conn) error // and as long as c
}

// A link connects this node to one other. Its run owns a goroutine for each of: reading control, writing
// control, the handler's own, watching whether the peer is removed, and for each connection: reading
// datagrams, sending datagrams, accepting streams, and one for each open stream. On the dialling side one
// more for each connection but the first keeps it there.
type link struct {
	node, role, region string // of the peer
	dialled            bool
	version            uint32 // spoken here
	id                 uint64 // chosen by the dialler
	main               *conn  // connection 0; the link lives as long as it
	own                *identity.Identity
	shim               *shim.Conn
	queue              *queue
	messages           chan *pb.RelayMessage
	large              chan outgoing // packets that fit no datagram; the filler sends them
	full               chan struct{} // closed when messages was full once
	overflow           atomic.Bool
	log                *slog.Logger
	m                  *metrics
	began              time.Time

	// dial opens a further connection; nil on the side that was dialled.
	dial   func(ctx context.Context, index int) (*conn, error)
	joins  chan *conn                   // connections to be run
	renews [rtpq.MaxConns]chan struct{} // upstream wants this one opened anew

	mu    sync.Mutex
	conns [rtpq.MaxConns]*conn // nil where there is none

	rtt           atomic.Int64 // ns, smoothed; as of the last sample
	rtpIn, rtpOut atomic.Int64 // bytes of RTP
	quiet         atomic.Bool  // the path is not full, and no group is under way; written by the sink
	wanted        atomic.Int64 // bytes of RTP a second that should go, what is held back included; by the sink
	renewed       time.Time    // when upstream last had a connection renewed; the control reader's own
	room, held    atomic.Int64 // bits a second that the path is thought to carry, flows held back; by the sink
	narrow        narrowing    // of the side that was dialled
}

// linkConfig is what a link needs of its node.
type linkConfig struct {
	id      *identity.Identity
	version uint32
	dialled bool
	behind  time.Duration // see queue
	shim    *shim.Conn
	log     *slog.Logger
	m       *metrics
}

func newLink(c *conn, cfg linkConfig) *link {
	l := &link{
		node: c.peer.GetNode(), role: c.peer.GetRole(), region: c.peer.GetRegion(),
		dialled: cfg.dialled, version: min(cfg.version, c.peer.GetVersion()), id: c.peer.GetLink(), main: c, own: cfg.id, shim: cfg.shim,
		queue:    newQueue(cfg.behind, cfg.m.dropped),
		messages: make(chan *pb.RelayMessage, maxMessages), full: make(chan struct{}), large: make(chan outgoing, maxLarge),
		log: cfg.log.With("peer", c.peer.GetNode(), "remote", c.quic.RemoteAddr().String()), m: cfg.m, began: c.since,
		joins: make(chan *conn),
	}
	for i := range l.renews {
		l.renews[i] = make(chan struct{}, 1)
	}
	l.conns[0] = c
	l.quiet.Store(true)
	l.sample(time.Now())
	return l
}

// run serves the link until ctx ends or the link breaks. It returns when all its goroutines have ended,
// nil after ctx.
func (l *link) run(ctx context.Context, h handler) error {
	g, inner := errgroup.WithContext(ctx)
	orderly := func() bool { return ctx.Err() != nil }
	g.Go(func() error { return l.readControl(h) })
	g.Go(func() error { return l.writeControl(inner) })
	g.Go(func() error { return h.serve(inner) })
	g.Go(func() error { return l.watch(inner) })
	g.Go(func() error { return l.carry(inner, l.main, h, orderly) })
	g.Go(func() error {
		for {
			select {
			case c := <-l.joins:
				l.place(c)
				g.Go(func() error { return l.carry(inner, c, h, orderly) })
			case <-inner.Done():
				return nil
			}
		}
	})
	if l.dial != nil && l.version > rtpq.VersionOne {
		for i := 1; i < rtpq.MaxConns; i++ {
			g.Go(func() error { l.keep(inner, i); return nil })
		}
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watch ends the link when its peer is not of the cluster any more.
func (l *link) watch(ctx context.Context) error {
	if err := l.own.Watch(ctx, l.main.quic.ConnectionState().TLS); ctx.Err() == nil {
		return broke(rtpq.CodeIdentity, "%v", err)
	}
	return nil
}

// carry serves connection c until it ends. The link ends with connection 0, and where the peer breaks the
// protocol on any.
func (l *link) carry(ctx context.Context, c *conn, h handler, orderly func() bool) error {
	defer l.leave(c)
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return l.readDatagrams(inner, c, h) })
	g.Go(func() error { return l.sendDatagrams(inner, c) })
	g.Go(func() error { return h.fill(inner, c) })
	g.Go(func() error { return l.acceptStreams(inner, c, g, h) })
	if c != l.main {
		g.Go(func() error { return c.idle() })
	}
	g.Go(func() error { return l.retire(inner, c) })
	g.Go(func() error { // the first error, or ctx, closes the connection, which ends the readers
		<-inner.Done()
		closeConn(c.quic, l.m, context.Cause(inner), orderly())
		return nil
	})
	err := g.Wait()
	if c != l.main && ctx.Err() == nil && connectionEnded(err) {
		l.log.Debug("connection ended", "index", c.index(), "err", err)
		return nil
	}
	return err
}

// connectionEnded says whether err tells of the end of a connection, which is the network's doing or the
// peer's right, and not of what the peer said on it.
func connectionEnded(err error) bool {
	var (
		application *quic.ApplicationError
		idle        *quic.IdleTimeoutError
		transport   *quic.TransportError
		reset       *quic.StatelessResetError
	)
	return errors.Is(err, errReplaced) || errors.As(err, &application) || errors.As(err, &idle) ||
		errors.As(err, &transport) || errors.As(err, &reset)
}

var errReplaced = &peerError{rtpq.CodeReplaced, "another connection took its place"}

// retire closes c some time after another took its place, on the side that was dialled; the other waits
// for that.
func (l *link) retire(ctx context.Context, c *conn) error {
	select {
	case <-c.retired:
	case <-ctx.Done():
		return nil
	}
	patience := retireAfter
	if l.dialled {
		patience *= 3
	}
	select {
	case <-time.After(patience):
		return errReplaced
	case <-ctx.Done():
		return nil
	}
}

// say queues a control message. It never blocks: a peer that lets maxMessages pile up loses the link.
func (l *link) say(m *pb.RelayMessage) {
	select {
	case l.messages <- m:
	default:
		if l.overflow.CompareAndSwap(false, true) {
			close(l.full)
		}
	}
}

func (l *link) readControl(h handler) error {
	for {
		m, err := l.main.in.Next()
		if errors.Is(err, io.EOF) {
			return broke(rtpq.CodeStream, "control stream ended")
		}
		if err != nil {
			return fmt.Errorf("read control: %w", err)
		}
		if r := m.GetRenew(); r != nil && l.dialled {
			l.renew(int(r.GetIndex()), time.Now())
			continue
		}
		if err := h.message(m); err != nil {
			return err
		}
	}
}

func (l *link) writeControl(ctx context.Context) error {
	for {
		select {
		case m := <-l.messages:
			_ = l.main.stream.SetWriteDeadline(time.Now().Add(controlPatience))
			if err := l.main.out.Write(m); err != nil {
				return fmt.Errorf("write control: %w", err)
			}
		case <-l.full:
			return errControlFull
		case <-ctx.Done():
			return nil
		}
	}
}

// readDatagrams does nothing but read and hand on: QUIC keeps no more than 128 datagrams for us.
func (l *link) readDatagrams(ctx context.Context, c *conn, h handler) error {
	for {
		b, err := c.quic.ReceiveDatagram(ctx)
		if err != nil {
			return fmt.Errorf("read datagram: %w", err)
		}
		now := time.Now()
		flow, packet, kind, err := rtpq.ParseDatagram(b)
		if err != nil {
			return err
		}
		if kind == rtpq.KindRTP {
			l.received(packet)
		}
		if err := h.datagram(flow, packet, kind, now); err != nil {
			return err
		}
	}
}

func (l *link) acceptStreams(ctx context.Context, c *conn, g *errgroup.Group, h handler) error {
	for {
		s, err := c.quic.AcceptUniStream(ctx)
		if err != nil {
			return fmt.Errorf("accept stream: %w", err)
		}
		if !l.dialled { // not a byte of it is waited for
			return broke(rtpq.CodeStream, "stream of packets from a downstream node")
		}
		g.Go(func() error { return l.readGroup(ctx, s, h) })
	}
}

// readGroup reads one stream to its end. A reset ends the stream and not the link.
func (l *link) readGroup(ctx context.Context, s *quic.ReceiveStream, h handler) error {
	g, err := rtpq.NewGroupReader(s, l.version)
	if err == nil {
		err = h.group(ctx, g)
	}
	var reset *quic.StreamError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reset):
		return nil
	}
	s.CancelRead(quic.StreamErrorCode(rtpq.CodeCancelled))
	if errors.Is(err, errNoFlow) {
		return nil
	}
	return fmt.Errorf("group stream: %w", err)
}

func (l *link) received(packet []byte) {
	l.rtpIn.Add(int64(len(packet)))
	l.m.packetsIn.Inc()
	l.m.bytesIn.Add(float64(len(packet)))
}
