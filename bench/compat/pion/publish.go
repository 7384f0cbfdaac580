package pion

import (
	"context"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"golang.org/x/sync/errgroup"
)

// A Publisher sends a clip, over and over, by WHIP.
type Publisher struct {
	*Peer
	clip  *Clip
	video *webrtc.TrackLocalStaticSample
	audio *webrtc.TrackLocalStaticSample
}

// Publish opens a session at endpoint and waits until it is connected. Run then sends.
func Publish(ctx context.Context, endpoint, key string, c *Clip) (_ *Publisher, err error) {
	peer, err := newPeer()
	if err != nil {
		return nil, err
	}
	p := &Publisher{Peer: peer, clip: c}
	defer func() {
		if err != nil {
			_ = peer.pc.Close()
		}
	}()
	if p.audio, err = peer.send(webrtc.MimeTypeOpus, "audio"); err != nil {
		return nil, err
	}
	if p.video, err = peer.send(webrtc.MimeTypeH264, "video"); err != nil {
		return nil, err
	}
	if err := peer.open(ctx, endpoint, key); err != nil {
		return nil, fmt.Errorf("publish to %s: %w", endpoint, err)
	}
	return p, nil
}

// send adds a sendonly track that offers mimeType alone (RTX beside it), as an encoder does.
func (p *Peer) send(mimeType, id string) (*webrtc.TrackLocalStaticSample, error) {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mimeType}, id, "compat")
	if err != nil {
		return nil, err
	}
	t, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	var codecs []webrtc.RTPCodecParameters
	for _, c := range t.Sender().GetParameters().Codecs {
		if c.MimeType == mimeType || c.MimeType == webrtc.MimeTypeRTX {
			codecs = append(codecs, c)
		}
	}
	return track, t.SetCodecPreferences(codecs)
}

// Run sends until ctx ends. It must be called once.
func (p *Publisher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	g.Go(func() error { return loop(ctx, began, p.video, p.clip.Frames, frameTime) })
	g.Go(func() error { return loop(ctx, began, p.audio, p.clip.Audio, opusTime) })
	return g.Wait()
}

// loop writes samples on an absolute schedule, so that a late timer never adds up.
func loop(ctx context.Context, began time.Time, t *webrtc.TrackLocalStaticSample, samples [][]byte, every time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		timer.Reset(time.Until(began.Add(time.Duration(i) * every)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		if err := t.WriteSample(media.Sample{Data: samples[i%len(samples)], Duration: every}); err != nil {
			return fmt.Errorf("send %s: %w", t.ID(), err)
		}
	}
}
