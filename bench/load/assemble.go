package load

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	av1 "github.com/pion/rtp/codecs/av1/frame"
	"github.com/pion/rtp/codecs/av1/obu"

	"freshet/cluster/stream"
	"freshet/proto/payload"
)

// assembled is one whole frame as it was received.
type assembled struct {
	data          []byte        // in the form of the codec's usual file
	at            time.Duration // RTP time since the track's first frame
	key           bool
	width, height int // of a key frame, 0 where unknown
}

// An assembler makes frames of packets that come in order.
type assembler struct {
	codec   stream.Codec
	open    bool
	broken  bool // a packet of the open frame is missing
	current assembled
	stamp   uint32 // of the open frame

	begun bool
	first uint32 // RTP time of the first frame
	ticks int64  // RTP time of the newest since then, past 32 bits
	obus  av1.AV1
	h264  codecs.H264Packet
}

// zero returns the RTP time that all times of the track are counted from.
func (a *assembler) zero(stamp uint32) uint32 {
	if !a.begun {
		a.begun, a.first = true, stamp
	}
	return a.first
}

// add takes the next packet; gap says that some between it and the one before are missing. It returns the
// frame that the packet completes, nil while there is none; damaged says that one was torn.
func (a *assembler) add(p *rtp.Packet, gap bool) (f *assembled, damaged bool) {
	if len(p.Payload) == 0 {
		return nil, false // padding, as probing sends it
	}
	if a.codec.Name == "opus" {
		a.begin(p)
		a.current.data, a.current.key = p.Payload, true
		return &a.current, gap
	}
	torn := false // what is left of a frame must not pass for one
	if a.open && (gap || p.Timestamp != a.stamp) {
		a.open, torn = false, p.Timestamp == a.stamp
		damaged = !torn // else it is counted at its end
	}
	if !a.open {
		a.begin(p)
		a.broken = torn || (gap && !a.head(p.Payload))
		a.obus, a.h264 = av1.AV1{}, codecs.H264Packet{}
	}
	a.take(p.Payload)
	if !p.Marker {
		return nil, damaged
	}
	a.open = false
	if a.broken {
		return nil, true
	}
	return &a.current, damaged
}

func (a *assembler) begin(p *rtp.Packet) {
	zero := a.zero(p.Timestamp)
	a.ticks += int64(int32(p.Timestamp - zero - uint32(a.ticks)))
	a.open, a.stamp = true, p.Timestamp
	a.current = assembled{at: time.Duration(a.ticks) * time.Second / time.Duration(a.codec.ClockRate)}
}

// head says whether p may begin a frame, as far as the codec tells.
func (a *assembler) head(p []byte) bool {
	switch a.codec.Name {
	case "VP8":
		return (&codecs.VP8Packet{}).IsPartitionHead(p)
	case "VP9":
		return (&codecs.VP9Packet{}).IsPartitionHead(p)
	case "AV1":
		return p[0]&0x80 == 0 // Z: goes on from the packet before
	case "H264":
		return p[0]&0x1f != 28 || (len(p) > 1 && p[1]&0x80 != 0) // FU-A without its start
	}
	return true
}

// take adds a payload to the open frame.
func (a *assembler) take(p []byte) {
	// pion/rtp v1.8.7, which pion/webrtc v3 holds us to, trusts some lengths of H.264 and AV1 payloads and panics
	// where they lie. That is one damaged frame, not the end of whoever plays it.
	defer func() {
		if recover() != nil {
			a.broken = true
		}
	}()
	c := &a.current
	var part []byte
	var err error
	switch a.codec.Name {
	case "VP8":
		part, err = (&codecs.VP8Packet{}).Unmarshal(p)
		if c.key = c.key || payload.VP8Keyframe(p); err == nil && c.key && len(c.data) == 0 && len(part) >= 10 {
			// RFC 6386, section 9.1: three bytes of tag, three of start code, then both sides in 14 bits.
			c.width, c.height = int(binary.LittleEndian.Uint16(part[6:])&0x3fff), int(binary.LittleEndian.Uint16(part[8:])&0x3fff)
		}
	case "VP9":
		var v codecs.VP9Packet
		part, err = v.Unmarshal(p)
		c.key = c.key || payload.VP9Keyframe(p)
		if n := len(v.Width); err == nil && n > 0 && len(v.Height) == n {
			c.width, c.height = int(v.Width[n-1]), int(v.Height[n-1])
		}
	case "H264":
		part, err = a.h264.Unmarshal(p)
		c.key = c.key || payload.H264Keyframe(p)
		if s, ok := findSPS(part); err == nil && ok {
			c.width, c.height = s.width, s.height
		}
	case "AV1":
		c.key = c.key || payload.AV1Keyframe(p)
		part, err = a.takeAV1(p)
	}
	if err != nil {
		a.broken = true
		return
	}
	c.data = append(c.data, part...)
}

// takeAV1 returns the OBUs that p completes, with sizes, as files have them.
func (a *assembler) takeAV1(p []byte) ([]byte, error) {
	var packet codecs.AV1Packet
	if _, err := packet.Unmarshal(p); err != nil {
		return nil, err
	}
	list, err := a.obus.ReadFrames(&packet)
	if err != nil {
		return nil, err
	}
	var out []byte
	if len(a.current.data) == 0 {
		out = append(out, obuTemporalDelimiter<<3|0x02, 0)
	}
	for _, o := range list {
		header := 1
		if len(o) > 0 {
			header += int(o[0] >> 2 & 1)
		}
		if len(o) < header || o[0]&0x02 != 0 {
			out = append(out, o...) // it has its size already, or is too short for one
			continue
		}
		out = append(out, o[0]|0x02)
		out = append(out, o[1:header]...)
		out = append(out, obu.WriteToLeb128(uint(len(o)-header))...)
		out = append(out, o[header:]...)
	}
	return out, nil
}

// findSPS returns the sequence parameter set at the beginning of b, which is Annex B.
func findSPS(b []byte) (sps, bool) {
	if len(b) < 8 || b[4]&0x1f != 7 {
		return sps{}, false
	}
	end := len(b)
	for i := 4; i+4 <= len(b); i++ {
		if b[i] == 0 && b[i+1] == 0 && b[i+2] == 0 && b[i+3] == 1 {
			end = i
			break
		}
	}
	s, err := parseSPS(b[4:end])
	return s, err == nil
}
