package egress

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	floorWindows = 3
	floorBatch   = 64        // messages in a call; more brings nothing
	floorArena   = 512 << 10 // what is sealed before a call should still be in the cache
	floorBuffer  = 8 << 20
)

// A floorOrder is what the floor's process is told to do.
type floorOrder struct {
	Viewers []uint16 `json:"viewers"` // ports of the fake viewers
	Shards  int      `json:"shards"`  // threads that send key frames
	Keys    int      `json:"keys"`    // how many key frames; 0: the load is sent and timed
	Millis  int      `json:"ms"`      // of a window, at least
}

// A floorFound is what it measured, each value of a window of its own.
type floorFound struct {
	Frame []float64 `json:"frame"` // µs of processor time a packet, each frame sent when it is there, each sound too
	Tick  []float64 `json:"tick"`  // the same, where all that 20 ms bring is one message
	Keys  []int64   `json:"keys"`  // when each key frame was begun, in nanoseconds of the wall clock
}

// runFloor does what it is told on standard input, and says what that took.
func runFloor(ctx context.Context, p *pipe) error {
	var order floorOrder
	if err := p.hear(&order); err != nil {
		return err
	}
	var found floorFound
	var err error
	if order.Keys > 0 {
		found.Keys, err = sendKeys(ctx, order)
	} else {
		err = found.measure(order.Viewers, time.Duration(order.Millis)*time.Millisecond)
	}
	if err != nil {
		return err
	}
	return p.say(found)
}

func (found *floorFound) measure(ports []uint16, length time.Duration) error {
	f, err := newFloor(ports, 0, 1)
	if err != nil {
		return err
	}
	for range floorWindows {
		for _, way := range []struct {
			to   *[]float64
			send func(n int)
		}{{&found.Frame, f.frame}, {&found.Tick, f.tick}} {
			each, err := f.time(length, way.send)
			if err != nil {
				return errors.Join(err, f.close())
			}
			*way.to = append(*way.to, float64(each.Nanoseconds())/1e3)
		}
	}
	return f.close()
}

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	size   uint32
	_      [4]byte
}

// A floor seals and sends the load in a bare loop: no scheduler, no timers, no bookkeeping, each frame one message that the
// kernel cuts.
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

// newFloor returns the floor of the viewers first, first+step, first+2*step … of those at ports.
func newFloor(ports []uint16, first, step int) (*floor, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, floorBuffer) != nil { // needs a privilege
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, floorBuffer)
	}
	f := &floor{fd: fd, arena: make([]byte, floorArena), payload: make([]byte, videoSize)}
	for n := first; n < len(ports); n += step {
		port := ports[n]
		a := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&a.Port))[:], port)
		f.to = append(f.to, a)
		block, err := aes.NewCipher(keysOf(n, false).Out)
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

// time returns the processor time that a packet takes in length, where send sends what belongs together.
func (f *floor) time(length time.Duration, send func(n int)) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f.packets = 0
	before, err := used()
	if err != nil {
		return 0, err
	}
	for n, begun := 0, time.Now(); time.Since(begun) < length; n++ {
		send(n)
	}
	after, err := used()
	return (after - before) / time.Duration(f.packets), err
}

// frame sends two frames, and as much sound as goes with them.
func (f *floor) frame(n int) {
	const sounds = 2 * soundASecond
	for i := range 2 {
		f.round(packetsOf(i), 0)
	}
	for range sounds*(n+1)/framesASecond - sounds*n/framesASecond {
		f.round(0, 1)
	}
}

// tick sends what 200 ms bring, in ticks of 20 ms: three frames come in five of them.
func (f *floor) tick(int) {
	frames := 0
	for i := range 10 {
		if i%5 == 2 || i%5 == 4 {
			f.round(0, 1)
			continue
		}
		f.round(packetsOf(frames), 1)
		frames++
	}
}

// round sends everybody a message of so many packets of picture and of sound.
func (f *floor) round(picture, sound int) {
	segment := videoSize
	if picture == 0 {
		segment = soundSize
	}
	for i := range f.to {
		if f.used+picture*videoSize+sound*soundSize > len(f.arena) {
			f.flush()
		}
		from := f.used
		for j := range picture {
			f.seq++
			f.seal(i, videoSize, j == picture-1)
		}
		for range sound {
			f.seq++
			f.seal(i, soundSize, true)
		}
		f.add(i, from, picture+sound, segment)
		f.packets += picture + sound
	}
	f.flush()
}

func (f *floor) seal(to, size int, marker bool) {
	b := f.arena[f.used : f.used+size : f.used+size]
	b[0], b[1] = 0x80, typeVideo
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], f.seq)
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

// keyGap is how long the bare loops rest between key frames, so that watched viewers have read the last one.
const keyGap = 60 * time.Millisecond

// sendKeys sends key frames to all viewers, each shard's from a loop of its own, and returns when each was begun.
func sendKeys(ctx context.Context, order floorOrder) (begun []int64, err error) {
	var floors []*floor
	defer func() {
		for _, f := range floors {
			err = errors.Join(err, f.close())
		}
	}()
	for i := range order.Shards {
		f, err := newFloor(order.Viewers, i, order.Shards)
		if err != nil {
			return nil, err
		}
		floors = append(floors, f)
	}
	for range order.Keys {
		if err := pass(ctx, keyGap); err != nil {
			return nil, err
		}
		begun = append(begun, time.Now().UnixNano())
		var wg sync.WaitGroup
		for _, f := range floors {
			wg.Go(func() { f.round(keyPackets, 0) })
		}
		wg.Wait()
	}
	return begun, pass(ctx, keyGap)
}

// used returns the processor time of this process.
func used() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
