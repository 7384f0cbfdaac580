package payload

import "encoding/binary"

// NAL unit types: of the codec (ITU-T H.264, table 7-1) and of the payload format (RFC 6184, section 5.2).
const (
	h264IDR   = 5
	h264SPS   = 7
	h264STAPA = 24
	h264FUA   = 28
)

// H264Keyframe says whether p, an RTP payload (RFC 6184), holds a sequence parameter set or the start of
// the first slice of an IDR picture. It knows the packets of packetization modes 0 and 1: single NAL
// unit, STAP-A and FU-A. A sequence parameter set without an IDR slice counts as well: encoders that
// refresh gradually send it where a decoder may start (recovery point).
func H264Keyframe(p []byte) bool {
	if len(p) < 2 {
		return false
	}
	switch p[0] & 0x1f {
	case h264STAPA:
		return h264Aggregate(p[1:])
	case h264FUA:
		const start = 0x80
		return len(p) > 2 && p[1]&start != 0 && h264Begins(p[1]&0x1f, p[2])
	default:
		return h264Begins(p[0]&0x1f, p[1])
	}
}

// h264Aggregate looks at each unit of a STAP-A: { size u16 | NAL unit }*.
func h264Aggregate(b []byte) bool {
	for len(b) > 2 {
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if n > len(b) {
			return false
		}
		if n >= 2 && h264Begins(b[0]&0x1f, b[1]) {
			return true
		}
		b = b[n:]
	}
	return false
}

// h264Begins judges a NAL unit by its type and the byte behind its header. A slice header opens with
// first_mb_in_slice in Exp-Golomb code, which is 0, a single bit 1, in the first slice only.
func h264Begins(kind, next byte) bool {
	return kind == h264SPS || kind == h264IDR && next&0x80 != 0
}
