package load

import (
	"errors"
	"fmt"
)

var errSPS = errors.New("the sequence parameter set is damaged")

// sps is what is of use in an H.264 sequence parameter set (H.264, section 7.3.2.1.1).
type sps struct {
	profile, constraints, level uint8
	width, height               int
	rate                        float64 // frames a second; 0 where it does not say
}

// fmtp says the profile as browsers write it, so that the other end's comparison of strings comes out right:
// constrained baseline is 42e0, whatever further constraints the encoder claims (RFC 6184, section 8.1).
func (s sps) fmtp() string {
	iop := s.constraints
	if s.profile == 0x42 && iop&0x40 != 0 {
		iop = 0xe0
	}
	return fmt.Sprintf("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=%02x%02x%02x", s.profile, iop, s.level)
}

// parseSPS reads the set in nal, header byte included.
func parseSPS(nal []byte) (sps, error) {
	if len(nal) < 4 || nal[0]&0x1f != 7 {
		return sps{}, errSPS
	}
	b := &bits{data: unescape(nal), pos: 8}
	s := sps{profile: uint8(b.u(8)), constraints: uint8(b.u(8)), level: uint8(b.u(8))}
	b.ue() // seq_parameter_set_id
	chroma := uint32(1)
	switch s.profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128:
		if chroma = b.ue(); chroma == 3 {
			b.u(1)
		}
		b.ue()
		b.ue()
		b.u(1)
		if b.u(1) == 1 {
			skipScaling(b, chroma)
		}
	}
	b.ue() // log2_max_frame_num_minus4
	switch b.ue() {
	case 0:
		b.ue()
	case 1:
		b.u(1)
		b.ue()
		b.ue()
		for n := min(b.ue(), 255); n > 0; n-- {
			b.ue()
		}
	}
	b.ue() // max_num_ref_frames
	b.u(1)
	wide, high := b.ue()+1, b.ue()+1
	frames := b.u(1) // 0: fields, each half as high
	if frames == 0 {
		b.u(1)
	}
	b.u(1)
	var left, right, top, bottom uint32
	if b.u(1) == 1 {
		left, right, top, bottom = b.ue(), b.ue(), b.ue(), b.ue()
	}
	if b.u(1) == 1 {
		s.rate = vuiRate(b)
	}
	if b.err != nil || wide > 1024 || high > 1024 {
		return sps{}, errSPS
	}
	cropX, cropY := uint32(2), uint32(2)
	if chroma == 0 || chroma == 3 {
		cropX, cropY = 1, 1
	} else if chroma == 2 {
		cropY = 1
	}
	s.width = int(wide*16) - int(cropX*(left+right))
	s.height = int((2-frames)*high*16) - int((2-frames)*cropY*(top+bottom))
	if s.width <= 0 || s.height <= 0 {
		return sps{}, errSPS
	}
	return s, nil
}

// vuiRate reads the usability information (annex E) as far as the time of a frame.
func vuiRate(b *bits) float64 {
	if b.u(1) == 1 && b.u(8) == 255 { // aspect ratio, written out
		b.u(32)
	}
	if b.u(1) == 1 { // overscan
		b.u(1)
	}
	if b.u(1) == 1 { // video signal
		b.u(4)
		if b.u(1) == 1 {
			b.u(24)
		}
	}
	if b.u(1) == 1 { // chroma location
		b.ue()
		b.ue()
	}
	if b.u(1) == 0 {
		return 0
	}
	units, scale := b.u(32), b.u(32)
	rate := float64(scale) / float64(units) / 2 // a frame is two ticks
	if b.err != nil || units == 0 || rate < 1 || rate > 240 {
		return 0
	}
	return rate
}

func skipScaling(b *bits, chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if b.u(1) == 0 {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int32(8), int32(8)
		for range size {
			if next != 0 {
				next = (last + b.se()) & 0xff
			}
			if next != 0 {
				last = next
			}
		}
	}
}

// bits reads big-endian bits; after the end it gives zeros and err is set.
type bits struct {
	data []byte
	pos  int
	err  error
}

// u reads n bits, at most 32.
func (b *bits) u(n int) (v uint32) {
	for range n {
		v <<= 1
		if b.pos>>3 >= len(b.data) {
			b.err = errSPS
			continue
		}
		v |= uint32(b.data[b.pos>>3]>>(7-b.pos&7)) & 1
		b.pos++
	}
	return v
}

// ue reads an unsigned, se a signed Exp-Golomb code (H.264, section 9.1).
func (b *bits) ue() uint32 {
	zeros := 0
	for b.u(1) == 0 && b.err == nil {
		if zeros++; zeros > 31 {
			b.err = errSPS
		}
	}
	if b.err != nil {
		return 0
	}
	return 1<<zeros - 1 + b.u(zeros)
}

func (b *bits) se() int32 {
	v := b.ue()
	if v&1 == 1 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}

// unescape returns nal without its emulation prevention bytes (H.264, section 7.4.1).
func unescape(nal []byte) []byte {
	out := make([]byte, 0, len(nal))
	zeros := 0
	for _, c := range nal {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}
