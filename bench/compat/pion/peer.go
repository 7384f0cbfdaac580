package pion

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// connectTimeout bounds ICE and DTLS; on one machine they take milliseconds.
const connectTimeout = 10 * time.Second

// A Peer is a PeerConnection with the HTTP session that opened it.
type Peer struct {
	pc       *webrtc.PeerConnection
	exchange *Exchange

	mu      sync.Mutex
	state   webrtc.PeerConnectionState
	changed chan struct{} // closed and made anew with each change of state
}

// newPeer makes a PeerConnection with pion's defaults: its codecs, its interceptors (NACK, reports,
// transport-wide feedback). Only loopback candidates are added, for machines without a network.
func newPeer() (*Peer, error) {
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	p := &Peer{pc: pc, changed: make(chan struct{})}
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.state = state
		close(p.changed)
		p.changed = make(chan struct{})
	})
	return p, nil
}

// open posts the offer with all candidates and waits until the connection stands.
func (p *Peer) open(ctx context.Context, endpoint, bearer string) error {
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return fmt.Errorf("gather candidates: %w", context.Cause(ctx))
	}
	var answer string
	if p.exchange, answer, err = Post(ctx, endpoint, bearer, p.pc.LocalDescription().SDP); err != nil {
		return err
	}
	if err := p.answered(answer); err != nil {
		return err
	}
	return p.connected(ctx)
}

func (p *Peer) answered(answer string) error {
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
	if err != nil {
		return fmt.Errorf("answer: %w\n%s", err, answer)
	}
	return nil
}

// connected waits for the state of that name.
func (p *Peer) connected(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errors.New("not connected in time"))
	defer cancel()
	for {
		p.mu.Lock()
		state, changed := p.state, p.changed
		p.mu.Unlock()
		switch state {
		case webrtc.PeerConnectionStateConnected:
			return nil
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			return fmt.Errorf("connection is %s", state)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("connection is %s: %w", state, context.Cause(ctx))
		}
	}
}

// Restart makes new ICE credentials and exchanges them by PATCH, as RFC 9725, section 4.3.3 has it: the
// answer is the old one with the server's new credentials and candidates. It returns once ICE is connected
// on the new pair.
func (p *Peer) Restart(ctx context.Context) error {
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return err
	}
	old := p.pc.RemoteDescription().SDP
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return fmt.Errorf("gather candidates: %w", context.Cause(ctx))
	}
	answer, err := p.exchange.Patch(ctx, fragment(p.pc.LocalDescription().SDP, true))
	if err != nil {
		return err
	}
	if answer == "" {
		return errors.New("a restart was taken for mere candidates: 204")
	}
	if err := p.answered(merge(old, answer)); err != nil {
		return err
	}
	return p.connected(ctx)
}

// Close ends the session at the server and then the connection.
func (p *Peer) Close(ctx context.Context) error {
	var err error
	if p.exchange != nil {
		err = p.exchange.Delete(ctx)
	}
	return errors.Join(err, p.pc.Close())
}

// fragment makes the trickle ICE fragment of a description: its credentials and, in the first m-line, its
// candidates, since all m-lines are bundled.
func fragment(sdp string, candidates bool) string {
	var b strings.Builder
	for _, key := range []string{"a=group:BUNDLE ", "a=ice-ufrag:", "a=ice-pwd:", "m=", "a=mid:"} {
		for line := range strings.Lines(sdp) {
			if strings.HasPrefix(line, key) {
				b.WriteString(line)
				break
			}
		}
	}
	if candidates {
		seen := map[string]bool{}
		for line := range strings.Lines(sdp) {
			if strings.HasPrefix(line, "a=candidate:") && !seen[line] {
				seen[line] = true
				b.WriteString(line)
			}
		}
		b.WriteString("a=end-of-candidates\r\n")
	}
	return b.String()
}

// merge puts the ICE credentials and candidates of a server's fragment into the answer of before.
func merge(answer, fragment string) string {
	fresh := map[string]string{}
	var candidates []string
	for line := range strings.Lines(fragment) {
		key, _, _ := strings.Cut(line, ":")
		switch key {
		case "a=ice-ufrag", "a=ice-pwd":
			fresh[key] = line
		case "a=candidate":
			candidates = append(candidates, line)
		}
	}
	var b strings.Builder
	for line := range strings.Lines(answer) {
		key, _, _ := strings.Cut(line, ":")
		switch {
		case fresh[key] != "":
			b.WriteString(fresh[key])
		case key == "a=candidate" || strings.TrimSpace(key) == "a=end-of-candidates":
		case key == "a=mid":
			b.WriteString(line + strings.Join(candidates, ""))
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}
