package mirror

import (
	"errors"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// open answers an offer with all candidates.
func (m *Mirror) open(publishes bool, offer string) (pc *webrtc.PeerConnection, answer string, err error) {
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, pc.Close())
		}
	}()
	if publishes {
		m.mu.Lock()
		before := m.publisher
		m.publisher, m.tracks, m.ssrcs = pc, nil, nil
		m.mu.Unlock()
		if before != nil {
			_ = before.Close() // it left without a DELETE
		}
		pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { m.reads.Go(func() { m.read(t) }) })
	} else if err := m.addTracks(pc); err != nil {
		return nil, "", err
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return nil, "", err
	}
	a, err := pc.CreateAnswer(nil)
	if err != nil {
		return nil, "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(a); err != nil {
		return nil, "", err
	}
	<-gathered // host candidates alone: no network is waited for
	return pc, pc.LocalDescription().SDP, nil
}

// addTracks sends what the publisher sends to a viewer, whose key frame requests go to the publisher.
func (m *Mirror) addTracks(pc *webrtc.PeerConnection) error {
	m.mu.Lock()
	tracks := m.tracks
	m.mu.Unlock()
	for _, t := range tracks {
		sender, err := pc.AddTrack(t)
		if err != nil {
			return err
		}
		m.reads.Go(func() {
			for {
				packets, _, err := sender.ReadRTCP()
				if err != nil {
					return
				}
				for _, p := range packets {
					if _, ok := p.(*rtcp.PictureLossIndication); ok {
						m.requestKeyframe()
					}
				}
			}
		})
	}
	return nil
}

func (m *Mirror) requestKeyframe() {
	m.mu.Lock()
	pc, ssrcs := m.publisher, m.ssrcs
	m.mu.Unlock()
	for _, ssrc := range ssrcs {
		_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}}) // the viewer asks again
	}
}

// read copies a track of the publisher to all viewers.
func (m *Mirror) read(t *webrtc.TrackRemote) {
	local, err := webrtc.NewTrackLocalStaticRTP(t.Codec().RTPCodecCapability, t.Kind().String(), Stream)
	if err != nil {
		m.log.Error("track", "err", err)
		return
	}
	m.mu.Lock()
	m.tracks = append(m.tracks, local)
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		m.ssrcs = append(m.ssrcs, t.SSRC())
	}
	m.mu.Unlock()
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		p.Extension, p.Extensions = false, nil // numbered for the publisher's connection
		_ = local.WriteRTP(p)                  // a viewer that is gone
	}
}
