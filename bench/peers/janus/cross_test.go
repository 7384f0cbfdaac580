package janus

import (
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

const viewerOffer = `v=0
o=- 1 2 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=fingerprint:sha-256 AA:AA
m=video 9 UDP/TLS/RTP/SAVPF 96 104
c=IN IP4 0.0.0.0
a=mid:0
a=recvonly
a=rtcp-mux
a=setup:actpass
a=ice-ufrag:viewerufrag
a=ice-pwd:viewerpwdviewerpwdviewer
a=rtpmap:96 H264/90000
a=rtpmap:104 VP8/90000
a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:1
a=recvonly
a=rtcp-mux
a=setup:actpass
a=ice-ufrag:viewerufrag
a=ice-pwd:viewerpwdviewerpwdviewer
a=rtpmap:111 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 104
c=IN IP4 0.0.0.0
a=mid:2
a=recvonly
a=rtpmap:104 VP8/90000
`

const gatewayOffer = `v=0
o=- 3 4 IN IP4 192.0.2.9
s=bench
t=0 0
a=group:BUNDLE audio video
a=ice-lite
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 192.0.2.9
a=sendonly
a=mid:audio
a=rtcp-mux
a=ice-ufrag:gate
a=ice-pwd:gatepwdgatepwdgatepwdga
a=setup:actpass
a=fingerprint:sha-256 BB:BB
a=rtpmap:111 opus/48000/2
a=ssrc:77 cname:janus
a=candidate:1 1 udp 2015363327 192.0.2.9 6000 typ host
m=video 9 UDP/TLS/RTP/SAVPF 104 105
c=IN IP4 192.0.2.9
a=sendonly
a=mid:video
a=rtcp-mux
a=ice-ufrag:gate
a=ice-pwd:gatepwdgatepwdgatepwdga
a=setup:actpass
a=fingerprint:sha-256 BB:BB
a=rtpmap:104 VP8/90000
a=rtcp-fb:104 nack
a=rtpmap:105 rtx/90000
a=fmtp:105 apt=104
a=ssrc:88 cname:janus
a=ssrc:99 cname:janus
`

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestCross(t *testing.T) {
	forViewer, forGateway, err := cross(crlf(viewerOffer), crlf(gatewayOffer))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		media      []string // m-lines
		want, none []string
	}{
		{
			"the viewer's answer", forViewer,
			[]string{"m=video 9 UDP/TLS/RTP/SAVPF 104", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 0 UDP/TLS/RTP/SAVPF 104"},
			[]string{
				"a=group:BUNDLE 0 1", "a=ice-lite", "a=mid:0", "a=mid:1", "a=sendonly", "a=setup:active", "a=ice-ufrag:gate", "a=fingerprint:sha-256 BB:BB",
				"a=rtpmap:104 VP8/90000", "a=rtcp-fb:104 nack", "a=ssrc:77 cname:janus", "a=ssrc:88 cname:janus", "a=candidate:1 1 udp 2015363327 192.0.2.9 6000 typ host",
			},
			[]string{"rtx", "ssrc:99", "H264", "viewerufrag", "AA:AA", "actpass"},
		},
		{
			"Janus' answer", forGateway,
			[]string{"m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 9 UDP/TLS/RTP/SAVPF 104"},
			[]string{
				"a=group:BUNDLE audio video", "a=mid:audio", "a=recvonly", "a=setup:passive", "a=ice-ufrag:viewerufrag", "a=fingerprint:sha-256 AA:AA",
				"a=rtpmap:104 VP8/90000", "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
			},
			[]string{"ice-lite", "BB:BB", "ssrc", "actpass", "gate"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := strings.Split(c.text, "\r\n")
			var media []string
			for _, l := range lines {
				if strings.HasPrefix(l, "m=") {
					media = append(media, l)
				}
			}
			if !slices.Equal(media, c.media) {
				t.Errorf("m-lines %q, want %q", media, c.media)
			}
			for _, l := range c.want {
				if !slices.Contains(lines, l) {
					t.Errorf("no %q in\n%s", l, c.text)
				}
			}
			for _, s := range c.none {
				if strings.Contains(c.text, s) {
					t.Errorf("%q in\n%s", s, c.text)
				}
			}
		})
	}
}

func TestCrossRefuses(t *testing.T) {
	audio := crlf(viewerOffer[:strings.Index(viewerOffer, "m=video")] + viewerOffer[strings.Index(viewerOffer, "m=audio"):strings.LastIndex(viewerOffer, "m=video")])
	for _, c := range []struct{ name, viewer, gateway, want string }{
		{"no video at the viewer", audio, crlf(gatewayOffer), "janus offers video"},
		{"no SDP", "hello", crlf(gatewayOffer), "sdp"},
	} {
		if _, _, err := cross(c.viewer, c.gateway); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
	}
}

func TestWanted(t *testing.T) {
	got, err := wanted(crlf(viewerOffer), carried)
	want := []format{{"audio", "opus", 111}, {"video", "vp8", 104}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := wanted(crlf(strings.ReplaceAll(viewerOffer, "VP8", "VP9")), carried); err != nil || len(got) != 1 {
		t.Errorf("without VP8: got %v, %v", got, err)
	}
	if got, err := wanted(crlf(strings.NewReplacer("VP8", "VP9", "opus", "PCMU").Replace(viewerOffer)), carried); err == nil {
		t.Errorf("without both: got %v", got)
	}
}

// FuzzCross sees that what two strangers offer comes to two descriptions that parse, or to an error.
func FuzzCross(f *testing.F) {
	f.Add(crlf(viewerOffer), crlf(gatewayOffer))
	f.Add(crlf(gatewayOffer), crlf(viewerOffer))
	f.Fuzz(func(t *testing.T, viewer, gateway string) {
		_, _ = wanted(viewer, carried)
		a, b, err := cross(viewer, gateway)
		if err != nil {
			return
		}
		for _, text := range []string{a, b} {
			var d sdp.SessionDescription
			if err := d.UnmarshalString(text); err != nil {
				t.Fatalf("%v:\n%s", err, text)
			}
		}
	})
}
