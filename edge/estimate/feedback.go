package estimate

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// A tick is the unit of arrival times in feedback, 250 µs. As the reference time has 24 bits and counts
// 256 ticks, arrival times are 32 bits of ticks that wrap around as unsigned numbers do.
const (
	ticksPerSecond = 4000
	ticksPerMS     = ticksPerSecond / 1000
)

const (
	feedbackType   = 205 // transport layer feedback (RFC 4585, section 6.2)
	feedbackFormat = 15
	feedbackHeader = 20

	// maxStatuses is how many packets one feedback may tell of: 2 s of 20 Mbit/s, and receivers send at least
	// every 250 ms. 20 bytes could otherwise name 65,535.
	maxStatuses = 4096
)

// Errors of RTCP that a viewer sent.
var (
	ErrCompound = errors.New("malformed rtcp compound")
	ErrFeedback = errors.New("malformed transport-wide feedback")
)

// Next returns the first packet of an RTCP compound, padding included, and what follows it. It returns
// ErrCompound where the header or the length is wrong.
func Next(compound []byte) (packet, rest []byte, err error) {
	if len(compound) < 4 || compound[0]>>6 != 2 {
		return nil, nil, ErrCompound
	}
	n := 4 + 4*int(binary.BigEndian.Uint16(compound[2:]))
	if n > len(compound) {
		return nil, nil, ErrCompound
	}
	return compound[:n:n], compound[n:], nil
}

// IsFeedback says whether a packet that Next returned is transport-wide feedback.
func IsFeedback(packet []byte) bool {
	return packet[1] == feedbackType && packet[0]&0x1f == feedbackFormat
}

// A Feedback is one packet of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01,
// section 3.1). It shares the memory of the bytes it was parsed from.
type Feedback struct {
	base      uint16 // number of the first packet it tells of
	count     int    // packets that it tells of
	reference uint32 // ticks
	chunks    []byte
	deltas    []byte
}

// ParseFeedback reads a packet that Next returned and IsFeedback knows. It allocates nothing. It returns
// ErrFeedback where b ends early, uses the reserved symbol, or tells of no packet or more than maxStatuses.
func ParseFeedback(b []byte) (Feedback, error) {
	if len(b) < feedbackHeader || !IsFeedback(b) {
		return Feedback{}, ErrFeedback
	}
	if b[0]&0x20 != 0 {
		n := int(b[len(b)-1])
		if n == 0 || n > len(b)-feedbackHeader {
			return Feedback{}, ErrFeedback
		}
		b = b[:len(b)-n]
	}
	f := Feedback{
		base:      binary.BigEndian.Uint16(b[12:]),
		count:     int(binary.BigEndian.Uint16(b[14:])),
		reference: binary.BigEndian.Uint32(b[16:]) &^ 0xff, // the low byte numbers the feedback; 24 bits of 64 ms
	}
	if f.count == 0 || f.count > maxStatuses {
		return Feedback{}, ErrFeedback
	}
	body := b[feedbackHeader:]
	at, size := 0, 0
	for left := f.count; left > 0; at += 2 {
		if len(body) < at+2 {
			return Feedback{}, ErrFeedback
		}
		chunk := binary.BigEndian.Uint16(body[at:])
		n := min(left, symbols(chunk))
		bytes, ok := needs(chunk, n)
		if !ok {
			return Feedback{}, ErrFeedback
		}
		size += bytes
		left -= n
	}
	if len(body) < at+size {
		return Feedback{}, ErrFeedback
	}
	f.chunks, f.deltas = body[:at], body[at:at+size]
	return f, nil
}

// Of the kinds of chunk: a run of one symbol, 14 symbols of one bit, 7 of two.
const (
	chunkVector  = 0x8000
	chunkTwoBits = 0x4000
	chunkRun     = 0x1fff
	chunkSymbols = 0x3fff
)

// symbols returns how many packets chunk tells of at most.
func symbols(chunk uint16) int {
	switch {
	case chunk&chunkVector == 0:
		return int(chunk & chunkRun)
	case chunk&chunkTwoBits == 0:
		return 14
	}
	return 7
}

// needs returns how many bytes of deltas the first n symbols of chunk need: a symbol is the size of its
// delta, 0 for a packet that did not come. ok is false where one is the reserved 3.
func needs(chunk uint16, n int) (bytes int, ok bool) {
	switch {
	case chunk&chunkVector == 0:
		symbol := int(chunk >> 13)
		return n * symbol, symbol != 3
	case chunk&chunkTwoBits == 0:
		return bits.OnesCount16(chunk & chunkSymbols >> (14 - n)), true
	}
	v := chunk & chunkSymbols >> (14 - 2*n)
	ones, twos := v&0x1555, v>>1&0x1555
	return bits.OnesCount16(ones) + 2*bits.OnesCount16(twos), ones&twos == 0
}

// A walk goes through the packets that a Feedback tells of, in the order of their numbers.
type walk struct {
	arrival uint32 // ticks; of the last packet that came

	left   int // packets to come
	run    int // of them by the chunk under way
	chunk  uint16
	width  uint8 // bits of its symbols, shifted out at the top; 0: all the same
	chunks []byte
	deltas []byte
}

func (f *Feedback) walk() walk {
	return walk{arrival: f.reference, left: f.count, chunks: f.chunks, deltas: f.deltas}
}

// next tells whether the next packet came. ok is false behind the last one.
func (w *walk) next() (came, ok bool) {
	if w.left == 0 {
		return false, false
	}
	w.left--
	for w.run == 0 {
		w.load()
	}
	w.run--
	symbol := w.chunk >> 14
	if w.width == 1 {
		symbol = w.chunk >> 15
	}
	w.chunk <<= w.width
	switch symbol {
	case 1:
		w.arrival += uint32(w.deltas[0])
		w.deltas = w.deltas[1:]
	case 2:
		w.arrival += uint32(int32(int16(binary.BigEndian.Uint16(w.deltas))))
		w.deltas = w.deltas[2:]
	}
	return symbol != 0, true
}

// load takes the next chunk. ParseFeedback has seen to it that there is one.
func (w *walk) load() {
	chunk := binary.BigEndian.Uint16(w.chunks)
	w.chunks = w.chunks[2:]
	w.run = symbols(chunk)
	switch {
	case chunk&chunkVector == 0:
		w.chunk, w.width = chunk<<1, 0
	case chunk&chunkTwoBits == 0:
		w.chunk, w.width = chunk<<2, 1
	default:
		w.chunk, w.width = chunk<<2, 2
	}
}
