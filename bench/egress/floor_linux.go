package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	floorWindows = 3
	floorFor     = 500 * time.Millisecond // of each window, at least
	floorBatch   = 64                     // messages in a call; more brings nothing
	floorBuffer  = 8 << 20
)

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	size   uint32
	_      [4]byte
}

// A floor seals and sends the load in a bare loop: no scheduler, no timers, no bookkeeping, each frame one message that the
// kernel cuts, each sound packet a message of its own.
type floor struct {
	fd       int
	to       []unix.RawSockaddrInet4
	aeads    []cipher.AEAD
	arena    []byte
	used     int
	messages [floorBatch]message
	vectors  [floorBatch]unix.Iovec
	control  [floorBatch][24]byte
	n        int
	seq      uint16
	payload  []byte
	packets  int
	refused  int
}

func newFloor(ports []uint16) (*floor, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, floorBuffer) != nil { // needs a privilege
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, floorBuffer)
	}
	f := &floor{fd: fd, arena: make([]byte, floorBatch*8<<10), payload: make([]byte, videoSize)}
	for n, port := range ports {
		a := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&a.Port))[:], port)
		f.to = append(f.to, a)
		block, err := aes.NewCipher(keysOf(n).Out)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("floor: %w", err), unix.Close(fd))
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("floor: %w", err), unix.Close(fd))
		}
		f.aeads = append(f.aeads, aead)
	}
	for i := range f.messages {
		h := &f.messages[i].header
		h.Iov = &f.vectors[i]
		h.SetIovlen(1)
		h.Namelen = unix.SizeofSockaddrInet4
		c := (*unix.Cmsghdr)(unsafe.Pointer(&f.control[i]))
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
	}
	return f, nil
}

func (f *floor) close() error { return unix.Close(f.fd) }

// measure returns the processor time that a packet takes: the median of some windows.
func (f *floor) measure() (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all []time.Duration
	for range floorWindows {
		f.packets = 0
		before, err := used()
		if err != nil {
			return 0, err
		}
		sound := 0.0
		for n, begun := 0, time.Now(); time.Since(begun) < floorFor || n%2 == 1; n++ {
			f.round(packetsOf(n), videoSize)
			for sound += float64(soundASecond) / framesASecond; sound >= 1; sound-- {
				f.round(1, soundSize)
			}
		}
		after, err := used()
		if err != nil {
			return 0, err
		}
		all = append(all, (after-before)/time.Duration(f.packets))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// round sends k packets of size bytes to everybody, as one message each.
func (f *floor) round(k, size int) {
	f.seq += uint16(k)
	for i := range f.to {
		from := f.used
		for j := range k {
			f.seal(i, f.seq+uint16(j), size)
		}
		f.add(i, from, k, size)
		f.packets += k
	}
	f.flush()
}

func (f *floor) seal(to int, seq uint16, size int) {
	b := f.arena[f.used : f.used+size : f.used+size]
	b[0], b[1] = 0x80, 96
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], uint32(to))
	var iv [12]byte
	copy(iv[4:], b[:8])
	f.aeads[to].Seal(b[rtpHeader:rtpHeader], iv[:], f.payload[:size-rtpHeader-gcmTag], b[:rtpHeader])
	f.used += size
}

func (f *floor) add(to, from, count, segment int) {
	h := &f.messages[f.n].header
	h.Name = (*byte)(unsafe.Pointer(&f.to[to]))
	f.vectors[f.n].Base = &f.arena[from]
	f.vectors[f.n].SetLen(f.used - from)
	h.Control = nil
	h.SetControllen(0)
	if count > 1 {
		binary.NativeEndian.PutUint16(f.control[f.n][unix.CmsgLen(0):], uint16(segment))
		h.Control = &f.control[f.n][0]
		h.SetControllen(len(f.control[f.n]))
	}
	if f.n++; f.n == floorBatch {
		f.flush()
	}
}

func (f *floor) flush() {
	for at := 0; at < f.n; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(f.fd), uintptr(unsafe.Pointer(&f.messages[at])), uintptr(f.n-at), 0, 0, 0)
		if errno != 0 {
			f.refused++
			n = 1
		}
		at += int(n)
	}
	f.n, f.used = 0, 0
}

// used returns the processor time of this process.
func used() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
