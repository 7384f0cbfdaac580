package rtpq

import (
	"github.com/quic-go/quic-go/quicvarint"
)

// Kind tells what a datagram carries.
type Kind uint8

// The kinds of a datagram.
const (
	KindRTP  Kind = 1 // of a flow
	KindRTCP Kind = 2 // of a flow: NACK upstream, sender report downstream
	KindBeat Kind = 3 // flow 0; see Beat
	KindGone Kind = 4 // flow 0; see Gone
)

// First byte behind flow 0.
const (
	typeBeat = 0x01
	typeGone = 0x03
)

// Shortest packets: an RTP header, and an RTCP header with one SSRC.
const (
	minRTP  = 12
	minRTCP = 8
)

var (
	errEmpty   = malformed("datagram ends early")
	errShort   = malformed("shorter than an RTP or RTCP header")
	errVersion = malformed("not version 2 of RTP")
	errType    = malformed("unknown datagram type on flow 0")
)

// AppendDatagram appends an RTP or RTCP packet of flow (at least 1), framed as a datagram:
//
//	flow varint | packet
func AppendDatagram(dst []byte, flow uint64, packet []byte) []byte {
	return append(quicvarint.Append(dst, flow), packet...)
}

// DatagramOverhead returns the bytes that framing adds to a packet of flow.
func DatagramOverhead(flow uint64) int { return quicvarint.Len(flow) }

// ParseDatagram tells what b is. For RTP and RTCP it returns flow and packet; for BEAT and GONE flow is 0
// and packet is the body to give to Beat.Parse or Gone.Parse. packet is a part of b. RTP and RTCP are
// told apart as RFC 5761, section 4, does, and looked at no further. The error wraps ErrMalformed.
func ParseDatagram(b []byte) (flow uint64, packet []byte, kind Kind, err error) {
	flow, n, err := quicvarint.Parse(b)
	if err != nil || n == len(b) {
		return 0, nil, 0, errEmpty
	}
	packet = b[n:]
	if flow == 0 {
		kind, err = controlKind(packet[0])
		return 0, packet[1:], kind, err
	}
	switch {
	case packet[0]>>6 != 2:
		return 0, nil, 0, errVersion
	case len(packet) >= minRTCP && packet[1] >= 192 && packet[1] <= 223:
		return flow, packet, KindRTCP, nil
	case len(packet) >= minRTP:
		return flow, packet, KindRTP, nil
	}
	return 0, nil, 0, errShort
}

func controlKind(first byte) (Kind, error) {
	switch first {
	case typeBeat:
		return KindBeat, nil
	case typeGone:
		return KindGone, nil
	}
	return 0, errType
}
