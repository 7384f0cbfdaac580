package load

import (
	"encoding/binary"
	"errors"
)

var errAVC = errors.New("the H.264 in this file is damaged")

// avcConfig is what Matroska and MP4 keep beside H.264 whose units have lengths instead of start codes
// (ISO/IEC 14496-15, section 5.3.3).
type avcConfig struct {
	fmtp   string
	length int    // bytes of each unit's length
	sets   []byte // parameter sets as Annex B
}

func parseAVCConfig(b []byte) (avcConfig, error) {
	if len(b) < 7 || b[0] != 1 {
		return avcConfig{}, errAVC
	}
	c := avcConfig{length: int(b[4]&3) + 1}
	rest := b[5:]
	for _, mask := range []byte{0x1f, 0xff} { // sequence sets, then picture sets
		if len(rest) == 0 {
			return avcConfig{}, errAVC
		}
		n := int(rest[0] & mask)
		rest = rest[1:]
		for range n {
			if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
				return avcConfig{}, errAVC
			}
			size := int(binary.BigEndian.Uint16(rest))
			set := rest[2 : 2+size]
			rest = rest[2+size:]
			c.sets = append(append(c.sets, 0, 0, 0, 1), set...)
			if mask == 0x1f && c.fmtp == "" {
				s, err := parseSPS(set)
				if err != nil {
					return avcConfig{}, err
				}
				c.fmtp = s.fmtp()
			}
		}
	}
	if c.fmtp == "" {
		return avcConfig{}, errAVC
	}
	return c, nil
}

// annexB returns the access unit with start codes, its parameter sets before a key frame.
func (c avcConfig) annexB(unit []byte) ([]byte, error) {
	out := make([]byte, 0, len(unit)+len(c.sets)+16)
	sets := c.sets
	for len(unit) > 0 {
		if len(unit) < c.length {
			return nil, errAVC
		}
		size := 0
		for _, b := range unit[:c.length] {
			size = size<<8 | int(b)
		}
		unit = unit[c.length:]
		if size > len(unit) {
			return nil, errAVC
		}
		if size == 0 {
			continue
		}
		switch unit[0] & 0x1f {
		case 5:
			out, sets = append(out, sets...), nil
		case 7:
			sets = nil // the unit brings its own
		}
		out = append(append(out, 0, 0, 0, 1), unit[:size]...)
		unit = unit[size:]
	}
	return out, nil
}
