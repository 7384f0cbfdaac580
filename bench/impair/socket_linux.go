package impair

import (
	"encoding/binary"
	"net"

	"golang.org/x/sys/unix"
)

const (
	truncated   = unix.MSG_TRUNC
	controlSize = 24 // CmsgSpace of one uint32
)

// prepare gives conn buffers that hold what comes while its goroutine waits for a core, and has it tell of
// what they could not hold. Root may go past the system's limit; others get what that allows.
func prepare(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	})
}

// drops returns how many datagrams a socket has dropped for want of room, by a control message of its own.
func drops(control []byte) uint32 {
	h, data, _, err := unix.ParseOneSocketControlMessage(control)
	if err != nil || h.Level != unix.SOL_SOCKET || h.Type != unix.SO_RXQ_OVFL || len(data) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(data)
}
