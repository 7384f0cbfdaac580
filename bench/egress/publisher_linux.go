package egress

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

// A publisher writes the load into the rings of a stream that nobody else writes. Each packet ends with when it was
// written, in nanoseconds of the wall clock.
type publisher struct {
	video, sound *stream.Flow
	key          int // packets of a key frame; 0: as many as of any other

	mu      sync.Mutex
	written int
	keys    []int64 // when key frames were written
}

// count returns how many packets were written so far.
func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written
}

// keysBetween returns when the key frames from one moment to another were written.
func (p *publisher) keysBetween(from, to time.Time) (all []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		if k >= from.UnixNano() && k < to.UnixNano() {
			all = append(all, k)
		}
	}
	return all
}

// run writes frames and sound by the clock until ctx ends.
func (p *publisher) run(ctx context.Context) {
	begun := time.Now()
	frames, sounds, seq := 0, 0, 0
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			passed := now.Sub(begun)
			for ; time.Duration(frames)*time.Second/framesASecond <= passed; frames++ {
				seq += p.frame(frames, seq)
			}
			for ; time.Duration(sounds)*time.Second/soundASecond <= passed; sounds++ {
				p.write(p.sound, packet(rtpq.TypeOpus, sounds, uint32(sounds)*960, true, soundSize), time.Now())
			}
			next := min(time.Duration(frames)*time.Second/framesASecond, time.Duration(sounds)*time.Second/soundASecond)
			tick.Reset(time.Until(begun.Add(next)))
		}
	}
}

// frame writes frame n from number seq on and returns of how many packets.
func (p *publisher) frame(n, seq int) int {
	now := time.Now()
	k := packetsOf(n)
	if key := n%keyEvery == 0; key {
		k = max(k, p.key)
		p.mu.Lock()
		p.keys = append(p.keys, now.UnixNano())
		p.mu.Unlock()
	}
	for i := range k {
		b := packet(rtpq.TypeVideo, seq+i, uint32(n)*3000, i == k-1, videoSize)
		if i == 0 {
			b[rtpHeader] = 0x10 // VP8: a frame begins
		}
		if n%keyEvery > 0 {
			b[rtpHeader+1] = 1 // and is no key frame
		}
		p.write(p.video, b, now)
	}
	return k
}

func (p *publisher) write(f *stream.Flow, b []byte, now time.Time) {
	binary.BigEndian.PutUint64(b[len(b)-stampSize:], uint64(now.UnixNano()))
	if _, err := f.Write(b, now); err != nil {
		panic(fmt.Sprintf("own packet: %v", err))
	}
	p.mu.Lock()
	p.written++
	p.mu.Unlock()
}

const stampSize = 8

// packet returns an RTP packet that has size bytes once a viewer's extension is added and it is protected.
func packet(typ uint8, seq int, ts uint32, marker bool, size int) []byte {
	b := make([]byte, size-gcmTag-extensionSize)
	b[0], b[1] = 0x80, typ
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16(seq))
	binary.BigEndian.PutUint32(b[4:], ts)
	return b
}
