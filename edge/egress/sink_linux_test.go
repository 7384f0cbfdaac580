package egress

import "golang.org/x/sys/unix"

// bound makes the socket's receive buffer small.
func (s *socket) bound(bytes int) error {
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
}
