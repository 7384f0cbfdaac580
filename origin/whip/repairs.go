package whip

import (
	"sync/atomic"
	"time"
)

const (
	// repairsKept of a flow: what may be lost within repairLife at the bitrate limit, and no search.
	repairsKept = 1024
	// repairLife outlasts the nackTries of a packet, and is far less than its number takes to come again.
	repairLife = 2 * time.Second
)

// repairs are the packets of a flow that came by retransmission (RFC 4588). pion puts those in their place
// above its NACK generator, which does not see them and would go on asking: up to nackTries times for each
// loss, on a path that loses packets already. Any goroutine may use it.
type repairs [repairsKept]atomic.Uint64 // unix milliseconds, and the number in the low 16 bits

func (r *repairs) add(seq uint16, now time.Time) {
	r[seq%repairsKept].Store(uint64(now.UnixMilli())<<16 | uint64(seq))
}

// has says whether packet seq came by retransmission within repairLife before now.
func (r *repairs) has(seq uint16, now time.Time) bool {
	v := r[seq%repairsKept].Load()
	return uint16(v) == seq && now.UnixMilli()-int64(v>>16) < repairLife.Milliseconds()
}

// repaired says whether a packet of the publisher came by retransmission.
func (s *session) repaired(ssrc uint32, seq uint16) bool {
	for i := range s.media {
		if s.media[i].Load() == ssrc {
			return s.repairs[i].has(seq, time.Now())
		}
	}
	return false
}
