package load

import (
	"github.com/pion/rtp/codecs"
	"github.com/pion/rtp/codecs/av1/obu"
)

// OBU types that matter here (AV1, section 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuTileList          = 8
	obuPadding           = 15
)

// payloadAV1 cuts a temporal unit into payloads. pion's payloader takes one OBU at a time, and on the wire
// they stand without sizes, delimiters, tile lists and padding (AV1 RTP payload format, section 5).
func payloadAV1(unit []byte) [][]byte {
	var out [][]byte
	var p codecs.AV1Payloader
	for _, o := range splitOBUs(unit) {
		out = append(out, p.Payload(payloadSize, o)...)
	}
	return out
}

// splitOBUs returns the OBUs of a temporal unit in the low-overhead format (AV1, section 5.3), without their
// sizes and without what does not travel. Where one is damaged it returns those before.
func splitOBUs(unit []byte) [][]byte {
	var out [][]byte
	for len(unit) > 0 {
		header := 1 + int(unit[0]>>2&1) // a second byte where the extension flag is set
		if len(unit) < header {
			return out
		}
		one, body := unit[:header:header], unit[header:]
		unit = nil
		if one[0]&0x02 != 0 { // has_size_field
			size, n, err := obu.ReadLeb128(body)
			if err != nil || n > uint(len(body)) || size > uint(len(body))-n {
				return out
			}
			body, unit = body[n:n+size], body[n+size:]
		}
		switch one[0] >> 3 & 0x0f {
		case obuTemporalDelimiter, obuTileList, obuPadding:
			continue
		}
		bare := append(append(make([]byte, 0, header+len(body)), one...), body...)
		bare[0] &^= 0x02
		out = append(out, bare)
	}
	return out
}
