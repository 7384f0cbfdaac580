package load

import (
	"bytes"
	"encoding/binary"
	"time"
)

// A Stamp is what Raw writes at the end of each packet's payload, whatever the codec before it.
type Stamp struct {
	At    time.Time // when the packet was handed to the socket
	Count uint64    // of packets on this layer, from 0
	Frame uint64    // of pictures on this layer, from 0
	Layer uint8     // place of the layer in RawConfig.Layers
}

var stampMagic = []byte("\xf5freshet\x9c")

// StampSize is the length of a stamp in bytes.
const StampSize = 8 + 8 + 8 + 1 + 9

// Append writes s after b: it must be the end of the payload.
func (s Stamp) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.At.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, s.Count)
	b = binary.BigEndian.AppendUint64(b, s.Frame)
	return append(append(b, s.Layer), stampMagic...)
}

// ReadStamp returns the stamp at the end of an RTP payload; ok is false where there is none.
func ReadStamp(payload []byte) (s Stamp, ok bool) {
	if len(payload) < StampSize || !bytes.HasSuffix(payload, stampMagic) {
		return Stamp{}, false
	}
	b := payload[len(payload)-StampSize:]
	return Stamp{
		At:    time.Unix(0, int64(binary.BigEndian.Uint64(b))),
		Count: binary.BigEndian.Uint64(b[8:]), Frame: binary.BigEndian.Uint64(b[16:]), Layer: b[24],
	}, true
}
