package payload

// Bits of the first byte of the VP9 payload descriptor (RFC 9628, section 4.2).
const (
	vp9PictureID = 0x80 // I
	vp9Inter     = 0x40 // P
	vp9Layers    = 0x20 // L
	vp9Flexible  = 0x10 // F
	vp9Begin     = 0x08 // B: begins a frame of one spatial layer
	vp9Structure = 0x02 // V
)

// VP9Keyframe says whether p, an RTP payload (RFC 9628, flexible mode or not), begins a key frame: the
// first packet of the lowest spatial layer, predicted from nothing, whose frame header says key frame.
// An intra-only frame, which may look the same in the descriptor, is none: a decoder cannot start there.
func VP9Keyframe(p []byte) bool {
	if len(p) < 2 || p[0]&vp9Begin == 0 || p[0]&vp9Inter != 0 {
		return false
	}
	flags, rest := p[0], p[1:]
	if flags&vp9PictureID != 0 {
		const long = 0x80 // M
		if rest = skip(rest, 1+int(rest[0]&long>>7)); len(rest) == 0 {
			return false
		}
	}
	if flags&vp9Layers != 0 {
		const spatial = 0x0e // SID
		if rest[0]&spatial != 0 {
			return false
		}
		rest = skip(rest, 1)
		if flags&vp9Flexible == 0 {
			rest = skip(rest, 1) // TL0PICIDX
		}
	}
	// Reference indices stand here only where P is set.
	if flags&vp9Structure != 0 {
		rest = vp9SkipStructure(rest)
	}
	return len(rest) > 0 && vp9HeaderIsKey(rest[0])
}

// vp9SkipStructure returns what follows the scalability structure (RFC 9628, section 4.2.1), nothing
// where it does not end.
func vp9SkipStructure(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	const (
		resolutions = 0x10 // Y
		groupFrames = 0x08 // G
	)
	flags, layers := b[0], int(b[0]>>5)+1
	b = b[1:]
	if flags&resolutions != 0 {
		b = skip(b, 4*layers)
	}
	if flags&groupFrames == 0 || len(b) == 0 {
		return b
	}
	pictures := int(b[0])
	b = b[1:]
	for range pictures {
		if len(b) == 0 {
			return nil
		}
		b = skip(b, 1+int(b[0]>>2&3)) // its R reference differences
	}
	return b
}

// vp9HeaderIsKey reads the first bits of the uncompressed header (VP9 bitstream specification, section
// 6.2): frame marker 2, two bits of profile, a reserved bit in profile 3, show_existing_frame, frame_type.
func vp9HeaderIsKey(b byte) bool {
	if b>>6 != 2 {
		return false
	}
	if b&0x30 == 0x30 {
		return b&0x0e == 0
	}
	return b&0x0c == 0
}

// skip returns b without its first n bytes, nil where it has fewer.
func skip(b []byte, n int) []byte {
	if n > len(b) {
		return nil
	}
	return b[n:]
}
