package payload

// OBU types (AV1 specification, section 6.2.2).
const (
	av1Sequence    = 1
	av1FrameHeader = 3
	av1Frame       = 6
)

// AV1Keyframe says whether p, an RTP payload (AV1 RTP payload format, section 4.4), begins a coded video
// sequence. Senders say so in the N bit; for those that do not, a sequence header with a key frame
// behind it in the same packet counts too. A sequence header alone does not: it may be repeated anywhere.
func AV1Keyframe(p []byte) bool {
	const (
		continued = 0x80 // Z: the first element goes on from the packet before
		begins    = 0x08 // N
	)
	if len(p) < 2 || p[0]&continued != 0 {
		return false
	}
	if p[0]&begins != 0 {
		return true
	}
	count, rest := int(p[0]>>4&3), p[1:]
	sequence := false
	for i := 1; len(rest) > 0; i++ {
		var element []byte
		if element, rest = av1Element(rest, i == count); len(element) == 0 {
			return false
		}
		switch kind, content := av1OBU(element); kind {
		case av1Sequence:
			sequence = true
		case av1FrameHeader, av1Frame:
			// The frame header opens with show_existing_frame, 1 bit, and frame_type, 2 bits: 0 is key.
			return sequence && len(content) > 0 && content[0]&0xe0 == 0
		}
	}
	return false
}

// av1Element cuts the next OBU element off b. Where it is the last of a counted row it has no length of
// its own. It returns nothing where the length is malformed or past the packet.
func av1Element(b []byte, last bool) (element, rest []byte) {
	if last {
		return b, nil
	}
	n, size := leb128(b)
	if size == 0 || n > uint64(len(b)-size) {
		return nil, nil
	}
	return b[size : size+int(n)], b[size+int(n):]
}

// av1OBU reads the header of an OBU (AV1 specification, section 5.3.2) and returns what follows it.
func av1OBU(b []byte) (kind byte, content []byte) {
	const (
		extension = 0x04
		hasSize   = 0x02
	)
	kind = b[0] >> 3 & 0x0f
	content = b[1:]
	if b[0]&extension != 0 {
		content = skip(content, 1)
	}
	if b[0]&hasSize != 0 {
		_, size := leb128(content)
		content = skip(content, size)
	}
	return kind, content
}

// leb128 reads an unsigned number (AV1 specification, section 4.10.5) and its size in bytes, which is 0
// where b ends early or the number has more than 8 bytes.
func leb128(b []byte) (n uint64, size int) {
	for i := range min(len(b), 8) {
		n |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return n, i + 1
		}
	}
	return 0, 0
}
