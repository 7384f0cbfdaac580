package pion

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"
)

// reorder is how many packets a frame may wait for one that is late or sent again: 0.4 s of the clip.
const reorder = 128

// Counts says what one player has received. Frames and audio packets are held against the clip.
type Counts struct {
	Codec     string // of the video
	Packets   int    // video, as they came out of the connection, repaired ones included
	Frames    int
	KeyFrames int
	KeyFirst  bool          // the first frame was a key frame
	FirstAt   time.Duration // of the first frame, after the offer was posted
	Gaps      int           // times a frame was not the one after the last
	Foreign   int           // frames that are not in the clip
	Audio     int           // packets
	AudioGaps int
	AudioBad  int // packets that are not in the clip
}

// A Player receives a stream by WHEP and counts.
type Player struct {
	*Peer
	began time.Time
	reads sync.WaitGroup

	mu      sync.Mutex
	counts  Counts
	changed chan struct{} // closed and made anew with each frame
	frames  trail
	sound   trail
}

// Play opens a session at endpoint and waits until it is connected. Close ends it.
func Play(ctx context.Context, endpoint, token string, c *Clip) (*Player, error) {
	p, err := newPlayer(c)
	if err != nil {
		return nil, err
	}
	if err := p.open(ctx, endpoint, token); err != nil {
		_ = p.Close(ctx)
		return nil, fmt.Errorf("play %s: %w", endpoint, err)
	}
	return p, nil
}

func newPlayer(c *Clip) (*Player, error) {
	peer, err := newPeer()
	if err != nil {
		return nil, err
	}
	p := &Player{Peer: peer, began: time.Now(), changed: make(chan struct{})}
	p.frames = trail{digests: c.frames, n: len(c.Frames)}
	p.sound = trail{digests: c.audio, n: len(c.Audio)}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
		if _, err := peer.pc.AddTransceiverFromKind(kind, init); err != nil {
			return nil, errors.Join(err, peer.pc.Close())
		}
	}
	peer.pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		p.reads.Go(func() {
			if t.Kind() == webrtc.RTPCodecTypeVideo {
				p.readVideo(t)
			} else {
				p.readAudio(t)
			}
		})
	})
	return p, nil
}

// Wait returns the counts as soon as enough holds for them, or the last ones and ctx's error.
func (p *Player) Wait(ctx context.Context, enough func(Counts) bool) (Counts, error) {
	for {
		p.mu.Lock()
		now, changed := p.counts, p.changed
		p.mu.Unlock()
		if enough(now) {
			return now, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return now, context.Cause(ctx)
		}
	}
}

// Close ends the session and returns when the player's goroutines have ended.
func (p *Player) Close(ctx context.Context) error {
	err := p.Peer.Close(ctx)
	p.reads.Wait()
	return err
}

func (p *Player) readVideo(t *webrtc.TrackRemote) {
	var build *samplebuilder.SampleBuilder
	if t.Codec().MimeType == webrtc.MimeTypeH264 {
		build = samplebuilder.New(reorder, &codecs.H264Packet{}, t.Codec().ClockRate)
	}
	p.count(func(c *Counts) { c.Codec = t.Codec().MimeType })
	for {
		packet, _, err := t.ReadRTP()
		if err != nil {
			return // the connection is closed, which is how each player ends
		}
		p.count(func(c *Counts) { c.Packets++ })
		if build == nil {
			continue // another codec than the clip's: packets are all that is counted
		}
		build.Push(packet)
		for s := build.Pop(); s != nil; s = build.Pop() {
			p.countFrame(s.Data)
		}
	}
}

func (p *Player) countFrame(unit []byte) {
	slice, key := sliceOf(unit)
	p.count(func(c *Counts) {
		if c.Frames == 0 {
			c.KeyFirst, c.FirstAt = key, time.Since(p.began)
		}
		c.Frames++
		if key {
			c.KeyFrames++
		}
		switch known, follows := p.frames.next(slice); {
		case !known:
			c.Foreign++
		case !follows:
			c.Gaps++
		}
	})
}

func (p *Player) readAudio(t *webrtc.TrackRemote) {
	opus := t.Codec().MimeType == webrtc.MimeTypeOpus
	for {
		packet, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		p.countAudio(packet, opus)
	}
}

func (p *Player) countAudio(packet *rtp.Packet, opus bool) {
	if len(packet.Payload) == 0 {
		return // padding that probes the path
	}
	p.count(func(c *Counts) {
		c.Audio++
		if !opus {
			c.AudioBad++
			return
		}
		switch known, follows := p.sound.next(packet.Payload); {
		case !known:
			c.AudioBad++
		case !follows:
			c.AudioGaps++
		}
	})
}

func (p *Player) count(change func(*Counts)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.counts)
	close(p.changed)
	p.changed = make(chan struct{})
}
