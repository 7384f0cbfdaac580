package origin_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v3"

	"freshet/proto/sdpfrag"
)

// patch sends a fragment with an If-Match header.
func (p *publisher) patch(f sdpfrag.Fragment, match string) (status int, h http.Header, body string) {
	p.t.Helper()
	q, err := http.NewRequest(http.MethodPatch, p.location, bytes.NewReader(f.Append(nil)))
	must(p.t, err)
	q.Header.Set("Content-Type", sdpfrag.ContentType)
	if match != "" {
		q.Header.Set("If-Match", match)
	}
	return do(p.t, q)
}

// attributes returns the values of all lines of an SDP that begin with prefix.
func attributes(sdp, prefix string) (all []string) {
	for l := range strings.Lines(sdp) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), prefix); ok {
			all = append(all, v)
		}
	}
	return all
}

// An offer without candidates and an answer whose candidates the publisher does not get connect by
// what PATCH brings.
func TestTrickle(t *testing.T) {
	n := start(t)
	p := newPublisher(t, videoCodec("VP8", ""))
	offer, err := p.pc.CreateOffer(nil)
	must(t, err)
	complete := webrtc.GatheringCompletePromise(p.pc)
	must(t, p.pc.SetLocalDescription(offer))
	<-complete
	full := p.pc.LocalDescription().SDP
	bare := without(full, "a=candidate", "a=end-of-candidates")
	status, answer := p.postSDP(n, "floor", bare)
	if status != http.StatusCreated {
		t.Fatalf("POST: %d %s", status, answer)
	}
	// Without the node's candidates only the node can find the publisher.
	p.connect(without(answer, "a=candidate", "a=end-of-candidates"))
	f := sdpfrag.Fragment{
		Ufrag: attributes(full, "a=ice-ufrag:")[0], Pwd: attributes(full, "a=ice-pwd:")[0],
		Media: []sdpfrag.Media{{Kind: "audio", Mid: "0", Candidates: attributes(full, "a=candidate:"), End: true}},
	}
	if status, _, body := p.patch(f, p.etag); status != http.StatusNoContent {
		t.Fatalf("PATCH: %d %s", status, body)
	}
	n.live(t, "floor")
}

func without(sdp string, prefixes ...string) string {
	var b strings.Builder
next:
	for l := range strings.Lines(sdp) {
		for _, p := range prefixes {
			if strings.HasPrefix(l, p) {
				continue next
			}
		}
		b.WriteString(l)
	}
	return b.String()
}

// ICE restarts by PATCH: a new ETag, media goes on in the same epoch and without a new track.
func TestRestart(t *testing.T) {
	n := start(t)
	p := newPublisher(t, videoCodec("VP8", ""), "q", "h").publish(n, "floor")
	s := n.live(t, "floor")
	old := p.etag
	for range 2 {
		p.restart(t)
	}
	if p.etag == old {
		t.Error("the ETag did not change")
	}
	heads := []int64{}
	for _, f := range s.Flows {
		heads = append(heads, f.Ring.Head())
	}
	for i, f := range s.Flows {
		await(t, 5*time.Second, "packets after the restart", func() bool { return f.Ring.Head() > heads[i]+20 })
	}
	if got := n.table.Get("floor"); got != s {
		t.Error("the restart began a new epoch")
	}
	if status, _, _ := p.patch(sdpfrag.Fragment{Media: []sdpfrag.Media{{Kind: "audio", Mid: "0", End: true}}}, old); status != http.StatusPreconditionFailed {
		t.Errorf("PATCH with the ETag from before the restart: %d, want 412", status)
	}
	if got := n.value(t, "freshet_rtc_ice_restarts_total"); got != 2 {
		t.Errorf("restarts counted: %v", got)
	}
}

func (p *publisher) restart(t *testing.T) {
	t.Helper()
	complete := make(chan struct{})
	var once sync.Once // pion says it twice
	p.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			once.Do(func() { close(complete) })
		}
	})
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true}) // gathers at once
	must(t, err)
	must(t, p.pc.SetLocalDescription(offer))
	<-complete
	sdp := p.pc.LocalDescription().SDP
	f := sdpfrag.Fragment{
		Ufrag: attributes(sdp, "a=ice-ufrag:")[0], Pwd: attributes(sdp, "a=ice-pwd:")[0],
		Media: []sdpfrag.Media{{Kind: "audio", Mid: "0", Candidates: attributes(sdp, "a=candidate:"), End: true}},
	}
	status, h, body := p.patch(f, "*")
	if status != http.StatusOK || h.Get("Content-Type") != sdpfrag.ContentType {
		t.Fatalf("restart: %d %s", status, body)
	}
	p.etag = h.Get("ETag")
	back, err := sdpfrag.Parse([]byte(body))
	must(t, err)
	answer := p.pc.CurrentRemoteDescription().SDP
	answer = without(answer, "a=candidate", "a=end-of-candidates")
	answer = strings.ReplaceAll(answer, attributes(answer, "a=ice-ufrag:")[0], back.Ufrag)
	answer = strings.ReplaceAll(answer, attributes(answer, "a=ice-pwd:")[0], back.Pwd)
	must(t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	for _, c := range back.Media[0].Candidates {
		mid := back.Media[0].Mid
		must(t, p.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: "candidate:" + c, SDPMid: &mid}))
	}
}

// Sessions opened and ended many times leave nothing behind; TestMain looks for goroutines.
func TestManySessions(t *testing.T) {
	n := start(t)
	for round := range 10 {
		var all []*publisher
		id := func(i int) string { return fmt.Sprintf("floor-%d-%d", round, i) }
		for i := range 5 {
			all = append(all, newPublisher(t, videoCodec("VP8", "")).publish(n, id(i)))
		}
		for i, p := range all {
			n.live(t, id(i))
			p.end()
		}
	}
	for _, of := range []string{"freshet_whip_sessions", "freshet_ingest_publishers"} { // a seat is left after its session
		await(t, 5*time.Second, "end of all "+of, func() bool { return n.value(t, of) == 0 })
	}
}
