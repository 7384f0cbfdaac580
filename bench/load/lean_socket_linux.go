package load

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"github.com/pion/transport/v2/packetio"
	"golang.org/x/sys/unix"
)

const (
	leanBatch = 16   // datagrams one call reads
	leanRead  = 2048 // bytes of one at most; no path carries more than 1,500

	// DTLS that waits to be read; a flight has four datagrams at most.
	dtlsQueue      = 16
	dtlsQueueBytes = 32 << 10
)

// openLean opens a UDP socket of local's family on all addresses and a free port. It returns where others
// reach it: local, which must be this machine's.
func openLean(local netip.Addr) (fd int, at netip.AddrPort, err error) {
	family, any := unix.AF_INET, netip.IPv4Unspecified()
	if local.Is6() {
		family, any = unix.AF_INET6, netip.IPv6Unspecified()
	}
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, netip.AddrPort{}, fmt.Errorf("open udp socket: %w", err)
	}
	err = unix.Bind(fd, sockaddr(netip.AddrPortFrom(any, 0)))
	var got unix.Sockaddr
	if err == nil {
		got, err = unix.Getsockname(fd)
	}
	if err != nil {
		return -1, netip.AddrPort{}, errors.Join(fmt.Errorf("bind udp socket: %w", err), unix.Close(fd))
	}
	return fd, netip.AddrPortFrom(local, address(got).Port()), nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func address(sa unix.Sockaddr) netip.AddrPort {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// mmsghdr is the kernel's struct of that name.
type mmsghdr struct {
	header unix.Msghdr
	size   uint32
	_      [4]byte
}

// A leanReader reads datagrams of connected sockets, many in one call. It belongs to one loop.
type leanReader struct {
	messages [leanBatch]mmsghdr
	vectors  [leanBatch]unix.Iovec
	buffers  [leanBatch][leanRead]byte
}

func newLeanReader() *leanReader {
	r := &leanReader{}
	for i := range r.messages {
		r.vectors[i].Base = &r.buffers[i][0]
		r.vectors[i].SetLen(leanRead)
		r.messages[i].header.Iov = &r.vectors[i]
		r.messages[i].header.SetIovlen(1)
	}
	return r
}

// read returns how many datagrams fd had, leanBatch at most; 0 where it has none or an error is reported by it.
func (r *leanReader) read(fd int) int {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.messages[0])), leanBatch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// datagram returns the i-th of what was read, good until the next read. One that was too long is cut.
func (r *leanReader) datagram(i int) []byte {
	return r.buffers[i][:min(r.messages[i].size, leanRead)]
}

// drops returns how many datagrams the kernel has dropped at fd: for want of room, or by a filter.
func drops(fd int) uint32 {
	const field = 8 // SK_MEMINFO_DROPS (linux/sock_diag.h)
	var info [field + 1]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return info[field]
}

// filterMedia has the kernel drop what is RTP or RTCP by its first byte (RFC 7983), which a filter on a UDP
// socket finds behind the UDP header.
func filterMedia(fd int) error {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 8},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 128, Jt: 0, Jf: 2},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 192, Jt: 1, Jf: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// A leanConn is the net.Conn under one DTLS handshake: the loop feeds it, pion/dtls reads and writes.
type leanConn struct {
	in *packetio.Buffer

	mu sync.Mutex
	fd int // -1 once it was detached: the number may be another socket's by then
}

func newLeanConn(fd int) *leanConn {
	c := &leanConn{in: packetio.NewBuffer(), fd: fd}
	c.in.SetLimitCount(dtlsQueue)
	c.in.SetLimitSize(dtlsQueueBytes)
	return c
}

// feed hands a copy of b to the reader; it is dropped where the queue is full, and DTLS repeats it.
func (c *leanConn) feed(b []byte) { _, _ = c.in.Write(b) }

// detach ends reading and swallows what is written from now on.
func (c *leanConn) detach() {
	c.mu.Lock()
	c.fd = -1
	c.mu.Unlock()
	_ = c.in.Close() // it has no errors
}

func (c *leanConn) Read(p []byte) (int, error) { return c.in.Read(p) }

func (c *leanConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		_, _ = unix.Write(c.fd, p) // lost like any datagram; DTLS repeats it
	}
	return len(p), nil
}

// Close implements net.Conn.
func (c *leanConn) Close() error { c.detach(); return nil }

// LocalAddr implements net.Conn.
func (c *leanConn) LocalAddr() net.Addr { return &net.UDPAddr{} }

// RemoteAddr implements net.Conn.
func (c *leanConn) RemoteAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline implements net.Conn; writes never wait.
func (c *leanConn) SetDeadline(t time.Time) error { return c.in.SetReadDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *leanConn) SetReadDeadline(t time.Time) error { return c.in.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn; writes never wait.
func (c *leanConn) SetWriteDeadline(time.Time) error { return nil }
