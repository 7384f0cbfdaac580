//go:build !linux

package impair

import "net"

const (
	truncated   = 0x10 // MSG_TRUNC of the BSDs
	controlSize = 0
)

// prepare gives conn buffers that hold what comes while its goroutine waits for a core.
func prepare(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
}

// drops would tell what a socket has dropped; here none does.
func drops([]byte) uint32 { return 0 }
