package egress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v2"
	"golang.org/x/sys/unix"
)

const (
	sinkBuffer  = 4 << 10 // of a sink: full after a few packets, and from then on the kernel routes, looks up and drops
	drainAtOnce = 8       // messages in a call: what a sink's buffer holds, and one more
)

// A sink is the socket of one fake viewer.
type sink struct {
	n    int
	fd   int
	port uint16
	out  *srtp.Context
	told teller

	tells bool
	seq   uint16 // newest number of its picture that it has read

	drained time.Time
	watcher *watcher // nil: its packets are not looked at one by one
}

func profileOf(cm bool) srtp.ProtectionProfile {
	if cm {
		return srtp.ProtectionProfileAes128CmHmacSha1_80
	}
	return srtp.ProtectionProfileAeadAes128Gcm
}

func newSink(n int, cm bool) (*sink, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("sink %d: %w", n, err)
	}
	s := &sink{n: n, fd: fd}
	k := keysOf(n, cm)
	s.out, err = srtp.CreateContext(k.In, k.InSalt, profileOf(cm))
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, sinkBuffer)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var at unix.Sockaddr
	if err == nil {
		at, err = unix.Getsockname(fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sink %d: %w", n, err), unix.Close(fd))
	}
	if four, ok := at.(*unix.SockaddrInet4); ok {
		s.port = uint16(four.Port)
	}
	return s, nil
}

// report sends what a viewer sends in a second, after a look by way of d. Arrival times count from begun.
func (s *sink) report(port uint16, nack bool, d *drain, now, begun time.Time) error {
	if s.watcher == nil {
		s.drain(d, now)
	}
	video, sound := ssrcsOf(s.n)
	const own = 1
	packets := []rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: own, Reports: []rtcp.ReceptionReport{{SSRC: video, LastSequenceNumber: uint32(s.seq)}, {SSRC: sound}}},
		&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: own, Bitrate: 5e6, SSRCs: []uint32{video, sound}},
	}
	if nack {
		packets = append(packets, &rtcp.TransportLayerNack{SenderSSRC: own, MediaSSRC: video, Nacks: []rtcp.NackPair{{PacketID: s.seq}}})
	}
	plain, err := rtcp.Marshal(packets)
	if err != nil {
		return fmt.Errorf("sink %d: report: %w", s.n, err)
	}
	if s.tells {
		plain = s.told.append(plain, own, video, now, begun)
	}
	b, err := s.out.EncryptRTCP(nil, plain, nil)
	if err != nil {
		return fmt.Errorf("sink %d: protect: %w", s.n, err)
	}
	err = unix.Sendto(s.fd, b, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: int(port)})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ECONNREFUSED) {
		return nil // the edge is gone, or slower than this: it shows in its own figures
	}
	return err
}

// drain reads what came just after it was called last, when the buffer was empty.
func (s *sink) drain(d *drain, now time.Time) {
	for {
		n := d.read(s.fd)
		for i := range n {
			s.note(d.heads[i][:d.messages[i].size], s.drained)
		}
		if n < drainAtOnce {
			break
		}
	}
	s.drained = now
}

// A drain reads the heads of packets, and lets go of the rest.
type drain struct {
	messages [drainAtOnce]message
	vectors  [drainAtOnce]unix.Iovec
	heads    [drainAtOnce][rtpHeader + extensionSize]byte
}

func newDrain() *drain {
	d := &drain{}
	for i := range d.messages {
		d.vectors[i].Base = &d.heads[i][0]
		d.vectors[i].SetLen(len(d.heads[i]))
		d.messages[i].header.Iov = &d.vectors[i]
		d.messages[i].header.SetIovlen(1)
	}
	return d
}

// read reads what waits at fd, as far as there is room, and returns how many packets there were.
func (d *drain) read(fd int) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&d.messages)), drainAtOnce, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// note takes the numbers of a packet that came at about at.
func (s *sink) note(b []byte, at time.Time) {
	if len(b) < rtpHeader {
		return
	}
	video, sound := ssrcsOf(s.n)
	ssrc := binary.BigEndian.Uint32(b[8:])
	if ssrc == video {
		s.seq = binary.BigEndian.Uint16(b[2:])
	}
	if ssrc != video && ssrc != sound {
		return // sent again, or of a bare loop
	}
	if n, ok := transportNumber(b); ok {
		s.told.saw(n, at)
	}
}

// transportNumber returns the transport-wide number of a packet to a fake viewer, which has no other extension.
func transportNumber(b []byte) (uint16, bool) {
	if len(b) < rtpHeader+extensionSize || b[0] != 0x90 || binary.BigEndian.Uint32(b[rtpHeader:]) != 0xbede0001 || b[rtpHeader+4] != transportID<<4|1 {
		return 0, false
	}
	return binary.BigEndian.Uint16(b[rtpHeader+5:]), true
}
