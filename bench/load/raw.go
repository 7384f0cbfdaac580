package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
	"golang.org/x/sync/errgroup"
)

// RawConfig says what a Raw publisher sends: VP8 whose headers are right and whose pictures are not, each
// packet with a Stamp at its end. A picture leaves in one burst.
type RawConfig struct {
	URL, Key  string
	Layers    []RawLayer // lowest first; none: one layer of defaults without a rid
	Rate      float64    // pictures a second; 0: 30
	KeyEvery  int        // pictures from one key frame to the next; 0: 60
	KeyOnAsk  bool       // the next picture after a PLI or FIR is a key frame too
	Audio     bool       // 50 packets a second that say they are Opus
	StartTime uint32     // RTP time of the first picture; 0: random
}

// A RawLayer is one simulcast layer.
type RawLayer struct {
	RID           string
	Width, Height int // what the key frames claim; 0: 640x360
	Packets       int // a picture; 0: 4
	Size          int // bytes of each payload; 0: 1,000
}

// RawStats says what a Raw publisher has sent and was asked for, per layer.
type RawStats struct {
	Layers []RawLayerStats
	Audio  RawLayerStats
}

// RawLayerStats are counts since the session began.
type RawLayerStats struct {
	Packets, Pictures, KeyFrames int64
	PLI, FIR                     int64 // key-frame requests received
	NACK                         int64 // packets asked for again
	TWCC, Reports                int64 // feedback messages received
}

// Raw is one publisher of made-up packets. Run may be called once; everything else from any goroutine.
type Raw struct {
	cfg       RawConfig
	log       *slog.Logger
	connected chan struct{}
	silent    atomic.Bool
	layers    []*rawLayer
	audio     *rawLayer
}

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

	packets, pictures, keys atomic.Int64
	asked                   feedback
}

// NewRaw checks cfg.
func NewRaw(cfg RawConfig, log *slog.Logger) (*Raw, error) {
	if len(cfg.Layers) == 0 {
		cfg.Layers = []RawLayer{{}}
	}
	if cfg.Rate == 0 {
		cfg.Rate = 30
	}
	if cfg.KeyEvery == 0 {
		cfg.KeyEvery = 60
	}
	if cfg.Rate < 1 || cfg.Rate > 240 || cfg.KeyEvery < 1 {
		return nil, errors.New("raw: want 1 to 240 pictures a second, and a key frame now and then")
	}
	r := &Raw{cfg: cfg, log: log, connected: make(chan struct{})}
	for i, l := range cfg.Layers {
		if l.Width == 0 {
			l.Width, l.Height = 640, 360
		}
		if l.Packets == 0 {
			l.Packets = 4
		}
		if l.Size == 0 {
			l.Size = 1000
		}
		if l.RID == "" && len(cfg.Layers) > 1 {
			return nil, errors.New("raw: each of several layers needs a rid")
		}
		if l.Size < vp8Header+vp8KeyHeader+StampSize || l.Size > payloadSize || l.Packets < 0 {
			return nil, fmt.Errorf("raw: a payload has %d to %d bytes", vp8Header+vp8KeyHeader+StampSize, payloadSize)
		}
		r.layers = append(r.layers, &rawLayer{RawLayer: l, index: uint8(i)})
	}
	if cfg.Audio {
		r.audio = &rawLayer{RawLayer: RawLayer{Packets: 1, Size: 120}, index: uint8(len(r.layers))}
	}
	return r, nil
}

// Connected is closed when packets begin to flow.
func (r *Raw) Connected() <-chan struct{} { return r.connected }

// Silence stops (true) or goes on with (false) the media, while the session stays up. Times run on.
func (r *Raw) Silence(on bool) { r.silent.Store(on) }

// Stats returns the counters.
func (r *Raw) Stats() RawStats {
	var s RawStats
	for _, l := range r.layers {
		s.Layers = append(s.Layers, l.stats())
	}
	if r.audio != nil {
		s.Audio = r.audio.stats()
	}
	return s
}

func (l *rawLayer) stats() RawLayerStats {
	return RawLayerStats{
		Packets: l.packets.Load(), Pictures: l.pictures.Load(), KeyFrames: l.keys.Load(),
		PLI: l.asked.pli.Load(), FIR: l.asked.fir.Load(), NACK: l.asked.lost.Load(),
		TWCC: l.asked.twcc.Load(), Reports: l.asked.reports.Load(),
	}
}

// Run publishes until ctx ends, which returns nil, or the connection is lost. Errors as for Publish.
func (r *Raw) Run(ctx context.Context) error {
	pc, err := newPeer([]webrtc.RTPCodecParameters{parameters(videoCodec("VP8", ""), 96), parameters(opusCodec(), 111)}, lostAfter)
	if err != nil {
		return err
	}
	video, err := r.addVideo(pc)
	var audio *webrtc.RTPTransceiver
	if err == nil && r.audio != nil {
		audio, err = r.audio.add(pc, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio")
	}
	if err != nil {
		_ = pc.Close() // nothing was sent
		return err
	}
	s, err := open(ctx, pc, r.cfg.URL, r.cfg.Key)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	begun := time.Now()
	var g errgroup.Group
	for i, l := range r.layers {
		l.agreed(video)
		g.Go(func() error {
			readFeedback(func(b []byte) (int, error) {
				if l.RID == "" {
					n, _, err := video.Sender().Read(b)
					return n, err
				}
				n, _, err := video.Sender().ReadSimulcast(b, l.RID)
				return n, err
			}, &r.layers[i].asked)
			return nil
		})
	}
	if audio != nil {
		r.audio.agreed(audio)
		g.Go(func() error {
			readFeedback(func(b []byte) (int, error) {
				n, _, err := audio.Sender().Read(b)
				return n, err
			}, &r.audio.asked)
			return nil
		})
	}
	close(r.connected)
	err = r.pace(ctx, s.lost)
	// The readers must be gone before pion takes the tracks away, which ReadSimulcast looks at without a lock.
	for _, l := range r.layers {
		if l.RID == "" {
			_ = video.Sender().SetReadDeadline(begun)
		} else {
			_ = video.Sender().SetReadDeadlineSimulcast(begun, l.RID)
		}
	}
	if audio != nil {
		_ = audio.Sender().SetReadDeadline(begun)
	}
	_ = g.Wait() // without errors
	s.close()
	return err
}

func (r *Raw) addVideo(pc *webrtc.PeerConnection) (*webrtc.RTPTransceiver, error) {
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	tr, err := r.layers[0].add(pc, codec, "video")
	if err != nil {
		return nil, err
	}
	for _, l := range r.layers[1:] {
		if err := l.track(codec, "video"); err != nil {
			return nil, err
		}
		if err := tr.Sender().AddEncoding(l.local); err != nil {
			return nil, err
		}
	}
	for _, l := range r.layers {
		// One clock for all layers, as encoders have it: it is what lets a receiver switch between them.
		l.base = r.layers[0].base
		if r.cfg.StartTime != 0 {
			l.base = r.cfg.StartTime
		}
	}
	return tr, nil
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

// pace sends pictures and sound, each at its time.
func (r *Raw) pace(ctx context.Context, lost <-chan struct{}) error {
	begun := time.Now()
	picture := time.Duration(float64(time.Second) / r.cfg.Rate)
	const sound = 20 * time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pictures, sounds := int64(0), int64(0); ; {
		nextPicture := time.Duration(pictures) * picture
		at, isSound := nextPicture, false
		if nextSound := time.Duration(sounds) * sound; r.audio != nil && nextSound < nextPicture {
			at, isSound = nextSound, true
		}
		timer.Reset(time.Until(begun.Add(at)))
		select {
		case <-timer.C:
		case <-lost:
			return ErrLost
		case <-ctx.Done():
			return nil
		}
		if isSound {
			sounds++
		} else {
			pictures++
		}
		if r.silent.Load() {
			continue
		}
		if isSound {
			if err := r.audio.sendSound(at); err != nil {
				return err
			}
			continue
		}
		for _, l := range r.layers {
			asked := l.asked.pli.Load() + l.asked.fir.Load()
			key := (pictures-1)%int64(r.cfg.KeyEvery) == 0 || l.picture == 0 || (r.cfg.KeyOnAsk && asked > l.answered)
			if key {
				l.answered = asked
			}
			if err := l.sendPicture(at, key); err != nil {
				return err
			}
		}
	}
}

// Bytes of the VP8 payload descriptor with a 15-bit picture id (RFC 7741, section 4.2), and of the header of
// a key frame (RFC 6386, section 9.1).
const (
	vp8Header    = 4
	vp8KeyHeader = 10
)

func (l *rawLayer) sendPicture(at time.Duration, key bool) error {
	for i := range l.Packets {
		b := make([]byte, vp8Header, l.Size)
		b[0], b[1] = 0x80, 0x80 // X; I
		binary.BigEndian.PutUint16(b[2:], 0x8000|uint16(l.picture&0x7fff))
		if i == 0 {
			b[0] |= 0x10 // S: begins a partition
			if key {
				b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a) // shown, a key frame; the start code
				b = binary.LittleEndian.AppendUint16(b, uint16(l.Width))
				b = binary.LittleEndian.AppendUint16(b, uint16(l.Height))
			} else {
				b = append(b, 0x11, 0, 0) // shown, not a key frame
			}
		}
		if err := l.send(b, l.base+uint32(at.Microseconds()*90/1000), i == l.Packets-1); err != nil {
			return err
		}
	}
	l.picture++
	l.pictures.Add(1)
	if key {
		l.keys.Add(1)
	}
	return nil
}

func (l *rawLayer) sendSound(at time.Duration) error {
	b := append(make([]byte, 0, l.Size), 0xfc) // Opus: CELT, 20 ms, stereo, one frame (RFC 6716, section 3.1)
	l.picture++
	l.pictures.Add(1)
	return l.send(b, l.base+uint32(at.Microseconds()*48/1000), false)
}

// send fills payload up to the layer's size, stamps and sends it.
func (l *rawLayer) send(payload []byte, stamp uint32, marker bool) error {
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
	p.Payload = Stamp{At: now, Count: l.count, Frame: l.picture, Layer: l.index}.append(payload)
	l.sequence++
	l.count++
	l.packets.Add(1)
	return l.local.WriteRTP(&p)
}
