package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v3"
)

// A mesh on one machine behind NAT tells people the address that is given, for pages, WHIP, WHEP and media, and needs that
// address for nothing itself: here nobody has it, and the sample is on the air.
func TestUpBehindNAT(t *testing.T) {
	const public = "203.0.113.7"
	r := begin(t, "up", "--http", "127.0.0.1:0", "--advertise", public, "--edges", "2", "--data", t.TempDir(), "--output", "json")
	m := r.mesh()
	here := func(told string) string {
		t.Helper()
		u, err := url.Parse(told)
		if err != nil || u.Hostname() != public {
			t.Fatalf("people are told %s, %v; want a URL at %s", told, err, public)
		}
		u.Host = "127.0.0.1:" + u.Port()
		return u.String()
	}
	live := func() bool {
		var streams []streamJSON
		get(t, here(m.API)+"/streams", &streams)
		return len(streams) == 1 && streams[0].Live
	}
	if err := until(t.Context(), 10*time.Second, live); err != nil {
		t.Fatalf("the sample is not on the air: %v", err)
	}
	for _, row := range []struct {
		at   string
		ways webrtc.RTPTransceiverDirection
	}{
		{m.Origins[0].WHIP, webrtc.RTPTransceiverDirectionSendonly}, {m.Edges[0].WHEP, webrtc.RTPTransceiverDirectionRecvonly}, {m.Edges[1].WHEP, webrtc.RTPTransceiverDirectionRecvonly},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, here(row.at)+"/"+m.Stream, strings.NewReader(offer(t, row.ways)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/sdp")
		req.Header.Set("Authorization", "Bearer "+m.Key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusCreated {
			t.Fatalf("%s: %s, %v: %s", row.at, res.Status, err, answer)
		}
		if text := string(answer); !strings.Contains(text, " "+public+" ") || strings.Contains(text, " 127.0.0.1 ") {
			t.Errorf("%s: media is told to be elsewhere than at %s: %s", row.at, public, text)
		}
	}
}

// offer returns one of a picture that goes one way.
func offer(t *testing.T, way webrtc.RTPTransceiverDirection) string {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close() //nolint:errcheck // it was never connected
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: way}); err != nil {
		t.Fatal(err)
	}
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.SDP
}
