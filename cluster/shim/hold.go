package shim

import "time"

const (
	maxHeld    = 64 // packets held back
	maxHeldLen = 120
	maxHeldOOB = 64 // PKTINFO and TCLASS of IPv6
	maxHold    = int64(12 * time.Millisecond)
	minHold    = int64(time.Millisecond) // the wheel is no finer
)

// A heldPacket is a small packet that waits, with its control messages.
type heldPacket struct {
	due    int64
	n      int
	oobLen int
	b      [maxHeldLen]byte
	oob    [maxHeldOOB]byte
}

// write sends what QUIC hands down, with the control messages in s.oob. Small packets, most of them
// acknowledgements, wait for hold, so that QUIC's round trip is a little longer than a repair takes; with urgent
// set they go at once, with all that wait, and twice more: they acknowledge a repaired packet.
func (s *sender) write(b []byte, now, hold int64, urgent bool) error {
	segment := s.oob.segment
	if segment >= len(b) { // quic-go names a size for a batch of one, too
		segment = 0
	}
	small := len(b) <= maxHeldLen && segment == 0
	if small && !urgent && hold >= minHold && len(s.oob.rest) <= maxHeldOOB && s.held.len() < maxHeld {
		h := s.held.push()
		h.due, h.n, h.oobLen = now+hold, copy(h.b[:], b), copy(h.oob[:], s.oob.rest)
		return nil
	}
	s.letGo(never, now)
	if err := s.emit(b, s.oob.rest, segment, now); err != nil {
		return err
	}
	if small && urgent {
		s.again(copyAck, s.next-1, now)
	}
	return nil
}

// letGo sends the packets held back until due.
func (s *sender) letGo(due, now int64) {
	for s.held.len() > 0 && s.held.front().due <= due {
		h := s.held.front()
		_ = s.emit(h.b[:h.n], h.oob[:h.oobLen], 0, now) // QUIC takes it for lost, as it would on the path
		s.held.pop()
	}
}
