package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v3"
	"golang.org/x/sync/errgroup"
)

// RawConfig says what a Raw publisher sends: VP8 whose headers are right and whose pictures are not, each
// packet with a Stamp at its end.
type RawConfig struct {
	URL, Key  string
	Layers    []RawLayer // lowest first; none: one layer of defaults without a rid
	Rate      float64    // pictures a second; 0: 30
	KeyEvery  int        // pictures from one key frame to the next; 0: 60
	KeyOnAsk  bool       // the next picture after a PLI or FIR is a key frame too
	Audio     bool       // 50 packets a second that say they are Opus
	PaceBPS   int        // each layer's packets leave at so many bits a second; 0: a picture leaves in one burst
	StartTime uint32     // RTP time of the first picture; 0: random
}

// A RawLayer is one simulcast layer.
type RawLayer struct {
	RID           string
	Width, Height int // what the key frames claim; 0: 640x360
	Packets       int // a picture; 0: 4
	KeyPackets    int // a key frame; 0: as any picture
	Size          int // bytes of each payload; 0: 1,000

	// Key and Delta, where set, are VP8 frames that stand at the beginning of each key frame and of each other picture, so
	// that a decoder shows them: what follows in the picture is behind the end of its data. They must fit a packet.
	Key, Delta []byte
}

// Simulcast returns what the proofs of the relay send: sound and three layers of 0.25, 0.8 and 2.5 Mbit/s, 30
// pictures a second and key frames of 8, 25 and 60 kB each 2 s, with a pacer as encoders have one.
func Simulcast() RawConfig {
	return RawConfig{
		Rate: 30, KeyEvery: 60, KeyOnAsk: true, Audio: true, PaceBPS: 9_600_000,
		Layers: []RawLayer{
			{RID: "q", Width: 320, Height: 180, Packets: 1, KeyPackets: 9, Size: 920},
			{RID: "h", Width: 640, Height: 360, Packets: 3, KeyPackets: 25, Size: 990},
			{RID: "f", Width: 1280, Height: 720, Packets: 9, KeyPackets: 56, Size: 1065},
		},
	}
}

// bitrate is what l brings, in bits a second of payload.
func (l *RawLayer) bitrate(rate float64, keyEvery int) float64 {
	packets := float64(l.Packets*(keyEvery-1)+l.KeyPackets) / float64(keyEvery)
	return packets * float64(l.Size*8) * rate
}

// RawStats says what a Raw publisher has sent and was asked for, per layer.
type RawStats struct {
	Layers []RawLayerStats
	Audio  RawLayerStats
}

// RawLayerStats are counts since the session began.
type RawLayerStats struct {
	Packets, Pictures, KeyFrames int64
	Skipped                      int64 // pictures not sent because those before them were still leaving
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
		if l.KeyPackets == 0 {
			l.KeyPackets = l.Packets
		}
		if l.Size == 0 {
			l.Size = 1000
		}
		if l.RID == "" && len(cfg.Layers) > 1 {
			return nil, errors.New("raw: each of several layers needs a rid")
		}
		if l.Size < vp8Header+vp8KeyHeader+StampSize || l.Size > payloadSize || l.Packets < 1 || l.KeyPackets < 1 {
			return nil, fmt.Errorf("raw: a payload has %d to %d bytes, a picture one at least", vp8Header+vp8KeyHeader+StampSize, payloadSize)
		}
		if room := l.Size - vp8Header - StampSize; len(l.Key) > room || len(l.Delta) > room {
			return nil, fmt.Errorf("raw: layer %d: a key frame of %d and others of %d bytes do not fit %d", i, len(l.Key), len(l.Delta), room)
		}
		if need := l.bitrate(cfg.Rate, cfg.KeyEvery); cfg.PaceBPS != 0 && float64(cfg.PaceBPS) < 1.1*need {
			return nil, fmt.Errorf("raw: layer %d brings %.0f bit/s, too much for a pace of %d", i, need, cfg.PaceBPS)
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

// pace sends pictures and sound, each packet at its time.
func (r *Raw) pace(ctx context.Context, lost <-chan struct{}) error {
	begun := time.Now()
	picture := time.Duration(float64(time.Second) / r.cfg.Rate)
	const sound = 20 * time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	var nextPicture, nextSound time.Duration
	for pictures := int64(0); ; {
		next := nextPicture
		if r.audio != nil {
			next = min(next, nextSound)
		}
		for _, l := range r.layers {
			if len(l.leaving) > 0 {
				next = min(next, l.due)
			}
		}
		timer.Reset(time.Until(begun.Add(next)))
		select {
		case <-timer.C:
		case <-lost:
			return ErrLost
		case <-ctx.Done():
			return nil
		}
		now, silent := time.Since(begun), r.silent.Load()
		if r.audio != nil && nextSound <= now {
			if !silent {
				if err := r.audio.sendSound(nextSound); err != nil {
					return err
				}
			}
			nextSound += sound
		}
		if nextPicture <= now {
			for _, l := range r.layers {
				if !silent {
					l.draw(nextPicture, pictures%int64(r.cfg.KeyEvery) == 0, r.cfg.KeyOnAsk)
				}
			}
			pictures++
			nextPicture = time.Duration(pictures) * picture
		}
		for _, l := range r.layers {
			if err := l.sendDue(now, r.cfg.PaceBPS); err != nil {
				return err
			}
		}
	}
}
