package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// BenchmarkYardstick is work that no change to Freshet makes faster or slower: the standard library's, the memory's and
// the kernel's. What it takes tells how fast this machine is just now.
func BenchmarkYardstick(b *testing.B) {
	b.Run(seal, yardSeal)
	b.Run(memory, yardCopy)
	b.Run(sort, yardSort)
	b.Run(send, yardSend)
}

// A packet of 1,122 bytes through the standard library's AES-128-GCM.
func yardSeal(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	iv, head, body, to := make([]byte, 12), make([]byte, 12), make([]byte, 1122), make([]byte, 0, 1150)
	b.ReportAllocs()
	for b.Loop() {
		iv[0]++
		aead.Seal(to, iv, body, head)
	}
}

// 64 KiB from one place in memory to another.
func yardCopy(b *testing.B) {
	from, to := make([]byte, 64<<10), make([]byte, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		copy(to, from)
	}
}

// 1,024 numbers, put in order: comparisons, jumps that cannot be foreseen, memory that is near.
func yardSort(b *testing.B) {
	var numbers [1024]uint32
	last := uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		for i := range numbers {
			last = last*1664525 + 1013904223 // others each time, or the processor learns the way
			numbers[i] = last
		}
		slices.Sort(numbers[:])
	}
}

// message is struct mmsghdr of 64-bit Linux.
type message struct {
	header unix.Msghdr
	_      [8]byte
}

// 64 packets of 1,150 bytes in one call, over loopback to a socket that is full: the kernel routes, looks up, drops.
func yardSend(b *testing.B) {
	out, _ := loopback(b)
	sink, port := loopback(b)
	if err := unix.SetsockoptInt(sink, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10); err != nil {
		b.Fatal(err)
	}
	to := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&to.Port))[:], uint16(port))
	packet := make([]byte, 1150)
	part := unix.Iovec{Base: &packet[0]}
	part.SetLen(len(packet))
	var messages [64]message
	for i := range messages {
		h := &messages[i].header
		h.Name, h.Namelen, h.Iov = (*byte)(unsafe.Pointer(&to)), unix.SizeofSockaddrInet4, &part
		h.SetIovlen(1)
	}
	b.ReportAllocs()
	for b.Loop() {
		for left := messages[:]; len(left) > 0; {
			n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(out), uintptr(unsafe.Pointer(&left[0])), uintptr(len(left)), 0, 0, 0)
			if errno != 0 {
				b.Fatal(errno)
			}
			left = left[n:]
		}
	}
}

func loopback(b *testing.B) (fd, port int) {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		b.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		b.Fatal(err)
	}
	return fd, at.(*unix.SockaddrInet4).Port
}
