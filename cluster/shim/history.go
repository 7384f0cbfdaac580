package shim

import (
	"sync"
	"time"
)

const (
	maxSent         = 4096 // packets kept of what went to a peer: 40 Mbit/s for a second
	maxSentUnproven = 64   // to an address that has not shown that it receives: a handshake
	minSent         = 64
	keepSent        = int64(time.Second)
	maxOOB          = 1<<8 - 1 // what slot.oobLen holds; quic-go gives less than a hundred bytes
	chunkLen        = 32 << 10 // holds the largest batch that quic-go hands down, 20 kB
)

// A chunk is memory for packets one after the other, as they go to the socket.
type chunk struct {
	b    [chunkLen]byte
	used int
	live int // packets in it that may still be asked for
}

// A slot is where a packet lies, header and all, with the control messages it was sent with.
type slot struct {
	c           *chunk
	at          int64 // when it was sent
	answered    int64 // when it was last sent again
	off, n, oob uint16
	oobLen      uint8
	asked       bool
}

func (s *slot) packet() []byte  { return s.c.b[s.off : s.off+s.n] }
func (s *slot) control() []byte { return s.c.b[s.oob : s.oob+uint16(s.oobLen)] }

// A history is what was sent to a peer in the last second, at most limit packets. Its memory grows with that
// and goes back to the pool with it: at most 4,096 slots of 32 bytes and the packets, rounded up to chunks.
type history struct {
	slots []slot // a power of two long
	first uint32 // oldest number kept
	next  uint32 // to be sent
	limit int
	tip   *chunk     // where the next packet goes
	pool  *sync.Pool // of *chunk
}

// room returns a chunk with n bytes free behind used.
func (h *history) room(n int) *chunk {
	if h.tip == nil || h.tip.used+n > chunkLen {
		old := h.tip
		h.tip = h.pool.Get().(*chunk)
		h.tip.used, h.tip.live = 0, 0
		if old != nil && old.live == 0 {
			h.pool.Put(old)
		}
	}
	return h.tip
}

// push keeps the packet at s under the next number.
func (h *history) push(s slot) {
	h.expire(s.at)
	if n := int(h.next - h.first); n >= len(h.slots) || n >= h.limit {
		if n < h.limit {
			h.grow()
		} else {
			h.drop()
		}
	}
	h.slots[h.next&uint32(len(h.slots)-1)] = s
	h.next++
	s.c.live++
}

func (h *history) grow() {
	old := h.slots
	h.slots = make([]slot, max(minSent, 2*len(old)))
	for q := h.first; q != h.next; q++ {
		h.slots[q&uint32(len(h.slots)-1)] = old[q&uint32(len(old)-1)]
	}
}

func (h *history) drop() {
	s := &h.slots[h.first&uint32(len(h.slots)-1)]
	h.first++
	s.c.live--
	if s.c.live == 0 && s.c != h.tip {
		h.pool.Put(s.c)
	}
	s.c = nil
}

// expire drops what is older than a second.
func (h *history) expire(now int64) {
	for h.first != h.next && now-h.slots[h.first&uint32(len(h.slots)-1)].at > keepSent {
		h.drop()
	}
}

// release drops what is older than a second, and all memory if that is everything.
func (h *history) release(now int64) {
	h.expire(now)
	if h.first == h.next {
		h.slots = nil
		if h.tip != nil {
			h.pool.Put(h.tip)
			h.tip = nil
		}
	}
}

// find returns the packet with that number, nil if it is not kept.
func (h *history) find(seq uint32) *slot {
	if seq-h.first >= h.next-h.first {
		return nil
	}
	return &h.slots[seq&uint32(len(h.slots)-1)]
}

// discard drops everything.
func (h *history) discard() {
	h.release(never)
}
