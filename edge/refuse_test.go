package edge_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pion/webrtc/v3"

	"freshet/cluster/stream"
	"freshet/edge"
	"freshet/proto/problem"
)

// offer makes an offer of pion's for audio and video.
func offer(t testing.TB) string {
	t.Helper()
	pc, err := newAPI(t, viewerOptions{}).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.SDP
}

// without drops the lines that contain s.
func without(sdp, s string) string {
	var b strings.Builder
	for l := range strings.Lines(sdp) {
		if !strings.Contains(l, s) {
			b.WriteString(l)
		}
	}
	return b.String()
}

func TestRefusals(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	r.mesh.put(newPublisher("floor", 1, "").s)
	r.mesh.put(newPublisher("closed", 1, "").s)
	over := newPublisher("over", 1, "")
	r.mesh.put(over.s)
	over.s.End(stream.ErrEnded)
	av2 := stream.New("av2", 1, nil, []stream.Format{{Track: "v", Kind: stream.Video, Codec: stream.Codec{Name: "AV2", ClockRate: 90000}}}, func(*stream.Flow) {})
	r.mesh.put(av2)
	r.mesh.errs["nobody"] = edge.ErrUnknownStream
	r.mesh.errs["far"] = edge.ErrNoUpstream
	good := offer(t)
	for _, row := range []struct {
		name, stream, sdp string
		status            int
		kind              string
		retry             bool
	}{
		{"unknown stream", "nobody", good, 404, "stream-unknown", false},
		{"no upstream", "far", good, 503, "no-upstream", true},
		{"not live", "over", good, 409, "not-live", true},
		{"never comes", "waiting", good, 409, "not-live", true},
		{"no token", "closed", good, 401, "unauthorized", false},
		{"codec", "av2", good, 406, "codec-unsupported", false},
		{"codec of the viewer", "floor", without(good, "VP8/90000"), 406, "codec-unsupported", false},
		{"empty", "floor", "", 400, "sdp-malformed", false},
		{"no BUNDLE", "floor", without(good, "a=group:BUNDLE"), 422, "sdp-unsupported", false},
		{"no fingerprint", "floor", without(good, "a=fingerprint"), 422, "sdp-unsupported", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, header, body := call(t, "POST", r.http.URL+"/whep/"+row.stream, "application/sdp", row.sdp, nil)
			var p problem.Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("body %q: %v", body, err)
			}
			if status != row.status || p.Type != "/problems/"+row.kind || header.Get("Content-Type") != problem.ContentType {
				t.Errorf("got %d %s %s, want %d /problems/%s", status, p.Type, header.Get("Content-Type"), row.status, row.kind)
			}
			if got := header.Get("Retry-After") != ""; got != row.retry {
				t.Errorf("Retry-After: got %v, want %v", got, row.retry)
			}
		})
	}
	settleLeases(t, r)
}

func settleLeases(t *testing.T, r *rig) {
	t.Helper()
	if status, _, _ := call(t, http.MethodPost, r.http.URL+"/whep/floor", "application/sdp", offer(t), nil); status != 201 {
		t.Errorf("a good offer after bad ones: got %d, want 201", status)
	}
}
