package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	maxMessages     = 1024            // control messages waiting to be written: more than a join of every stream makes
	controlPatience = 5 * time.Second // a peer that does not read its control stream for longer is let go
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
// downstream one. Each method is called by one goroutine of the link. An error closes the link.
type handler interface {
	message(m *pb.RelayMessage) error
	datagram(flow uint64, packet []byte, kind rtpq.Kind, now time.Time) error
	group(ctx context.Context, g *rtpq.GroupReader) error // one goroutine for each stream
	serve(ctx context.Context) error                      // what runs as long as the link
}

// A link connects this node to one other. Its Run owns a goroutine for each of: reading control, writing
// control, reading datagrams, sending datagrams, accepting streams, each open stream, and the handler's own.
type link struct {
	node, role, region string // of the peer
	dialled            bool
	conn               *quic.Conn
	in                 *rtpq.ControlReader
	stream             *quic.Stream
	out                *rtpq.ControlWriter
	queue              *queue
	messages           chan *pb.RelayMessage
	large              chan outgoing // packets that fit no datagram; the filler sends them
	full               chan struct{} // closed when messages was full once
	overflow           atomic.Bool
	log                *slog.Logger
	m                  *metrics

	rtt           atomic.Int64 // ns, smoothed; as of the last tick
	rtpIn, rtpOut atomic.Int64 // bytes of RTP
}

// hello is what this node says first on a link, and how it keeps that link.
type hello struct {
	node, role, region string
	link               uint64        // 0 where the peer dialled
	behind             time.Duration // see queue
}

// open exchanges hellos on the control stream and returns the link. It does not close conn on error.
func open(ctx context.Context, conn *quic.Conn, dialled bool, h hello, log *slog.Logger, m *metrics) (*link, error) {
	ctx, stop := context.WithTimeout(ctx, handshakeTimeout)
	defer stop()
	control, err := controlStream(ctx, conn, dialled)
	if err != nil {
		return nil, fmt.Errorf("control stream: %w", err)
	}
	control.SetPriority(0, false)
	deadline, _ := ctx.Deadline()
	_ = control.SetDeadline(deadline) // fails on a dead stream only, as do the reads and writes that follow
	l := &link{
		conn: conn, dialled: dialled, stream: control,
		in: rtpq.NewControlReader(control), out: rtpq.NewControlWriter(control),
		messages: make(chan *pb.RelayMessage, maxMessages), full: make(chan struct{}),
		large: make(chan outgoing, maxLarge), m: m,
	}
	l.queue = newQueue(h.behind, m.dropped)
	if err := l.greet(h, conn.ConnectionState().TLS); err != nil {
		return nil, err
	}
	_ = control.SetDeadline(time.Time{})
	l.log = log.With("peer", l.node, "remote", conn.RemoteAddr().String())
	l.sample()
	return l, nil
}

func controlStream(ctx context.Context, conn *quic.Conn, dialled bool) (*quic.Stream, error) {
	if dialled {
		return conn.OpenStreamSync(ctx)
	}
	return conn.AcceptStream(ctx)
}

// greet says hello and checks the peer's against its certificate.
func (l *link) greet(h hello, cs tls.ConnectionState) error {
	ours := &pb.Hello{Version: rtpq.Version, Node: h.node, Role: h.role, Region: h.region, Link: h.link, Count: 1}
	if err := l.out.Write(&pb.RelayMessage{Body: &pb.RelayMessage_Hello{Hello: ours}}); err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	m, err := l.in.Next()
	if err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	theirs := m.GetHello()
	node, role, err := identity.Peer(cs)
	switch {
	case err != nil:
		return err
	case theirs == nil:
		return broke(rtpq.CodePacket, "first message is no hello")
	case theirs.GetVersion() < 1:
		return broke(rtpq.CodeVersion, "peer speaks version %d", theirs.GetVersion())
	case theirs.GetNode() != node || theirs.GetRole() != role:
		return broke(rtpq.CodeIdentity, "hello of %s %q, certificate of %s %q", theirs.GetRole(), theirs.GetNode(), role, node)
	case theirs.GetCount() != 1:
		return broke(rtpq.CodeVersion, "links of %d connections are not spoken here", theirs.GetCount())
	}
	l.node, l.role, l.region = node, role, theirs.GetRegion()
	return nil
}

// run serves the link until ctx ends or the link breaks. It returns when all its goroutines have ended,
// nil after ctx.
func (l *link) run(ctx context.Context, h handler) error {
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return l.readControl(h) })
	g.Go(func() error { return l.writeControl(inner) })
	g.Go(func() error { return l.readDatagrams(inner, h) })
	g.Go(func() error { return l.sendDatagrams(inner) })
	g.Go(func() error { return l.acceptStreams(inner, g, h) })
	g.Go(func() error { return h.serve(inner) })
	g.Go(func() error { // the first error, or ctx, closes the connection, which ends the readers
		<-inner.Done()
		l.close(context.Cause(inner), ctx.Err() != nil)
		return nil
	})
	err := g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// close tells the peer why. The first call counts.
func (l *link) close(err error, orderly bool) { closeConn(l.conn, l.m, err, orderly) }

func closeConn(conn *quic.Conn, m *metrics, err error, orderly bool) {
	code := rtpq.CodeNone
	var peer *peerError
	switch {
	case orderly:
	case errors.As(err, &peer):
		code = peer.code
	default:
		code = rtpq.CodeOf(err)
	}
	if conn.Context().Err() == nil {
		m.closed(code)
	}
	_ = conn.CloseWithError(quic.ApplicationErrorCode(code), "") // what is wrong stays in our log
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
		m, err := l.in.Next()
		if errors.Is(err, io.EOF) {
			return broke(rtpq.CodeStream, "control stream ended")
		}
		if err != nil {
			return fmt.Errorf("read control: %w", err)
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
			_ = l.stream.SetWriteDeadline(time.Now().Add(controlPatience))
			if err := l.out.Write(m); err != nil {
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
func (l *link) readDatagrams(ctx context.Context, h handler) error {
	for {
		b, err := l.conn.ReceiveDatagram(ctx)
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

func (l *link) acceptStreams(ctx context.Context, g *errgroup.Group, h handler) error {
	for {
		s, err := l.conn.AcceptUniStream(ctx)
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
	g, err := rtpq.NewGroupReader(s)
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

func (l *link) state() LinkState {
	return LinkState{
		Peer: l.node, Role: l.role, Region: l.region, Remote: l.conn.RemoteAddr().String(), Upstream: l.dialled,
		RTT: time.Duration(l.rtt.Load()), BytesIn: l.rtpIn.Load(), BytesOut: l.rtpOut.Load(),
	}
}

// sample refreshes the round trip that others read.
func (l *link) sample() {
	st := l.conn.ConnectionStats()
	l.rtt.Store(int64(st.SmoothedRTT))
	l.m.rtt.Observe(st.SmoothedRTT.Seconds())
}
