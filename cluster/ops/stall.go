package ops

import (
	"net"
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
	return stallConn{c}, nil
}

type stallConn struct{ net.Conn }

func (c stallConn) Write(b []byte) (n int, err error) {
	for {
		if err := c.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(b[:min(len(b), stallChunk)])
		n, b = n+m, b[m:]
		if err != nil || len(b) == 0 {
			return n, err
		}
	}
}
