package relay

import (
	"math/bits"
	"sync/atomic"
)

// A bitset has a bit for each slot of a class. Any goroutine may set; the queue's lock guards the rest.
type bitset [maxFlows / 64]atomic.Uint64

func (b *bitset) set(i int)   { b[i/64].Or(1 << (i % 64)) }
func (b *bitset) clear(i int) { b[i/64].And(^uint64(1 << (i % 64))) }

// after returns the first bit set behind i, beginning anew at the end.
func (b *bitset) after(i int) (int, bool) {
	first := (i + 1) % maxFlows
	for n := 0; n <= len(b); n++ {
		word := (first/64 + n) % len(b)
		v := b[word].Load()
		if n == 0 {
			v &= ^uint64(0) << (first % 64)
		}
		if v != 0 {
			return word*64 + bits.TrailingZeros64(v), true
		}
	}
	return 0, false
}
