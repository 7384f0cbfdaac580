package egress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/pion/srtp/v2"
	"golang.org/x/sys/unix"
)

const (
	watchEvery  = 500 * time.Millisecond // seldom, so that most key frames come while nobody reads
	watchBuffer = 2 << 20                // holds what comes between two reads, key frames included
	watchMost   = 1 << 20                // arrivals that are noted
)

// An arrival is when a viewer had something, by the kernel's clock, and when it was written, both in nanoseconds of the
// wall clock. What a bare loop sends does not say when it was written.
type arrival struct {
	Viewer  int   `json:"v"`
	At      int64 `json:"a"`
	Written int64 `json:"w"`
}

// A watcher looks at each packet of one viewer. Nobody sleeps until one comes: the kernel notes when it came, and it is read later.
type watcher struct {
	in      *srtp.Context
	picture int // packets since the last frame's end
	plain   []byte
}

// watch has the kernel note when packets of s come, and keep all of them.
func (s *sink) watch(cm bool) error {
	k := keysOf(s.n, cm)
	in, err := srtp.CreateContext(k.Out, k.OutSalt, profileOf(cm))
	if err != nil {
		return fmt.Errorf("sink %d: watch: %w", s.n, err)
	}
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, watchBuffer) != nil { // needs a privilege
		err = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, watchBuffer)
	}
	if err == nil {
		err = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err != nil {
		return fmt.Errorf("sink %d: watch: %w", s.n, err)
	}
	s.watcher = &watcher{in: in, plain: make([]byte, 0, 2048)}
	return nil
}

// read notes all that has come to s, which is watched.
func (s *sink) read(now time.Time, found *sinksFound) error {
	var b [2048]byte
	var control [64]byte
	for {
		n, c, _, _, err := unix.Recvmsg(s.fd, b[:], control[:], 0)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("sink %d: read: %w", s.n, err)
		}
		s.note(b[:n], now)
		at, ok := stamped(control[:c])
		if n < rtpHeader || !ok {
			continue
		}
		s.arrived(b[:n], at, found)
	}
}

// arrived notes a packet that came at at.
func (s *sink) arrived(b []byte, at int64, found *sinksFound) {
	w := s.watcher
	switch b[1] & 0x7f {
	case typeVideo:
		w.picture++
		if b[1]&0x80 == 0 {
			return
		}
		whole := w.picture >= keyPackets
		w.picture = 0
		if whole && len(found.Keys) < watchMost {
			found.Keys = append(found.Keys, arrival{s.n, at, w.written(b)})
		}
	case typeSound:
		if written := w.written(b); written > 0 && len(found.Sound) < watchMost {
			found.Sound = append(found.Sound, arrival{s.n, at, written})
		}
	}
}

// written returns when a packet was written, 0 where it does not open.
func (w *watcher) written(b []byte) int64 {
	plain, err := w.in.DecryptRTP(w.plain[:0], b, nil)
	if err != nil || len(plain) < rtpHeader+stampSize {
		return 0
	}
	return int64(binary.BigEndian.Uint64(plain[len(plain)-stampSize:]))
}

// stamped returns the time that the kernel noted in the control messages of a packet.
func stamped(control []byte) (at int64, ok bool) {
	for len(control) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return 0, false
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			return (*unix.Timespec)(unsafe.Pointer(&data[0])).Nano(), true
		}
		control = rest
	}
	return 0, false
}
