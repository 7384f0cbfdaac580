package rtpq

import "encoding/binary"

// Ids of the RTP header extensions (RFC 8285) that cross the mesh. The origin gives each its id here,
// whatever the publisher called it; the edge gives each the id its viewer asked for. What belongs to
// one hop (abs-send-time, transport-wide-cc, mid, rid) ends at the origin.
const (
	ExtCaptureTime          = 1 // http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time
	ExtAudioLevel           = 2 // RFC 6464
	ExtPlayoutDelay         = 3 // http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
	ExtVideoOrientation     = 4 // urn:3gpp:video-orientation
	ExtDependencyDescriptor = 5 // AV1 RTP payload format, appendix A
)

// URIs of the header extensions that cross the mesh, by id.
var ExtensionURI = map[uint8]string{
	ExtCaptureTime:          "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
	ExtAudioLevel:           "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	ExtPlayoutDelay:         "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
	ExtVideoOrientation:     "urn:3gpp:video-orientation",
	ExtDependencyDescriptor: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
}

// Payload types inside the mesh. Each flow has one codec, so one number serves all video.
const (
	TypeVideo = 96
	TypeOpus  = 111
	TypeRED   = 63 // RFC 2198 redundancy over Opus
)

// Profiles of the extension block (RFC 8285, sections 4.2 and 4.3).
const (
	oneByte = 0xBEDE
	twoByte = 0x1000 // the low four bits are for applications; we write 0 and ignore them
)

// An Extension is one element of the block.
type Extension struct {
	ID    uint8 // 1 to 14
	Value []byte
}

// A Header is what a node sets in an RTP header (RFC 3550, section 5.1). In the mesh there are no CSRCs
// and no padding.
type Header struct {
	Type      uint8
	Marker    bool
	Sequence  uint16
	Timestamp uint32
	SSRC      uint32
}

// AppendHeader appends an RTP header with the extensions, in the one-byte form where each has 1 to 16
// bytes, otherwise in the two-byte form. It leaves out an extension with another id than 1 to 14 or
// longer than 255 bytes. The payload is to follow.
func AppendHeader(dst []byte, h Header, extensions []Extension) []byte {
	start := len(dst)
	dst = append(dst, 0x80, h.Type&0x7f)
	if h.Marker {
		dst[start+1] |= 0x80
	}
	dst = binary.BigEndian.AppendUint16(dst, h.Sequence)
	dst = binary.BigEndian.AppendUint32(dst, h.Timestamp)
	dst = binary.BigEndian.AppendUint32(dst, h.SSRC)
	if out := AppendExtensions(dst, extensions); len(out) > len(dst) {
		out[start] |= 0x10
		return out
	}
	return dst
}

// AppendExtensions appends the extension block alone, as AppendHeader does: nothing where there is none
// to write. Whoever uses it sets the X bit.
func AppendExtensions(dst []byte, extensions []Extension) []byte {
	profile, any := uint16(oneByte), false
	for _, e := range extensions {
		if writable(e) {
			any = true
			if len(e.Value) == 0 || len(e.Value) > 16 {
				profile = twoByte
			}
		}
	}
	if !any {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, profile)
	dst = append(dst, 0, 0) // length, known below
	body := len(dst)
	for _, e := range extensions {
		switch {
		case !writable(e):
			continue
		case profile == oneByte:
			dst = append(dst, e.ID<<4|uint8(len(e.Value)-1))
		default:
			dst = append(dst, e.ID, uint8(len(e.Value)))
		}
		dst = append(dst, e.Value...)
	}
	for (len(dst)-body)%4 != 0 {
		dst = append(dst, 0)
	}
	binary.BigEndian.PutUint16(dst[body-2:], uint16((len(dst)-body)/4))
	return dst
}

func writable(e Extension) bool { return e.ID >= 1 && e.ID <= 14 && len(e.Value) <= 255 }

// A Scanner walks the extensions of one packet:
//
//	s := rtpq.Extensions(packet)
//	for s.Next() {
//		use(s.ID, s.Value)
//	}
//
// It allocates nothing. Value is a part of the packet. (Declared in the for clause s would be copied for
// each turn, which doubles the time.)
type Scanner struct {
	ID    uint8
	Value []byte

	rest []byte
	two  bool
}

// Extensions returns a scanner of an RTP packet, of any form and with any ids. A packet without
// extensions, or one that is malformed, has none; an element that runs past the block ends the walk.
func Extensions(packet []byte) Scanner {
	if len(packet) < minRTP || packet[0]&0xd0 != 0x90 {
		return Scanner{}
	}
	at := minRTP + 4*int(packet[0]&0x0f)
	if len(packet) < at+4 {
		return Scanner{}
	}
	profile := binary.BigEndian.Uint16(packet[at:])
	end := at + 4 + 4*int(binary.BigEndian.Uint16(packet[at+2:]))
	if len(packet) < end || profile != oneByte && profile&0xfff0 != twoByte {
		return Scanner{}
	}
	return Scanner{rest: packet[at+4 : end], two: profile != oneByte}
}

// Next moves to the next extension and says whether there is one.
func (s *Scanner) Next() bool {
	rest := s.rest
	for len(rest) > 0 && rest[0] == 0 { // padding, of one byte in both forms
		rest = rest[1:]
	}
	head, n := 0, 0
	switch {
	case len(rest) == 0:
	case s.two && len(rest) >= 2:
		head, n, s.ID = 2, int(rest[1]), rest[0]
	case !s.two && rest[0]>>4 != 0 && rest[0]>>4 != 15:
		// Id 15, and id 0 with a length, end a block of the one-byte form (RFC 8285, section 4.2).
		head, n, s.ID = 1, int(rest[0]&0x0f)+1, rest[0]>>4
	}
	if head == 0 || len(rest) < head+n {
		s.rest = nil
		return false
	}
	s.Value, s.rest = rest[head:head+n], rest[head+n:]
	return true
}
