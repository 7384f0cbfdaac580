package egress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	socketBuffer = 8 << 20 // some 5 ms of 10 Gbit/s; the kernel cuts it down to its own limit

	// sendWait is how long one call waits for room in the socket's buffer. A frame for a few hundred viewers
	// is larger than the buffer, and the loop fills it faster than a network card empties it.
	sendWait = 50 * time.Millisecond

	controlSize = 24 // CmsgSpace of one uint16, and of one int
)

// An endpoint is where a viewer is, as the kernel wants it.
type endpoint struct {
	raw  unix.RawSockaddrInet6 // or a RawSockaddrInet4, by its family
	size uint32
	addr netip.AddrPort
}

// kernelMessage is struct mmsghdr.
type kernelMessage struct {
	header unix.Msghdr
	size   uint32
	_      [4]byte
}

// A socket is the UDP socket of one shard. write may be called from any goroutine, all else from the
// shard's loop alone, which waits in it for sendWait at most.
type socket struct {
	fd    int
	local netip.AddrPort
	six   bool // an IPv6 socket; it serves IPv4 too
	gso   bool
	wait  time.Duration // for room in the kernel's buffer, sendWait
	stuck bool          // a wait for room was in vain; no other until the kernel has taken something

	out     [maxMessages]kernelMessage
	vectors [maxMessages]unix.Iovec
	control [maxMessages][controlSize]byte

	in inbound
}

// openSocket binds addr; the unspecified IPv6 address serves IPv4 as well.
func openSocket(addr netip.AddrPort) (*socket, error) {
	s := &socket{six: addr.Addr().Is6(), wait: sendWait}
	family := unix.AF_INET
	if s.six {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open udp socket: %w", err)
	}
	s.fd = fd
	if err := s.bind(addr); err != nil {
		return nil, errors.Join(fmt.Errorf("bind udp %s: %w", addr, err), s.close())
	}
	for _, o := range [][2]int{{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}, {unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], socketBuffer) != nil { // needs a privilege
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], socketBuffer)
		}
	}
	_, err = unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	s.gso = err == nil
	s.wire()
	s.in.gro = unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1) == nil
	if err := s.in.open(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *socket) bind(addr netip.AddrPort) error {
	var sa unix.Sockaddr
	if s.six {
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return err
		}
		sa = &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
	} else {
		sa = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	if err := unix.Bind(s.fd, sa); err != nil {
		return err
	}
	got, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	port := addr.Port()
	switch a := got.(type) {
	case *unix.SockaddrInet4:
		port = uint16(a.Port)
	case *unix.SockaddrInet6:
		port = uint16(a.Port)
	}
	s.local = netip.AddrPortFrom(addr.Addr(), port)
	return nil
}

// wire points the kernel's headers at the buffers they always use.
func (s *socket) wire() {
	for i := range s.out {
		s.out[i].header.Iov = &s.vectors[i]
		s.out[i].header.SetIovlen(1)
		c := (*unix.Cmsghdr)(unsafe.Pointer(&s.control[i]))
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
	}
}

// endpoint returns addr as the socket can send to it.
func (s *socket) endpoint(addr netip.AddrPort) endpoint {
	e := endpoint{addr: addr}
	if s.six {
		e.raw = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: addr.Addr().As16()}
		e.size = unix.SizeofSockaddrInet6
		if zone := addr.Addr().Zone(); zone != "" {
			if i, err := net.InterfaceByName(zone); err == nil {
				e.raw.Scope_id = uint32(i.Index)
			}
		}
	} else {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&e.raw))
		four.Family, four.Addr = unix.AF_INET, addr.Addr().Unmap().As4()
		e.size = unix.SizeofSockaddrInet4
	}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&e.raw.Port))[:], addr.Port())
	return e
}

// send hands the messages, whose bytes stand in arena, to the kernel, and waits for at most sendWait while
// its buffer is full. It returns how many packets the kernel did not take.
func (s *socket) send(arena []byte, messages []message, m *sent) (dropped int) {
	for i := range messages {
		g := &messages[i]
		h := &s.out[i].header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&g.to.raw)), g.to.size
		s.vectors[i].Base = &arena[g.from]
		s.vectors[i].SetLen(g.end - g.from)
		h.Control = nil
		h.SetControllen(0)
		if g.count > 1 {
			binary.NativeEndian.PutUint16(s.control[i][unix.CmsgLen(0):], uint16(g.segment))
			h.Control = &s.control[i][0]
			h.SetControllen(controlSize)
			m.segmented += g.count
		}
	}
	var until time.Time // of waiting
	for i := 0; i < len(messages); {
		// RawSyscall: the scheduler is not told. With MSG_DONTWAIT a call takes some 60 µs at most.
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.out[i])),
			uintptr(len(messages)-i), unix.MSG_DONTWAIT, 0, 0)
		m.calls++
		switch {
		case errno == 0:
			i += int(n)
			s.stuck = false
		case errno == unix.EINTR:
		case errno == unix.EAGAIN && !s.stuck:
			if until.IsZero() {
				until = time.Now().Add(s.wait)
			}
			s.stuck = !s.writable(time.Until(until))
		case messages[i].count > 1 && (errno == unix.EIO || errno == unix.EINVAL || errno == unix.EMSGSIZE):
			// This path or device does not segment.
			s.gso = s.gso && errno != unix.EIO
			dropped += s.singly(arena, &messages[i])
			m.calls += messages[i].count
			i++
		default:
			dropped += messages[i].count
			i++
		}
	}
	return dropped
}

// writable waits for room in the socket's buffer and says whether there is some within d.
func (s *socket) writable(d time.Duration) bool {
	if d <= 0 {
		return false
	}
	p := [1]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(p[:], int(d.Milliseconds())+1)
	return n > 0 || errors.Is(err, unix.EINTR) // then send tries, and asks again
}

// singly sends the segments of g one by one.
func (s *socket) singly(arena []byte, g *message) (dropped int) {
	for from := g.from; from < g.end; from += g.segment {
		if s.write(arena[from:min(from+g.segment, g.end)], g.to) != nil {
			dropped++
		}
	}
	return dropped
}

// write sends one datagram, or returns why the kernel did not take it.
func (s *socket) write(b []byte, to *endpoint) error {
	if len(b) == 0 {
		return nil
	}
	_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size))
	if errno != 0 {
		return os.NewSyscallError("sendto", errno)
	}
	return nil
}

func (s *socket) close() error {
	s.in.close()
	if err := unix.Close(s.fd); err != nil && !errors.Is(err, syscall.EBADF) {
		return os.NewSyscallError("close", err)
	}
	return nil
}
