package load

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

// A rawLayer is written by Run alone, but for its counters.
type rawLayer struct {
	RawLayer
	index    uint8
	local    *webrtc.TrackLocalStaticRTP
	mid      string
	ids      struct{ mid, rid, capture uint8 }
	sequence uint16
	base     uint32
	count    uint64
	picture  uint64
	answered int64 // requests that a key frame has been sent for
	leaving  []drawn
	due      time.Duration // when the next packet of leaving goes, since the session began

	packets, pictures, keys, skipped atomic.Int64
	asked                            feedback
}

// leavingMost bounds the pictures on their way out: many key frames asked for in a row bring more than the
// pace lets out, and then pictures fall away, as encoders have it.
const leavingMost = 8

// A drawn is a picture on its way out.
type drawn struct {
	at      time.Duration // when it was taken
	number  uint64
	key     bool
	packets int // in all
	sent    int
}

func (l *rawLayer) stats() RawLayerStats {
	return RawLayerStats{
		Packets: l.packets.Load(), Pictures: l.pictures.Load(), KeyFrames: l.keys.Load(), Skipped: l.skipped.Load(),
		PLI: l.asked.pli.Load(), FIR: l.asked.fir.Load(), NACK: l.asked.lost.Load(),
		TWCC: l.asked.twcc.Load(), Reports: l.asked.reports.Load(),
	}
}

func (l *rawLayer) track(codec webrtc.RTPCodecCapability, id string) (err error) {
	var options []func(*webrtc.TrackLocalStaticRTP)
	if l.RID != "" {
		options = append(options, webrtc.WithRTPStreamID(l.RID))
	}
	l.sequence, l.base = start()
	l.local, err = webrtc.NewTrackLocalStaticRTP(codec, id, "raw", options...)
	return err
}

func (l *rawLayer) add(pc *webrtc.PeerConnection, codec webrtc.RTPCodecCapability, id string) (*webrtc.RTPTransceiver, error) {
	if err := l.track(codec, id); err != nil {
		return nil, err
	}
	return pc.AddTransceiverFromTrack(l.local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
}

func (l *rawLayer) agreed(tr *webrtc.RTPTransceiver) {
	exts := tr.Sender().GetParameters().HeaderExtensions
	l.mid = tr.Mid()
	l.ids.mid = extensionID(exts, sdp.SDESMidURI)
	l.ids.rid = extensionID(exts, sdp.SDESRTPStreamIDURI)
	l.ids.capture = extensionID(exts, absCapture)
}

// Bytes of the VP8 payload descriptor with a 15-bit picture id (RFC 7741, section 4.2), and of the header of
// a key frame (RFC 6386, section 9.1).
const (
	vp8Header    = 4
	vp8KeyHeader = 10
)

// draw makes a picture taken at: a key frame where key says so, it is the first, or (onAsk) one was asked for.
func (l *rawLayer) draw(at time.Duration, key, onAsk bool) {
	asked := l.asked.pli.Load() + l.asked.fir.Load()
	key = key || l.picture == 0 || onAsk && asked > l.answered
	if len(l.leaving) == leavingMost {
		l.skipped.Add(1)
		return
	}
	p := drawn{at: at, number: l.picture, key: key, packets: l.Packets}
	if key {
		l.answered, p.packets = asked, l.KeyPackets
	}
	if len(l.leaving) == 0 {
		l.due = max(l.due, at) // of a picture that is still leaving the last packet goes first
	}
	l.leaving = append(l.leaving, p)
	l.picture++
}

// sendDue sends what leaves by now, pace bits a second of it, or all where pace is 0.
func (l *rawLayer) sendDue(now time.Duration, pace int) error {
	for len(l.leaving) > 0 && l.due <= now {
		p := &l.leaving[0]
		if err := l.sendPacket(p); err != nil {
			return err
		}
		if pace > 0 {
			l.due += time.Duration(l.Size*8) * time.Second / time.Duration(pace)
		}
		if p.sent == p.packets {
			l.pictures.Add(1)
			if p.key {
				l.keys.Add(1)
			}
			l.leaving = append(l.leaving[:0], l.leaving[1:]...)
		}
	}
	return nil
}

// sendPacket sends the next packet of p.
func (l *rawLayer) sendPacket(p *drawn) error {
	b := make([]byte, vp8Header, l.Size)
	b[0], b[1] = 0x80, 0x80 // X; I
	binary.BigEndian.PutUint16(b[2:], 0x8000|uint16(p.number&0x7fff))
	if p.sent == 0 {
		b[0] |= 0x10 // S: begins a partition
		b = l.begin(b, p.key)
	}
	p.sent++
	return l.send(b, l.base+uint32(p.at.Microseconds()*90/1000), p.number, p.sent == p.packets)
}

// begin appends the beginning of a picture's data.
func (l *rawLayer) begin(b []byte, key bool) []byte {
	switch {
	case key && len(l.Key) > 0:
		return append(b, l.Key...)
	case !key && len(l.Delta) > 0:
		return append(b, l.Delta...)
	case key:
		b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a) // shown, a key frame; the start code
		b = binary.LittleEndian.AppendUint16(b, uint16(l.Width))
		return binary.LittleEndian.AppendUint16(b, uint16(l.Height))
	}
	return append(b, 0x11, 0, 0) // shown, not a key frame
}

func (l *rawLayer) sendSound(at time.Duration) error {
	b := append(make([]byte, 0, l.Size), 0xfc) // Opus: CELT, 20 ms, stereo, one frame (RFC 6716, section 3.1)
	number := l.picture
	l.picture++
	l.pictures.Add(1)
	return l.send(b, l.base+uint32(at.Microseconds()*48/1000), number, false)
}

// send fills payload, of picture number, up to the layer's size, stamps and sends it.
func (l *rawLayer) send(payload []byte, stamp uint32, number uint64, marker bool) error {
	p := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: l.sequence, Timestamp: stamp, Marker: marker}}
	if l.RID != "" && l.ids.rid != 0 {
		if err := p.SetExtension(l.ids.rid, []byte(l.RID)); err != nil {
			return err
		}
		if err := p.SetExtension(l.ids.mid, []byte(l.mid)); err != nil {
			return err
		}
	}
	payload = append(payload, make([]byte, l.Size-StampSize-len(payload))...)
	now := time.Now()
	if l.ids.capture != 0 {
		ext, err := rtp.NewAbsCaptureTimeExtension(now).Marshal()
		if err != nil {
			return err
		}
		if err := p.SetExtension(l.ids.capture, ext); err != nil {
			return err
		}
	}
	p.Payload = Stamp{At: now, Count: l.count, Frame: number, Layer: l.index}.Append(payload)
	l.sequence++
	l.count++
	l.packets.Add(1)
	return l.local.WriteRTP(&p)
}
