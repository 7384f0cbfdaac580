package egress

import (
	"encoding/binary"
	"time"
)

const (
	tickSize = 250 * time.Microsecond // of transport-wide feedback

	// tellsAfter is how long ago what is told of was sent, so that it surely was; an edge remembers 1.6 s.
	tellsAfter = 200 * time.Millisecond

	tellsLeast, tellsMost = 20, 1000 // packets in one feedback: a delta has 64 ms, and a number must mean one packet
)

// A teller makes the transport-wide feedback of a viewer that reads a packet now and then: all came, evenly spread. The
// newest number that it read says where the sender was then, and the rate of the load where it is by now.
type teller struct {
	known  bool // number and at are
	number uint16
	at     time.Time // about when it came

	begun bool
	next  uint16 // the first that was not told of yet
	to    time.Time
	count uint8 // feedbacks
}

// saw takes number n, which came at about at.
func (t *teller) saw(n uint16, at time.Time) { t.known, t.number, t.at = true, n, at }

// append adds the feedback that is due at now to the compound b; nothing, where no number was seen since the last
// one. Arrival times count from begun.
func (t *teller) append(b []byte, own, media uint32, now, begun time.Time) []byte {
	if !t.known {
		return b
	}
	t.known = false
	end := t.number + 1
	if since := now.Sub(t.at) - tellsAfter; since > 0 {
		end += uint16(since.Seconds() * packetsASecond)
	}
	base, from, to := t.next, t.to, now.Add(-tellsAfter)
	n := int(int16(end - base))
	if t.begun && n >= 0 && n < tellsLeast {
		return b // with the next one
	}
	told := t.begun && n <= tellsMost && n > 0
	t.begun, t.next, t.to = true, end, to
	if !told {
		return b
	}
	t.count++
	return appendArrived(b, own, media, base, n, from.Sub(begun), to.Sub(begun), t.count)
}

// appendArrived adds the transport-wide feedback that n packets from number base on came, evenly spread from one moment
// to another (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).
func appendArrived(b []byte, own, media uint32, base uint16, n int, from, to time.Duration, count uint8) []byte {
	arrival := func(i int) int64 { return int64((from + (to-from)*time.Duration(i+1)/time.Duration(n)) / tickSize) }
	at := len(b)
	b = append(b, 0x80|15, 205, 0, 0)
	b = binary.BigEndian.AppendUint32(b, own)
	b = binary.BigEndian.AppendUint32(b, media)
	b = binary.BigEndian.AppendUint16(b, base)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	reference := arrival(0) >> 8
	b = binary.BigEndian.AppendUint32(b, uint32(reference)<<8|uint32(count))
	b = binary.BigEndian.AppendUint16(b, 1<<13|uint16(n)) // a run of small deltas
	for i, last := 0, reference<<8; i < n; i++ {
		b = append(b, byte(arrival(i)-last))
		last = arrival(i)
	}
	if padding := (4 - (len(b)-at)%4) % 4; padding > 0 {
		b[at] |= 0x20
		b = append(b, make([]byte, padding)...)
		b[len(b)-1] = byte(padding)
	}
	binary.BigEndian.PutUint16(b[at+2:], uint16((len(b)-at)/4-1))
	return b
}
