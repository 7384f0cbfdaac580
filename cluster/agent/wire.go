package agent

import (
	"bufio"
	"fmt"
	"net"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
)

// ALPN names the protocol and its version in the TLS handshake.
const ALPN = "freshet-agent/1"

// Bounds of one message.
const (
	MaxUp   = 64 << 10 // RELIABILITY: a control message
	MaxDown = 4 << 20  // a snapshot of some 20,000 streams
)

// Deadlines of the line. Facts go up each second and each is acknowledged, so both ends hear the other
// at least once a second.
const (
	Silence   = 5 * time.Second // without a message: the other end is gone
	writeWait = 5 * time.Second
)

// A Wire carries protobuf messages, each behind its length as a varint, over one connection. One
// goroutine may send while another receives.
type Wire struct {
	conn net.Conn
	r    *bufio.Reader
	max  int64
}

// NewWire wraps conn; a received message may have at most max bytes.
func NewWire(conn net.Conn, max int64) *Wire {
	return &Wire{conn: conn, r: bufio.NewReader(conn), max: max}
}

// Send writes m in one piece. After an error the wire is of no use any more.
func (w *Wire) Send(m proto.Message) error {
	b := make([]byte, 0, 256)
	buf := appender{b}
	if _, err := protodelim.MarshalTo(&buf, m); err != nil {
		return fmt.Errorf("marshal: %w", err)
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	_, err := w.conn.Write(buf.b)
	return err
}

// Receive reads the next message into m. It fails after Silence without one, on a message over the
// bound, and on bytes that are no such message; the wire is of no use after that.
func (w *Wire) Receive(m proto.Message) error {
	if err := w.conn.SetReadDeadline(time.Now().Add(Silence)); err != nil {
		return err
	}
	return protodelim.UnmarshalOptions{MaxSize: w.max}.UnmarshalFrom(w.r, m)
}

// Close ends the connection; calls under way return with errors.
func (w *Wire) Close() error { return w.conn.Close() }

// An appender gathers length and message, so that both leave in one TLS record.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}
