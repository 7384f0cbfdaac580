package rtpq

import (
	"encoding/binary"

	"github.com/quic-go/quic-go/quicvarint"
)

// A Span is a run of sequence numbers: First and the Count-1 behind it.
type Span struct {
	First uint16
	Count uint8
}

// A Gone tells the downstream node which packets of a flow it will not get: shed, aged, or never here.
// It must not ask for them again.
type Gone struct {
	Flow  uint64
	Spans []Span
}

// AppendGone appends one GONE datagram with as many of spans as fit, and returns those left over.
//
//	00 | 03 | flow varint | n u8 | { first seq u16 | count u8 }*
func AppendGone(dst []byte, flow uint64, spans []Span) (out []byte, rest []Span) {
	dst = quicvarint.Append(append(dst, 0, typeGone), flow)
	n := min(len(spans), 255) // which is less than maxControl whatever flow is
	dst = append(dst, uint8(n))
	for _, s := range spans[:n] {
		dst = append(binary.BigEndian.AppendUint16(dst, s.First), s.Count)
	}
	return dst, spans[n:]
}

// AppendSpans appends the runs of seqs, which must be in ascending order (RFC 1982), to dst.
func AppendSpans(dst []Span, seqs []uint16) []Span {
	for _, s := range seqs {
		if n := len(dst); n > 0 && dst[n-1].Count < 255 && s == dst[n-1].First+uint16(dst[n-1].Count) {
			dst[n-1].Count++
			continue
		}
		dst = append(dst, Span{s, 1})
	}
	return dst
}

// Parse reads the body that ParseDatagram returned for KindGone. It reuses the memory of g.Spans and
// keeps nothing of body. The error wraps ErrMalformed, and g is then of no use.
func (g *Gone) Parse(body []byte) error {
	flow, size, err := quicvarint.Parse(body)
	if err != nil || len(body) < size+1 {
		return errEmpty
	}
	n, body := int(body[size]), body[size+1:]
	if flow == 0 || len(body) < 3*n {
		return errEmpty
	}
	g.Flow, g.Spans = flow, g.Spans[:0]
	for i := range n {
		g.Spans = append(g.Spans, Span{binary.BigEndian.Uint16(body[3*i:]), body[3*i+2]})
	}
	return nil
}
