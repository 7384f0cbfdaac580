package ops

import (
	"net"
	"sync/atomic"
	"time"
)

const (
	// A reader that takes nothing for stallTimeout loses its connection.
	stallTimeout = 15 * time.Second
	// stallChunk is what must leave within stallTimeout: 35 kbit/s is the slowest reader served.
	stallChunk = 64 << 10
)

// stallListener accepts connections on which each write has a deadline of its own.
type stallListener struct{ net.Listener }

func (l stallListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stallConn{Conn: c}, nil
}

type stallConn struct {
	net.Conn
	asked atomic.Int64 // the deadline that a handler has set, in ns of Unix time; 0: none
}

// SetWriteDeadline holds where it is earlier than what a write has anyway.
func (c *stallConn) SetWriteDeadline(t time.Time) error {
	asked := int64(0)
	if !t.IsZero() {
		asked = t.UnixNano()
	}
	c.asked.Store(asked)
	return c.Conn.SetWriteDeadline(t)
}

func (c *stallConn) Write(b []byte) (n int, err error) {
	for {
		deadline := time.Now().Add(stallTimeout)
		if asked := c.asked.Load(); asked != 0 && asked < deadline.UnixNano() {
			deadline = time.Unix(0, asked)
		}
		if err := c.Conn.SetWriteDeadline(deadline); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(b[:min(len(b), stallChunk)])
		n, b = n+m, b[m:]
		if err != nil || len(b) == 0 {
			return n, err
		}
	}
}
