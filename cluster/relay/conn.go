package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// A conn is one QUIC connection of a link, after both ends have said hello. Its control stream stays open as
// long as it; only that of connection 0 carries more.
type conn struct {
	quic   *quic.Conn
	stream *quic.Stream
	in     *rtpq.ControlReader
	out    *rtpq.ControlWriter
	peer   *pb.Hello // what the other end said; node and role are those of its certificate
	since  time.Time

	retired chan struct{} // closed when another connection has taken its place
}

func (c *conn) index() int { return int(c.peer.GetIndex()) }

// greet exchanges hellos with the peer. It does not close q on error.
func greet(ctx context.Context, q *quic.Conn, dialled bool, ours *pb.Hello) (*conn, error) {
	ctx, stop := context.WithTimeout(ctx, handshakeTimeout)
	defer stop()
	control, err := controlStream(ctx, q, dialled)
	if err != nil {
		return nil, fmt.Errorf("control stream: %w", err)
	}
	control.SetPriority(0, false)
	deadline, _ := ctx.Deadline()
	_ = control.SetDeadline(deadline) // fails on a dead stream only, as do the reads and writes that follow
	c := &conn{
		quic: q, stream: control, in: rtpq.NewControlReader(control), out: rtpq.NewControlWriter(control),
		since: time.Now(), retired: make(chan struct{}),
	}
	if err := c.out.Write(&pb.RelayMessage{Body: &pb.RelayMessage_Hello{Hello: ours}}); err != nil {
		return nil, fmt.Errorf("say hello: %w", err)
	}
	if err := c.hear(); err != nil {
		return nil, err
	}
	if dialled { // which of the connections it is, the dialler says
		c.peer.Link, c.peer.Index, c.peer.Count = ours.Link, ours.Index, ours.Count
	}
	_ = control.SetDeadline(time.Time{})
	return c, nil
}

func controlStream(ctx context.Context, q *quic.Conn, dialled bool) (*quic.Stream, error) {
	if dialled {
		return q.OpenStreamSync(ctx)
	}
	return q.AcceptStream(ctx)
}

// hear reads the peer's hello and holds it to its certificate.
func (c *conn) hear() error {
	m, err := c.in.Next()
	if err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	node, role, err := identity.Peer(c.quic.ConnectionState().TLS)
	theirs := m.GetHello()
	switch {
	case err != nil:
		return err
	case theirs == nil:
		return broke(rtpq.CodePacket, "first message is no hello")
	case theirs.GetVersion() < rtpq.VersionOne:
		return broke(rtpq.CodeVersion, "peer speaks version %d", theirs.GetVersion())
	case theirs.GetNode() != node || theirs.GetRole() != role:
		return broke(rtpq.CodeIdentity, "hello of %s %q, certificate of %s %q", theirs.GetRole(), theirs.GetNode(), role, node)
	case theirs.GetVersion() == rtpq.VersionOne && theirs.GetCount() != 1:
		return broke(rtpq.CodeVersion, "a link of version 1 has one connection, not %d", theirs.GetCount())
	}
	c.peer = theirs
	return nil
}

// stays says whether c is there and has not been replaced.
func (c *conn) stays() bool {
	select {
	case <-c.retired:
		return false
	default:
		return c.quic.Context().Err() == nil
	}
}

// remote returns where the peer is now; the address of a peer behind a NAT may change.
func (c *conn) remote() netip.AddrPort {
	if a, ok := c.quic.RemoteAddr().(*net.UDPAddr); ok {
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

func closeConn(q *quic.Conn, m *metrics, err error, orderly bool) {
	code := rtpq.CodeNone
	var peer *peerError
	switch {
	case orderly:
	case errors.As(err, &peer):
		code = peer.code
	default:
		code = rtpq.CodeOf(err)
	}
	if q.Context().Err() == nil {
		m.closed(code)
	}
	_ = q.CloseWithError(quic.ApplicationErrorCode(code), "") // what is wrong stays in our log
}
