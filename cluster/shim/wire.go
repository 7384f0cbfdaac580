package shim

import "encoding/binary"

// A kind is the first byte of a packet. None of them can begin a QUIC packet, whose second highest bit is set.
//
//	byte 0      kind        bytes 1-3   stream id        bytes 4-7  sequence
//	08 DATA     09 RTX      header | QUIC packet
//	0A NACK                 header | { first u32 | count u16 }*       id of the stream asked about, sequence 0
//	0B TAIL                 header                                    sequence: the next to be sent
//	0C PING     0D PONG     header | opaque u64 | bytes u64 | packets u64    sequence as in TAIL
//	0E PAD                  header | anything                         counted and thrown away
type kind byte

const (
	kindData kind = 0x08 + iota
	kindResent
	kindNack
	kindTail
	kindPing
	kindPong
	kindPad
)

const (
	firstPlain = 0x40 // from here on a first byte is QUIC's

	headerLen = 8
	rangeLen  = 6
	pingLen   = 32
	padLen    = 1200 // as large as a packet of media, and every path carries it

	maxRanges = (padLen - headerLen) / rangeLen // in one NACK of ours
)

// A header stands before everything the layer sends. Sequence numbers and ids are per direction and address.
type header struct {
	kind kind
	id   uint32 // 24 bits
	seq  uint32
}

// put writes h to the first eight bytes of b.
func (h header) put(b []byte) {
	binary.BigEndian.PutUint32(b, uint32(h.kind)<<24|h.id)
	binary.BigEndian.PutUint32(b[4:], h.seq)
}

// parseHeader reads the header of a packet of n bytes, of which b has the first eight. It returns the reason
// to drop it where the kind is unknown or has another length.
func parseHeader(b []byte, n int) (header, dropReason) {
	if n < headerLen {
		return header{}, dropLength
	}
	v := binary.BigEndian.Uint32(b)
	h := header{kind(v >> 24), v & (1<<24 - 1), binary.BigEndian.Uint32(b[4:])}
	var ok bool
	switch h.kind {
	case kindData, kindResent:
		ok = n > headerLen
	case kindNack:
		ok = n > headerLen && (n-headerLen)%rangeLen == 0
	case kindTail:
		ok = n == headerLen
	case kindPing, kindPong:
		ok = n == pingLen
	case kindPad:
		ok = true
	default:
		return header{}, dropKind
	}
	if !ok {
		return header{}, dropLength
	}
	return h, dropNot
}

// A span is count sequence numbers from first on.
type span struct {
	first uint32
	count uint16
}

func (s span) append(b []byte) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, s.first), s.count)
}

// parseSpan reads the first span of b, the rest of a NACK.
func parseSpan(b []byte) (s span, rest []byte) {
	return span{binary.BigEndian.Uint32(b), binary.BigEndian.Uint16(b[4:])}, b[rangeLen:]
}

// An echo is what a PING or PONG says. Bytes and packets are all that came from the peer at this address,
// of every kind; zero in a PING.
type echo struct {
	opaque, bytes, packets uint64
}

// put writes e behind the header of b, which has pingLen bytes.
func (e echo) put(b []byte) {
	binary.BigEndian.PutUint64(b[headerLen:], e.opaque)
	binary.BigEndian.PutUint64(b[headerLen+8:], e.bytes)
	binary.BigEndian.PutUint64(b[headerLen+16:], e.packets)
}

// parseEcho reads what follows the header of a PING or PONG.
func parseEcho(b []byte) echo {
	return echo{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
}

// before tells whether sequence a comes before b, across the wrap.
func before(a, b uint32) bool { return int32(a-b) < 0 }
