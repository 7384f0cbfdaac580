package naive

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

// When somebody who left without a word is forgotten: pion's own 5 and 25 s would let them weigh on a
// measurement that began after they left.
const (
	iceSilent = 3 * time.Second
	iceFailed = 3 * time.Second // after iceSilent
	iceBeat   = 2 * time.Second // pion's default, and how often it looks
)

// How long pion is waited for.
const (
	gatherWithin = 5 * time.Second // host candidates take less than a millisecond
	watchdog     = 5 * time.Second // closing a connection
)

// newAPI returns what all connections are made by: pion's default codecs and interceptors, and one host
// candidate, at the address that HTTP has, where that is one address.
func newAPI(host string, gcm bool) (*webrtc.API, error) {
	m, r := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(m, r); err != nil {
		return nil, err
	}
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled) // else each connection has a socket for it
	s.SetICETimeouts(iceSilent, iceFailed, iceBeat)
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		s.SetIPFilter(ip.Equal)
	}
	if gcm {
		s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(s)), nil
}

// answer answers an offer that pc has taken, with all candidates in it.
func answer(pc *webrtc.PeerConnection) (string, error) {
	a, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(a); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	late := time.NewTimer(gatherWithin)
	defer late.Stop()
	select {
	case <-gathered:
		return pc.LocalDescription().SDP, nil
	case <-late.C:
		return "", errors.New("answer: no candidates in time") // as where pc was closed meanwhile
	}
}

// closePeer returns after watchdog at the latest, whatever pion does.
func closePeer(pc *webrtc.PeerConnection) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = pc.Close() // nothing is left to lose
	}()
	select {
	case <-closed:
	case <-time.After(watchdog):
	}
}

// version is that of pion in this binary.
func version() string {
	const module = "github.com/pion/webrtc/"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if strings.HasPrefix(m.Path, module) {
				return "pion/webrtc " + m.Version
			}
		}
	}
	return "pion/webrtc, version unknown"
}
