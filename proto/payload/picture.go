package payload

import "encoding/binary"

// A Picture is how an RTP payload names the picture that it is part of. Layers of simulcast and encoders that begin anew
// count by themselves; a receiver that is switched from one to another must see one count.
type Picture struct {
	At   int    // where the picture's number stands, 0: nowhere
	Long bool   // it has 15 bits in two bytes, else 7
	ID   uint16 // the number
	Base int    // where the number of the base layer's picture stands (TL0PICIDX), 0: nowhere
	TL0  uint8
}

// Pictures returns the function that reads the picture's name for a video codec by its name in SDP, nil where payloads
// have none.
func Pictures(codec string) func([]byte) Picture {
	switch codec {
	case "VP8":
		return VP8Picture
	case "VP9":
		return VP9Picture
	}
	return nil
}

// VP8Picture reads p, an RTP payload (RFC 7741, section 4.2).
func VP8Picture(p []byte) (q Picture) {
	const (
		extended  = 0x80 // X
		pictureID = 0x80 // I
		tl0picidx = 0x40 // L
	)
	if len(p) < 3 || p[0]&extended == 0 || p[1]&pictureID == 0 {
		return Picture{}
	}
	at := q.number(p, 2)
	if p[1]&tl0picidx != 0 {
		q.base(p, at)
	}
	return q
}

// VP9Picture reads p, an RTP payload (RFC 9628, section 4.2).
func VP9Picture(p []byte) (q Picture) {
	if len(p) < 2 || p[0]&vp9PictureID == 0 {
		return Picture{}
	}
	at := q.number(p, 1)
	if p[0]&vp9Layers != 0 && p[0]&vp9Flexible == 0 {
		q.base(p, at+1)
	}
	return q
}

// number reads the picture's number at p[at:] and returns where what follows stands.
func (q *Picture) number(p []byte, at int) (next int) {
	const long = 0x80 // M
	if p[at]&long == 0 {
		q.At, q.ID = at, uint16(p[at])
		return at + 1
	}
	if len(p) < at+2 {
		return len(p)
	}
	q.At, q.Long, q.ID = at, true, binary.BigEndian.Uint16(p[at:])&0x7fff
	return at + 2
}

func (q *Picture) base(p []byte, at int) {
	if q.At > 0 && at < len(p) {
		q.Base, q.TL0 = at, p[at]
	}
}

// Rename writes other numbers over those of q in p, the payload that q was read from.
func (q *Picture) Rename(p []byte, id uint16, tl0 uint8) {
	switch {
	case q.At == 0:
		return
	case q.Long:
		binary.BigEndian.PutUint16(p[q.At:], 0x8000|id)
	default:
		p[q.At] = uint8(id & 0x7f)
	}
	if q.Base > 0 {
		p[q.Base] = tl0
	}
}
