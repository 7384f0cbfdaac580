package naive

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// keyPause is the shortest time between two key-frame requests: a crowd that joins gets one for all.
const keyPause = 250 * time.Millisecond

// A broadcast is what one publisher sends. Its publisher's session ends it.
type broadcast struct {
	pc    *webrtc.PeerConnection
	ended chan struct{} // closed with the publisher's session
	ready chan struct{} // closed when all tracks are there
	ask   chan struct{} // holds one request for key frames at most

	mu    sync.Mutex
	want  int     // tracks that the offer announced
	lines []*line // those whose first packet came
}

func newBroadcast(pc *webrtc.PeerConnection) *broadcast {
	return &broadcast{pc: pc, ended: make(chan struct{}), ready: make(chan struct{}), ask: make(chan struct{}, 1)}
}

// announce says how many tracks come, before the first does.
func (b *broadcast) announce(transceivers []*webrtc.RTPTransceiver) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range transceivers {
		switch t.Direction() {
		case webrtc.RTPTransceiverDirectionRecvonly, webrtc.RTPTransceiverDirectionSendrecv:
			b.want++
		}
	}
	if b.want == 0 {
		return errors.New("the offer sends nothing")
	}
	return nil
}

// add takes one more track of the publisher; nil where it announced fewer.
func (b *broadcast) add(remote *webrtc.TrackRemote) *line {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == b.want {
		return nil
	}
	l := &line{kind: remote.Kind(), codec: remote.Codec().RTPCodecCapability, ssrc: uint32(remote.SSRC())}
	l.outs.Store(&[]*webrtc.TrackLocalStaticRTP{})
	b.lines = append(b.lines, l)
	if len(b.lines) == b.want {
		close(b.ready)
	}
	return l
}

// tracks returns the lines there are.
func (b *broadcast) tracks() []*line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// askKey has the publisher asked for a key frame soon, if it is not already.
func (b *broadcast) askKey() {
	select {
	case b.ask <- struct{}{}:
	default:
	}
}

// askKeys passes on what askKey wants, until the broadcast ends.
func (b *broadcast) askKeys() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-b.ended:
			return
		}
		select {
		case <-b.ask:
		case <-b.ended:
			return
		}
		for _, l := range b.tracks() {
			if l.kind == webrtc.RTPCodecTypeVideo {
				// A publisher that is gone shows by its connection's state.
				_ = b.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: l.ssrc}})
			}
		}
		pause.Reset(keyPause)
	}
}

// A line is one track of the publisher, and the track of each viewer that it is written to.
type line struct {
	kind  webrtc.RTPCodecType
	codec webrtc.RTPCodecCapability
	ssrc  uint32

	mu   sync.Mutex // of who changes outs
	outs atomic.Pointer[[]*webrtc.TrackLocalStaticRTP]
}

func (l *line) add(t *webrtc.TrackLocalStaticRTP) {
	l.mu.Lock()
	defer l.mu.Unlock()
	outs := append(slices.Clone(*l.outs.Load()), t)
	l.outs.Store(&outs)
}

func (l *line) remove(t *webrtc.TrackLocalStaticRTP) {
	l.mu.Lock()
	defer l.mu.Unlock()
	outs := slices.DeleteFunc(slices.Clone(*l.outs.Load()), func(o *webrtc.TrackLocalStaticRTP) bool { return o == t })
	l.outs.Store(&outs)
}

// forward writes each packet of remote to each viewer, until remote ends. It is the way of pion's own broadcast
// examples: whoever reads the publisher writes to everybody, one packet and one viewer after the other.
func (l *line) forward(remote *webrtc.TrackRemote, counts *counts) {
	for {
		p, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		p.Extension, p.Extensions = false, nil // their numbers were agreed with the publisher alone
		outs := *l.outs.Load()
		counts.received.Add(1)
		counts.sent.Add(int64(len(outs)))
		for _, t := range outs {
			if t.WriteRTP(p) != nil {
				counts.failed.Add(1) // whose connection it is shows by its state
			}
		}
	}
}
