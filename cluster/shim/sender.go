package shim

import (
	"sync"
	"syscall"
	"time"
)

const (
	budgetShare = 4   // resent bytes are at most a quarter of those sent
	budgetFloor = 400 // bytes that a smaller packet counts for: acknowledgements must be repairable too
	maxBudget   = 128 << 10
	minBudget   = 64 << 10      // to begin with
	unproven    = 8 << 10       // for an address that has not shown that it receives: some packets of a handshake
	copyReserve = maxBudget / 8 // below it only the first resend goes

	maxCopies  = maxSent
	lossWindow = int64(500 * time.Millisecond)
)

// tails are when the peer is told how far the numbers go, after the last packet.
var tails = [...]int64{int64(8 * time.Millisecond), int64(24 * time.Millisecond), int64(96 * time.Millisecond)}

// A copyOf says after which wait a packet goes once more.
type copyOf int

const (
	copySecond copyOf = iota // of a resend
	copyThird                // 10 ms behind the second
	copyAck                  // of an acknowledgement that must not be lost; the one after that is copyAckLast
	copyAckLast
	copyKinds
)

var copyAfter = [copyKinds]int64{
	copySecond:  int64(2 * time.Millisecond),
	copyThird:   int64(10 * time.Millisecond),
	copyAck:     int64(2 * time.Millisecond),
	copyAckLast: int64(6 * time.Millisecond),
}

// An outlet is where a sender's packets go.
type outlet interface {
	// transmit sends one packet, or with UDP_SEGMENT in oob a batch.
	transmit(b, oob []byte) error
	// control sends a packet of the layer's own; false where the peer may not have it.
	control(b []byte) bool
}

type sendCounts struct {
	sent, sentBytes, asked, resent, refused, paused uint64
}

type copyItem struct {
	seq uint32
	due int64
}

// A sender numbers what goes to one peer, keeps it for a second, and sends it again when asked, within a
// budget. It is pure but for its outlet: time is an argument.
type sender struct {
	sendCounts
	history
	out outlet
	id  uint32
	oob ancillary // of the packet at hand, as quic-go gave it

	off    bool // SetRepair
	proven bool
	budget int64 // bytes that may be resent
	copies [copyKinds]fifo[copyItem]
	held   fifo[heldPacket]
	last   int64 // when the last packet went
	tails  int   // TAILs since

	windowAt                int64
	windowSent, windowAsked int
	loss                    float64

	probe struct {
		left  int   // bytes
		due   int64 // of the next packet
		every int64
	}
	small [padLen]byte // for packets of the layer's own
}

func newSender(id uint32, out outlet, pool *sync.Pool) *sender {
	return &sender{id: id, out: out, history: history{pool: pool, limit: maxSentUnproven}, budget: unproven, tails: len(tails)}
}

// prove lifts the limits of an address that may be a forged one.
func (s *sender) prove() {
	if !s.proven {
		s.proven, s.limit, s.budget = true, maxSent, minBudget
	}
}

// emit numbers b, keeps it and sends it: as one packet, or as a batch of packets of segment bytes and a
// shorter last one. What could not be sent gets no number.
func (s *sender) emit(b, oob []byte, segment int, now int64) error {
	if segment == 0 || segment > len(b) {
		segment = len(b)
	}
	if len(oob) > maxOOB {
		return syscall.EINVAL
	}
	for len(b) > 0 {
		space := chunkLen - len(oob) - segmentSpace - 8
		if segment+headerLen > space {
			return syscall.EMSGSIZE
		}
		part := b[:min(len(b), space/(segment+headerLen)*segment)]
		if err := s.batch(part, oob, segment, now); err != nil {
			return err
		}
		b = b[len(part):]
	}
	return nil
}

// batch is emit for what fits into a chunk, in one system call.
func (s *sender) batch(b, oob []byte, segment int, now int64) error {
	packets := (len(b) + segment - 1) / segment
	ctl := len(oob)
	if packets > 1 {
		ctl += segmentSpace
	}
	size := len(b) + packets*headerLen
	c := s.room(ctl + size)
	base := c.used
	copy(c.b[base:], oob)
	at := base + ctl
	for i, rest := 0, b; i < packets; i++ {
		n := min(segment, len(rest))
		header{kindData, s.id, s.next + uint32(i)}.put(c.b[at:])
		copy(c.b[at+headerLen:], rest[:n])
		at += headerLen + n
		rest = rest[n:]
	}
	msg := c.b[base : base+len(oob)]
	if packets > 1 {
		msg = appendSegment(c.b[base:base+len(oob):base+ctl], segment+headerLen)
	}
	if err := s.out.transmit(c.b[base+ctl:at], msg); err != nil {
		return err
	}
	c.used = (at + 7) &^ 7 // control messages are aligned
	at = base + ctl
	for i := range packets {
		n := min(segment, len(b)-i*segment) + headerLen
		s.push(slot{c: c, at: now, off: uint16(at), n: uint16(n), oob: uint16(base), oobLen: uint8(len(oob))})
		s.earn(n)
		at += n
	}
	s.sent += uint64(packets)
	s.sentBytes += uint64(len(b))
	s.windowSent += packets
	s.last, s.tails = now, 0
	return nil
}

// earn adds what a packet of n bytes gives to the budget.
func (s *sender) earn(n int) {
	most := int64(maxBudget)
	if !s.proven {
		most = unproven
	}
	s.budget = min(s.budget+int64(max(n, budgetFloor))/budgetShare, max(most, s.budget))
}

// answer resends what a NACK asks for, at once and twice more, up to a number that was never sent: there it
// returns false. At most as many numbers are looked at as are kept.
func (s *sender) answer(b []byte, now, rtt int64) bool {
	left := len(s.slots)
	for len(b) >= rangeLen && left > 0 {
		var q span
		q, b = parseSpan(b)
		if q.count == 0 {
			return false
		}
		for i := range min(int(q.count), left) {
			seq := q.first + uint32(i)
			if !before(seq, s.next) {
				return false
			}
			s.repair(seq, now, rtt)
		}
		left -= int(q.count)
	}
	return true
}

func (s *sender) repair(seq uint32, now, rtt int64) {
	e := s.find(seq)
	if e == nil || now-e.at > keepSent || e.answered != 0 && now-e.answered < rtt*4/5 {
		return
	}
	if !e.asked {
		e.asked = true
		s.asked++
		s.windowAsked++
	}
	switch {
	case s.off:
		s.paused++
	case !s.resend(e, 0):
		s.refused++
	default:
		e.answered = now
		s.again(copySecond, seq, now)
	}
}

// resend sends e once more if that leaves reserve in the budget.
func (s *sender) resend(e *slot, reserve int64) bool {
	n := int64(e.n)
	if s.budget < n+reserve {
		return false
	}
	s.budget -= n
	s.resent++
	b := e.packet()
	b[0] = byte(kindResent)
	_ = s.out.transmit(b, e.control())
	return true
}

func (s *sender) again(which copyOf, seq uint32, now int64) {
	if q := &s.copies[which]; q.len() < maxCopies {
		*q.push() = copyItem{seq, now + copyAfter[which]}
	}
}

// tick does what is due.
func (s *sender) tick(now int64) {
	s.letGo(now, now)
	for which := range s.copies {
		q := &s.copies[which]
		for q.len() > 0 && q.front().due <= now {
			seq := q.front().seq
			q.pop()
			e := s.find(seq)
			if e == nil || s.off || !s.resend(e, copyReserve) {
				continue
			}
			if which := copyOf(which); which == copySecond || which == copyAck {
				s.again(which+1, seq, now)
			}
		}
	}
	if s.tails < len(tails) && now >= s.last+tails[s.tails] {
		s.tails++
		header{kindTail, s.id, s.next}.put(s.small[:])
		s.out.control(s.small[:headerLen])
	}
	s.pad(now)
	s.roll(now)
	if now-s.last > keepSent {
		s.release(now)
		s.held.free()
		for i := range s.copies {
			s.copies[i].free()
		}
	}
}

// due is when tick has something to do.
func (s *sender) due() int64 {
	at := never
	if s.held.len() > 0 {
		at = s.held.front().due
	}
	for i := range s.copies {
		if q := &s.copies[i]; q.len() > 0 {
			at = min(at, q.front().due)
		}
	}
	if s.tails < len(tails) {
		at = min(at, s.last+tails[s.tails])
	}
	if s.probe.left > 0 {
		at = min(at, s.probe.due)
	}
	return at
}

// roll moves the half second over which loss is counted.
func (s *sender) roll(now int64) {
	for i := 0; now-s.windowAt >= lossWindow; i++ {
		if i == 20 { // idle for so long that nothing is left
			s.windowAt = now
			s.loss = 0
			break
		}
		s.loss = max(float64(s.windowAsked)/float64(max(20, s.windowSent)), s.loss/2)
		s.windowSent, s.windowAsked = 0, 0
		s.windowAt += lossWindow
	}
}
