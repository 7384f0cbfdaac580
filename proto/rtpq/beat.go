package rtpq

import (
	"encoding/binary"

	"github.com/quic-go/quic-go/quicvarint"
)

// maxControl bounds a datagram of our own, so that it fits the smallest path a link runs on (1,163 B).
const maxControl = 1100

// A High is the highest sequence number sent of a flow.
type High struct {
	Flow uint64
	Seq  uint16
}

// A Beat is the sign of life of an upstream node. It lets the downstream node notice a packet lost at
// the end of a burst, behind which nothing came that would show the gap.
type Beat struct {
	Time  uint32 // ms of the sender's clock; the difference of two is what counts
	Highs []High
}

// AppendBeat appends one BEAT datagram with as many of highs as fit, and returns those left over: they
// go into further datagrams, with the same time.
//
//	00 | 01 | time ms u32 | n u8 | { flow varint | highest seq u16 }*
func AppendBeat(dst []byte, time uint32, highs []High) (out []byte, rest []High) {
	start := len(dst)
	dst = append(dst, 0, typeBeat)
	dst = binary.BigEndian.AppendUint32(dst, time)
	count := len(dst)
	dst = append(dst, 0)
	for len(highs) > 0 && dst[count] < 255 && len(dst)-start+quicvarint.Len(highs[0].Flow)+2 <= maxControl {
		dst = quicvarint.Append(dst, highs[0].Flow)
		dst = binary.BigEndian.AppendUint16(dst, highs[0].Seq)
		highs = highs[1:]
		dst[count]++
	}
	return dst, highs
}

// Parse reads the body that ParseDatagram returned for KindBeat. It reuses the memory of b.Highs and
// keeps nothing of body. The error wraps ErrMalformed, and b is then of no use.
func (b *Beat) Parse(body []byte) error {
	if len(body) < 5 {
		return errEmpty
	}
	b.Time, b.Highs = binary.BigEndian.Uint32(body), b.Highs[:0]
	n, body := int(body[4]), body[5:]
	for range n {
		flow, size, err := quicvarint.Parse(body)
		if err != nil || len(body) < size+2 {
			return errEmpty
		}
		b.Highs = append(b.Highs, High{flow, binary.BigEndian.Uint16(body[size:])})
		body = body[size+2:]
	}
	return nil // what follows is from a later version
}
