//go:build !linux

package impair

import "net"

const truncated = 0x10 // MSG_TRUNC of the BSDs

// widen gives conn buffers that hold what comes while its goroutine waits for a core.
func widen(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
}
