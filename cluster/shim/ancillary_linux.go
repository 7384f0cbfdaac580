package shim

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segmentSpace is what the control message UDP_SEGMENT takes.
var segmentSpace = unix.CmsgSpace(2)

// An ancillary is the control messages that quic-go gives with a packet, taken apart. It keeps its memory.
type ancillary struct {
	raw     []byte
	rest    []byte // all but UDP_SEGMENT: they go with resends too
	source  []byte // PKTINFO alone: from which address of this node to send
	segment int    // size of each packet of a batch, 0 where it is one packet
}

// parse takes oob apart. It costs a comparison while oob stays as it was, which is nearly always. It returns
// whether source may have changed.
func (a *ancillary) parse(oob []byte) bool {
	if bytes.Equal(oob, a.raw) {
		return false
	}
	a.raw = append(a.raw[:0], oob...)
	a.rest, a.source, a.segment = a.rest[:0], a.source[:0], 0
	for len(oob) > 0 {
		h, data, after, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		whole := oob[:len(oob)-len(after)]
		oob = after
		switch {
		case h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_SEGMENT && len(data) >= 2:
			a.segment = int(binary.NativeEndian.Uint16(data))
			continue
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO, h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO:
			a.source = append(a.source, whole...)
		}
		a.rest = append(a.rest, whole...)
	}
	return true
}

// appendSegment appends UDP_SEGMENT to b, which has the room for it.
func appendSegment(b []byte, size int) []byte {
	at := len(b)
	b = b[:at+segmentSpace]
	clear(b[at:])
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[at]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(b[at+unix.CmsgLen(0):], uint16(size))
	return b
}
