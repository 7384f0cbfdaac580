package egress

import (
	"encoding/binary"
	"time"

	"freshet/cluster/ring"
	"freshet/proto/payload"
	"freshet/proto/rtpq"
)

// Extensions is how many canonical header extensions rtpq numbers, from 1.
const Extensions = rtpq.ExtDependencyDescriptor

// A Form is how packets of one kind look to a viewer: what its SDP agreed on. Viewers with equal forms
// share prepared packets.
type Form struct {
	Type      uint8                 // payload type of the codec
	RED       uint8                 // payload type of RFC 2198 redundancy; 0: its packets are cut down to Opus
	Ext       [Extensions + 1]uint8 // the viewer's id of each canonical extension, 0 where it wants none
	SendTime  uint8                 // the viewer's id of abs-send-time, 0 where it wants none
	Transport uint8                 // the viewer's id of transport-wide numbers, 0 where it gives no feedback about them
	Mixed     bool                  // takes the two-byte form of header extensions (RFC 8285, extmap-allow-mixed)
}

// A prepared packet is what all viewers of one form share: header with the sequence number, timestamp,
// SSRC, transport-wide number and the picture's name left open, and what follows it. Valid until its shape is filled again.
type prepared struct {
	p         *ring.Packet
	head      []byte
	body      []byte // padding included
	transport int    // where in head the transport-wide number belongs, 0: nowhere
	picture   payload.Picture
}

// maxPadding is how much a packet is padded to let the kernel cut the frame into equal segments:
// encoders split a frame into sizes that differ by a few bytes, and a send costs more than those.
const maxPadding = 64

// A shape holds the packets of a batch, prepared for one form.
type shape struct {
	form    Form
	picture func([]byte) payload.Picture // nil where payloads do not name their picture
	refs    int                          // viewers that use it; the source's
	list    []prepared
	buf     []byte
}

// be makes s one for packets of a codec to viewers of form.
func (s *shape) be(form Form, codec string) { s.form, s.picture = form, payload.Pictures(codec) }

// fill prepares packets. now stamps abs-send-time.
func (s *shape) fill(packets []*ring.Packet, now time.Time, pad bool) {
	s.list, s.buf = s.list[:0], s.buf[:0]
	for _, p := range packets {
		if q, ok := s.prepare(p, now); ok {
			s.list = append(s.list, q)
		}
	}
	if pad {
		s.pad()
	}
}

func (s *shape) prepare(p *ring.Packet, now time.Time) (prepared, bool) {
	body, typ := p.Payload(), s.form.Type
	if p.Type == rtpq.TypeRED {
		if s.form.RED != 0 {
			typ = s.form.RED
		} else if body = primary(body); body == nil {
			return prepared{}, false
		}
	}
	at := len(s.buf)
	s.buf = append(s.buf, 0x80, typ, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	if p.Marker {
		s.buf[at+1] |= 0x80
	}
	transport := 0
	if p.Data[0]&0x10 != 0 || s.form.SendTime != 0 || s.form.Transport != 0 {
		transport = s.extend(at, p, now)
	}
	q := prepared{p: p, head: s.buf[at:len(s.buf):len(s.buf)], body: body, transport: transport}
	if s.picture != nil {
		q.picture = s.picture(body)
	}
	return q, true
}

// padding prepares a packet of type typ that is n bytes of padding.
func (s *shape) padding(typ uint8, n int) prepared {
	s.buf = append(s.buf[:0], 0xa0, typ, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	two := s.form.Transport > 14
	s.buf = append(s.buf, 0xbe, 0xde, 0, 1)
	if two {
		s.buf[12], s.buf[13] = 0x10, 0
	}
	s.buf[0] |= 0x10
	s.element(s.form.Transport, []byte{0, 0}, two)
	transport := len(s.buf) - 2
	for len(s.buf)%4 != 0 {
		s.buf = append(s.buf, 0)
	}
	head := len(s.buf)
	s.buf = append(s.buf, make([]byte, n)...)
	s.buf[len(s.buf)-1] = byte(n)
	return prepared{head: s.buf[:head:head], body: s.buf[head:], transport: transport}
}

// pad makes the packets of each frame equally long where little is missing.
func (s *shape) pad() {
	for i := 0; i < len(s.list); {
		j, longest := i, 0
		for ; j < len(s.list) && s.list[j].p.Timestamp == s.list[i].p.Timestamp; j++ {
			longest = max(longest, len(s.list[j].head)+len(s.list[j].body))
		}
		for ; i < j; i++ {
			q := &s.list[i]
			if n := longest - len(q.head) - len(q.body); n > 0 && n <= maxPadding && len(q.body) > 0 {
				at := len(s.buf)
				s.buf = append(s.buf, q.body...)
				s.buf = append(s.buf, make([]byte, n)...)
				s.buf[len(s.buf)-1] = byte(n)
				q.body = s.buf[at:len(s.buf):len(s.buf)]
				q.head[0] |= 0x20
			}
		}
	}
}

// primary returns the newest block of an RFC 2198 payload, nil where it is malformed.
func primary(b []byte) []byte {
	skip := 0
	for {
		if len(b) == 0 {
			return nil
		}
		if b[0]&0x80 == 0 {
			b = b[1:]
			break
		}
		if len(b) < 4 {
			return nil
		}
		skip += int(binary.BigEndian.Uint16(b[2:]) & 0x3ff)
		b = b[4:]
	}
	if skip >= len(b) {
		return nil
	}
	return b[skip:]
}

// extend writes the header extensions of p under the viewer's ids behind the header at s.buf[at:], and returns where
// from there the transport-wide number belongs, 0 where the form has none.
func (s *shape) extend(at int, p *ring.Packet, now time.Time) (transport int) {
	var e [Extensions + 1][]byte
	n := elements(p.Data[:p.Header], &e)
	two := false
	for id, v := range e {
		if v == nil {
			continue
		}
		long := s.form.Ext[id] > 14 || len(v) > 16 || len(v) == 0
		if s.form.Ext[id] == 0 || long && !s.form.Mixed {
			e[id], n = nil, n-1
			continue
		}
		two = two || long
	}
	if s.form.SendTime == 0 && s.form.Transport == 0 && n == 0 {
		return 0
	}
	two = two || s.form.SendTime > 14 || s.form.Transport > 14
	start := len(s.buf)
	s.buf = append(s.buf, 0xbe, 0xde, 0, 0)
	if two {
		s.buf[start], s.buf[start+1] = 0x10, 0x00
	}
	if id := s.form.Transport; id != 0 {
		s.element(id, []byte{0, 0}, two)
		transport = len(s.buf) - at - 2
	}
	if id := s.form.SendTime; id != 0 {
		t := sendTime(now)
		s.element(id, t[:], two)
	}
	for id, v := range e {
		if v != nil {
			s.element(s.form.Ext[id], v, two)
		}
	}
	for (len(s.buf)-start)%4 != 0 {
		s.buf = append(s.buf, 0)
	}
	binary.BigEndian.PutUint16(s.buf[start+2:], uint16((len(s.buf)-start)/4-1))
	s.buf[at] |= 0x10
	return transport
}

func (s *shape) element(id uint8, v []byte, two bool) {
	if two {
		s.buf = append(s.buf, id, byte(len(v)))
	} else {
		s.buf = append(s.buf, id<<4|byte(len(v)-1))
	}
	s.buf = append(s.buf, v...)
}

// elements reads the canonical header extensions of a header in the mesh's form and counts them.
func elements(head []byte, e *[Extensions + 1][]byte) (n int) {
	if head[0]&0x10 == 0 {
		return 0
	}
	b := head[min(len(head), 12+4*int(head[0]&0x0f)):]
	if len(b) < 4 {
		return 0
	}
	kind := binary.BigEndian.Uint16(b)
	b = b[4:]
	one := kind == 0xbede
	if !one && kind&0xfff0 != 0x1000 {
		return 0
	}
	for len(b) > 0 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		id, size, skip := b[0]>>4, int(b[0]&0x0f)+1, 1
		if !one {
			if len(b) < 2 {
				return n
			}
			id, size, skip = b[0], int(b[1]), 2
		} else if id == 15 {
			return n
		}
		if len(b) < skip+size {
			return n
		}
		if id <= Extensions && e[id] == nil {
			e[id] = b[skip : skip+size : skip+size]
			n++
		}
		b = b[skip+size:]
	}
	return n
}

// sendTime is now in the 6.18 fixed-point seconds of abs-send-time.
func sendTime(now time.Time) [3]byte {
	t := now.UnixNano()
	v := uint32((t%(64*int64(time.Second)))<<18/int64(time.Second)) & 0xffffff
	return [3]byte{byte(v >> 16), byte(v >> 8), byte(v)}
}
