package egress

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readBatch = 16 // messages in one call; more brings little, and each may be large

	// groSize is the room for what the kernel has joined of one sender's datagrams: as much as one message can be.
	groSize = 64 << 10
)

// inbound is the receiving side of a socket: the messages of the last call, and how far they were taken.
type inbound struct {
	gro bool // the kernel may join datagrams of one sender to a message (UDP_GRO)

	messages [readBatch]kernelMessage
	vectors  [readBatch]unix.Iovec
	names    [readBatch]unix.RawSockaddrInet6
	control  [readBatch][controlSize]byte
	buffer   []byte // of all messages
	room     int    // of one message

	count int  // messages that are there
	at    int  // the one being taken
	from  int  // in it
	last  bool // the call left nothing in the kernel
}

// receive hands what has arrived to take, until nothing more is there or limit datagrams were taken; the rest
// stays for the next time. The bytes are take's to change until it returns.
func (s *socket) receive(limit int, take func(b []byte, from netip.AddrPort)) {
	in := &s.in
	for in.last = false; limit > 0; limit-- {
		if in.at == in.count && (in.last || !in.fetch(s.fd)) {
			return
		}
		if in.at == in.count { // interrupted
			continue
		}
		i := in.at
		b := in.next()
		take(b[:min(len(b), readSize):min(len(b), readSize)], in.sender(i))
	}
}

// fetch has the kernel fill the messages. It returns false where there is nothing; of an interrupted call, nothing
// is there yet.
func (in *inbound) fetch(fd int) bool {
	for i := range in.messages {
		h := &in.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		if in.gro {
			h.SetControllen(controlSize)
		}
	}
	in.count, in.at, in.from = 0, 0, 0
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.messages[0])), readBatch,
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return errno == unix.EINTR || errno == unix.ECONNREFUSED
	}
	in.count = int(n)
	in.last = n < readBatch
	return n > 0
}

// open makes the buffers and points the kernel's headers at them.
func (in *inbound) open() error {
	in.room = readSize
	if in.gro {
		in.room = groSize
	}
	// Not of the heap, which may clear it: of 1 MB only the pages that are written to are ever there.
	var err error
	in.buffer, err = unix.Mmap(-1, 0, readBatch*in.room, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map receive buffer: %w", err)
	}
	for i := range in.messages {
		h := &in.messages[i].header
		in.vectors[i].Base = &in.buffer[i*in.room]
		in.vectors[i].SetLen(in.room)
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&in.names[i]))
		if in.gro {
			h.Control = &in.control[i][0]
		}
	}
	return nil
}

// close gives the buffer back; nothing may be received any more.
func (in *inbound) close() {
	if in.buffer != nil {
		_ = unix.Munmap(in.buffer) // it is mapped
		in.buffer = nil
	}
}

// next returns the next datagram, and goes on behind it.
func (in *inbound) next() []byte {
	m := &in.messages[in.at]
	start := in.at*in.room + in.from
	size := int(m.size) - in.from
	if n := in.segment(in.at); n > 0 && n < size {
		in.from += n
		return in.buffer[start : start+n]
	}
	in.at, in.from = in.at+1, 0
	return in.buffer[start : start+size]
}

// segment returns the size of message i's datagrams, of which the last may be shorter; 0 where it is one.
func (in *inbound) segment(i int) int {
	if !in.gro || in.messages[i].header.Controllen < uint64(unix.CmsgLen(4)) {
		return 0
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&in.control[i]))
	if c.Level != unix.SOL_UDP || c.Type != unix.UDP_GRO {
		return 0
	}
	return int(int32(binary.NativeEndian.Uint32(in.control[i][unix.CmsgLen(0):])))
}

// sender returns where message i comes from.
func (in *inbound) sender(i int) netip.AddrPort {
	raw := &in.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&raw.Port))[:])
	if raw.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(raw)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(raw.Addr).Unmap(), port)
}
