package ingest

import (
	"encoding/binary"
	"time"

	"freshet/cluster/stream"
	"freshet/proto/payload"
	"freshet/proto/rtpq"
)

// A Packet is one packet of a publisher in the mesh's form, but for what the stream's writer alone
// knows: SSRC, sequence number and timestamp in Data are still to be set.
type Packet struct {
	Data      []byte    // nil where the publisher sent padding only: its number must be closed up
	Sequence  uint16    // the publisher's
	Timestamp uint32    // the publisher's
	At        time.Time // when it arrived
	Bytes     int       // as it arrived, padding included
	Key       bool      // first packet of a key frame
}

// slabSize is how much memory a Former takes at once: some fifty packets, so that packets cost no
// allocation each, and one that lives long in a ring holds no more than this.
const slabSize = 64 << 10

// A Mapping says how a publisher names what a Former renames. The SDP answer fixes both.
type Mapping struct {
	Types      map[uint8]uint8 // payload type to rtpq.Type*; packets of others are refused
	Extensions map[uint8]uint8 // id to rtpq.Ext*; others are left out
}

// A Former copies packets of one track into the mesh's form. The goroutine that reads the track owns it.
type Former struct {
	types    [128]uint8
	ids      [256]uint8
	keyframe func([]byte) bool
	elements []rtpq.Extension
	slab     []byte
}

// NewFormer returns a Former for a track of the codec.
func NewFormer(codec stream.Codec, m Mapping) *Former {
	f := &Former{keyframe: payload.Keyframe(codec.Name), elements: make([]rtpq.Extension, 0, len(m.Extensions))}
	for from, to := range m.Types {
		f.types[from&0x7f] = to
	}
	for from, to := range m.Extensions {
		f.ids[from] = to
	}
	return f
}

// Form returns raw, an RTP packet that arrived at the time at, in the mesh's form. It returns false
// where raw is no RTP (RFC 3550, section 5.1) or of a payload type that was not agreed on. The result
// shares no memory with raw.
func (f *Former) Form(raw []byte, at time.Time) (Packet, bool) {
	body, ok := parse(raw)
	if !ok {
		return Packet{}, false
	}
	kind := f.types[raw[1]&0x7f]
	if kind == 0 {
		return Packet{}, false
	}
	p := Packet{
		Sequence:  binary.BigEndian.Uint16(raw[2:]),
		Timestamp: binary.BigEndian.Uint32(raw[4:]),
		At:        at, Bytes: len(raw),
	}
	if len(body) == 0 {
		return p, true
	}
	p.Key = f.keyframe != nil && f.keyframe(body)

	f.elements = f.elements[:0]
	for s := rtpq.Extensions(raw); s.Next(); {
		// Repeated elements, of which there could be dozens, must not make the packet larger than it came.
		if id := f.ids[s.ID]; id != 0 && len(f.elements) < cap(f.elements) {
			f.elements = append(f.elements, rtpq.Extension{ID: id, Value: s.Value})
		}
	}
	// The two-byte form and its padding can add a few bytes to what came in the one-byte form.
	if need := len(raw) + 4*len(f.elements) + 8; cap(f.slab)-len(f.slab) < need {
		f.slab = make([]byte, 0, max(slabSize, need))
	}
	start := len(f.slab)
	f.slab = rtpq.AppendHeader(f.slab, rtpq.Header{Type: kind, Marker: raw[1]&0x80 != 0}, f.elements)
	f.slab = append(f.slab, body...)
	p.Data = f.slab[start:len(f.slab):len(f.slab)]
	return p, true
}

// stamp sets what Form left open.
func (p *Packet) stamp(ssrc uint32, seq uint16, timestamp uint32) {
	binary.BigEndian.PutUint16(p.Data[2:], seq)
	binary.BigEndian.PutUint32(p.Data[4:], timestamp)
	binary.BigEndian.PutUint32(p.Data[8:], ssrc)
}

// parse returns the payload of an RTP packet without its padding, and false where lengths do not add up.
func parse(raw []byte) (body []byte, ok bool) {
	if len(raw) < 12 || raw[0]>>6 != 2 {
		return nil, false
	}
	at := 12 + 4*int(raw[0]&0x0f)
	if raw[0]&0x10 != 0 {
		if len(raw) < at+4 {
			return nil, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(raw[at+2:]))
	}
	end := len(raw)
	if raw[0]&0x20 != 0 {
		end -= int(raw[len(raw)-1])
		if end == len(raw) { // a count of 0 does not even count itself
			return nil, false
		}
	}
	if end < at {
		return nil, false
	}
	return raw[at:end], true
}
