package payload

// VP8Keyframe says whether p, an RTP payload (RFC 7741), begins a key frame.
func VP8Keyframe(p []byte) bool {
	const (
		extended   = 0x80 // X
		start      = 0x10 // S: begins a partition
		partition  = 0x07 // PID
		pictureID  = 0x80 // I
		tl0picidx  = 0x40 // L
		layerOrKey = 0x30 // T, K: one byte for both
		longID     = 0x80 // M
		interFrame = 0x01 // P of the VP8 frame tag (RFC 6386, section 9.1), inverse of what one expects
	)
	if len(p) < 2 || p[0]&start == 0 || p[0]&partition != 0 {
		return false
	}
	at := 1
	if p[0]&extended != 0 {
		flags := p[1]
		at = 2
		if flags&pictureID != 0 {
			if len(p) > at && p[at]&longID != 0 {
				at++
			}
			at++
		}
		if flags&tl0picidx != 0 {
			at++
		}
		if flags&layerOrKey != 0 {
			at++
		}
	}
	return len(p) > at && p[at]&interFrame == 0
}
