//go:build !linux

package shim

import "bytes"

const segmentSpace = 0

// An ancillary is the control messages that quic-go gives with a packet. Without UDP_SEGMENT there is nothing
// to take apart.
type ancillary struct {
	raw     []byte
	rest    []byte
	source  []byte
	segment int
}

func (a *ancillary) parse(oob []byte) bool {
	if bytes.Equal(oob, a.raw) {
		return false
	}
	a.raw = append(a.raw[:0], oob...)
	a.rest = a.raw
	return true
}

func appendSegment(b []byte, _ int) []byte { return b }
