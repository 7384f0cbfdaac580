package pion

import "bytes"

// sliceOf returns the slice of an access unit in Annex B that has one, as the clip's do, and says whether it
// is of a key frame. It shares memory with unit and is empty where there is no slice.
func sliceOf(unit []byte) (slice []byte, key bool) {
	for nal := range bytes.SplitSeq(unit, []byte{0, 0, 1}) {
		// The zero before a start code of four bytes is no part of the NAL unit before it.
		nal = bytes.TrimRight(nal, "\x00")
		if len(nal) == 0 {
			continue
		}
		switch nal[0] & 0x1f {
		case nalIDR:
			return nal, true
		case nalNonIDR:
			slice = nal
		}
	}
	return slice, false
}
