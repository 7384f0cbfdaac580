package estimate

const (
	kept = 128 // bursts: 1.1 s at 60 frames and 50 audio packets a second, in 1.5 KB a viewer

	// burstTicks is how long a burst may last: 5 ms. What is sent closer together than receivers and networks
	// can tell apart counts as sent at once.
	burstTicks = 5 * ticksPerMS

	// burstMost is how many packets a burst may have. With kept bursts it keeps numbers that are remembered
	// within half of the 16 bits, so that a number means one packet.
	burstMost = 255
)

// A burst is packets with numbers in a row that were sent at the same time. Sizes of single packets are
// not kept: the edge pads the packets of a frame to equal sizes anyway.
type burst struct {
	at    uint32 // ticks; of the first packet
	bytes uint32
	first uint16
	count uint16
}

// size is what a packet of b has on average.
func (b *burst) size() int { return int(b.bytes) / int(b.count) }

// A history remembers the newest bursts.
type history struct {
	bursts [kept]burst
	count  int    // bursts so far; the newest is number count-1
	next   uint16 // number of the next packet
}

// add notes a packet and returns its number.
func (h *history) add(at uint32, size int) uint16 {
	b := &h.bursts[uint(h.count-1)%kept]
	if h.count == 0 || at-b.at >= burstTicks || b.count == burstMost {
		b = &h.bursts[uint(h.count)%kept]
		*b = burst{at: at, first: h.next}
		h.count++
	}
	b.bytes += uint32(size)
	b.count++
	n := h.next
	h.next++
	return n
}

func (h *history) burst(i int) *burst { return &h.bursts[uint(i)%kept] }

// oldest returns which burst is the oldest that is remembered.
func (h *history) oldest() int { return max(0, h.count-kept) }

// has says whether packet n is one of burst i.
func (h *history) has(i int, n uint16) bool {
	b := h.burst(i)
	return i >= h.oldest() && i < h.count && n-b.first < b.count
}

// find returns the burst of packet n; ok is false where n was never sent, or too long ago. guess is where
// it probably is.
func (h *history) find(n uint16, guess int) (i int, ok bool) {
	if h.has(guess, n) {
		return guess, true
	}
	if h.has(guess+1, n) {
		return guess + 1, true
	}
	low, high := h.oldest(), h.count
	if high == 0 {
		return 0, false
	}
	base := h.burst(low).first
	if n-base >= h.next-base {
		return 0, false
	}
	for high-low > 1 {
		middle := int(uint(low+high) / 2)
		if h.burst(middle).first-base <= n-base {
			low = middle
		} else {
			high = middle
		}
	}
	return low, true
}
