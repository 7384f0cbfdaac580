package shim

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// A message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
}

// A reader takes packets from the socket in batches (recvmmsg), each scattered over eight bytes of the reader's
// and the caller's buffer. It keeps its memory.
type reader struct {
	raw      syscall.RawConn
	local    net.Addr
	recv     func(fd uintptr) bool // bound once
	flags    int
	messages []message
	vectors  []unix.Iovec
	names    []unix.RawSockaddrInet6
	heads    [][headerLen]byte
	batch    int // messages of this call
	n        int
	errno    syscall.Errno
}

func (r *reader) open(u *net.UDPConn) (err error) {
	r.raw, err = u.SyscallConn()
	r.local = u.LocalAddr()
	r.recv = r.receive
	return err
}

func (r *reader) read(ms []ipv4.Message, flags int) (int, error) {
	if len(ms) > len(r.messages) {
		r.messages = make([]message, len(ms))
		r.vectors = make([]unix.Iovec, 2*len(ms))
		r.names = make([]unix.RawSockaddrInet6, len(ms))
		r.heads = make([][headerLen]byte, len(ms))
	}
	for i := range ms {
		v := r.vectors[2*i : 2*i+2]
		v[0].Base = &r.heads[i][0]
		v[0].SetLen(headerLen)
		buf := ms[i].Buffers[0]
		v[1].Base = unsafe.SliceData(buf)
		v[1].SetLen(len(buf))
		h := &r.messages[i].header
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Namelen = unix.SizeofSockaddrInet6
		h.Iov = &v[0]
		h.SetIovlen(2)
		h.Control = unsafe.SliceData(ms[i].OOB)
		h.SetControllen(len(ms[i].OOB))
		h.Flags = 0
	}
	r.batch, r.flags = len(ms), flags
	err := r.raw.Read(r.recv)
	if err == nil && r.errno != 0 {
		err = &net.OpError{Op: "read", Net: "udp", Addr: r.local, Err: os.NewSyscallError("recvmmsg", r.errno)}
	}
	for i := range r.vectors {
		r.vectors[i].Base = nil // QUIC gives its buffers back
	}
	if err != nil {
		return 0, err
	}
	return r.n, nil
}

// receive is read's system call; false has the runtime wait until the socket has something.
func (r *reader) receive(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.messages[0])), uintptr(r.batch), uintptr(r.flags), 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		r.n, r.errno = int(n), errno
		return true
	}
}

// packet returns the i-th packet of the last read.
func (r *reader) packet(i int) arrival {
	m := &r.messages[i]
	a := arrival{head: &r.heads[i], n: int(m.n), oob: int(m.header.Controllen), flags: int(m.header.Flags)}
	if a.flags&unix.MSG_TRUNC != 0 {
		a.n = 1 << 16 // longer than any buffer
	}
	name := &r.names[i]
	switch name.Family {
	case unix.AF_INET:
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		a.from = netip.AddrPortFrom(netip.AddrFrom4(four.Addr), swap(four.Port))
	case unix.AF_INET6:
		a.from = netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), swap(name.Port))
		if name.Scope_id != 0 {
			a.zone = strconv.Itoa(int(name.Scope_id))
		}
	}
	return a
}

// swap reads a port in network order.
func swap(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}
