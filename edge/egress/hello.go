package egress

import "encoding/binary"

// Limits of a ClientHello that is still being put together. Chromium's takes two datagrams.
const (
	maxHello     = 8 << 10
	maxFragments = 8
)

const (
	recordHandshake   = 22
	recordAlert       = 21
	recordHeader      = 13
	handshakeHeader   = 12
	helloType         = 1
	extensionUseSRTP  = 14 // RFC 5764
	profileGCM128     = 0x0007
	profileCM128SHA80 = 0x0001
)

// A hello puts the first message of a DTLS handshake together: which SRTP protection the viewer knows
// must be read before the handshake begins, because pion/dtls would follow the viewer's order.
type hello struct {
	datagrams [][]byte // as they came, for the handshake
	sequence  uint16
	body      []byte
	have      []bool // by byte
	missing   int
}

// add takes a datagram from the viewer. It returns true once the ClientHello is complete. What is no
// part of one is ignored.
func (h *hello) add(b []byte) (whole bool) {
	if len(h.datagrams) == maxFragments {
		*h = hello{}
	}
	used := false
	for rest := b; len(rest) >= recordHeader; {
		n := recordHeader + int(binary.BigEndian.Uint16(rest[11:]))
		if n > len(rest) {
			break
		}
		if rest[0] == recordHandshake && rest[3] == 0 && rest[4] == 0 {
			used = h.fragments(rest[recordHeader:n], used)
		}
		rest = rest[n:]
	}
	if used {
		h.datagrams = append(h.datagrams, append([]byte(nil), b...))
	}
	return h.whole()
}

func (h *hello) whole() bool { return h.body != nil && h.missing == 0 }

// fragments takes the handshake messages of one record; used says whether the datagram had some before.
// A datagram begins one hello at most: each takes memory, and hundreds fit into it.
func (h *hello) fragments(b []byte, used bool) bool {
	for len(b) >= handshakeHeader {
		total, sequence := uint24(b[1:]), binary.BigEndian.Uint16(b[4:])
		from, size := uint24(b[6:]), uint24(b[9:])
		kind := b[0]
		b = b[handshakeHeader:]
		if size > len(b) || kind != helloType || total > maxHello || from+size > total {
			return used
		}
		if h.body == nil || len(h.body) != total || h.sequence != sequence {
			if used {
				return used
			}
			*h = hello{sequence: sequence, body: make([]byte, total), have: make([]bool, total), missing: total}
		}
		copy(h.body[from:], b[:size])
		for i := from; i < from+size; i++ {
			if !h.have[i] {
				h.have[i] = true
				h.missing--
			}
		}
		used = true
		b = b[size:]
	}
	return used
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// offers says whether the body of a ClientHello (RFC 6347, section 4.2.1) names an SRTP protection
// profile in use_srtp (RFC 5764).
func offers(body []byte, profile uint16) bool {
	c := cursor{b: body}
	c.take(2 + 32)    // version, random
	c.take(c.uint8()) // session id
	c.take(c.uint8()) // cookie
	c.take(c.uint16())
	c.take(c.uint8())
	ext := cursor{b: c.take(c.uint16())}
	for !c.short && !ext.short && len(ext.b) > 0 {
		kind := ext.uint16()
		e := cursor{b: ext.take(ext.uint16())}
		if kind != extensionUseSRTP || ext.short {
			continue
		}
		list := e.take(e.uint16())
		for ; !e.short && len(list) >= 2; list = list[2:] {
			if binary.BigEndian.Uint16(list) == profile {
				return true
			}
		}
		return false
	}
	return false
}

// A cursor reads lengths and what they announce. Once something was missing it is short for good.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if c.short || n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	t := c.b[:n]
	c.b = c.b[n:]
	return t
}

func (c *cursor) uint8() int {
	if t := c.take(1); t != nil {
		return int(t[0])
	}
	return 0
}

func (c *cursor) uint16() int {
	if t := c.take(2); t != nil {
		return int(binary.BigEndian.Uint16(t))
	}
	return 0
}
