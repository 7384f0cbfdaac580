package whep

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/pion/sdp/v3"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
	"freshet/edge/egress"
	"freshet/proto/problem"
	"freshet/proto/rtpq"
)

var node = Node{
	Local: egress.Credentials{Ufrag: "EDGEUFRG", Pwd: "EDGEPASSWORDEDGEPASSWORD"}, Fingerprint: "AA:BB",
	Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, Port: 7000, CName: "cname",
}

var (
	opus = stream.Format{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}}
	red  = stream.Format{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}, RED: true}
)

func video(name, fmtp string) stream.Format {
	return stream.Format{Track: "v", Kind: stream.Video, Codec: stream.Codec{Name: name, ClockRate: 90000, FMTP: fmtp}}
}

func streamOf(formats ...stream.Format) *stream.Stream {
	return stream.New("floor", 1, nil, formats, func(*stream.Flow) {})
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\n", "\r\n")
}

// Offers in the shape of the players that matter, against streams of every codec.
func TestAnswers(t *testing.T) {
	for _, row := range []struct {
		offer  string
		stream *stream.Stream
		video  uint8 // payload types, 0 where the m-line is not served
		rtx    uint8
		audio  uint8
		red    uint8
	}{
		{"chromium.sdp", streamOf(video("VP8", ""), opus), 96, 97, 111, 0},
		{"chromium.sdp", streamOf(video("VP8", ""), red), 96, 97, 111, 63},
		{"chromium.sdp", streamOf(video("VP9", "profile-id=0"), opus), 98, 99, 111, 0},
		{"chromium.sdp", streamOf(video("VP9", "profile-id=2"), opus), 100, 101, 111, 0},
		{"chromium.sdp", streamOf(video("AV1", "level-idx=5;profile=0;tier=0"), opus), 45, 46, 111, 0},
		{"chromium.sdp", streamOf(video("H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"), opus), 108, 109, 111, 0},
		{"chromium.sdp", streamOf(video("H264", "packetization-mode=1;profile-level-id=64001f"), opus), 39, 40, 111, 0},
		{"chromium.sdp", streamOf(opus), 0, 0, 111, 0},
		{"chromium.sdp", streamOf(video("VP8", "")), 96, 97, 0, 0},
		{"gstreamer.sdp", streamOf(video("H264", "packetization-mode=1;profile-level-id=42e01f"), opus), 96, 0, 97, 0},
		{"firefox.sdp", streamOf(video("VP8", ""), red), 120, 124, 109, 0},
		{"firefox.sdp", streamOf(video("H264", "packetization-mode=1;profile-level-id=42e01f"), opus), 126, 127, 109, 0},
		{"firefox.sdp", streamOf(video("H264", "profile-level-id=42e01f"), opus), 97, 98, 109, 0},
		{"safari.sdp", streamOf(video("VP8", ""), red), 100, 101, 111, 63},
		{"safari.sdp", streamOf(video("H264", "packetization-mode=1;profile-level-id=42e01f"), opus), 98, 99, 111, 0},
		{"safari.sdp", streamOf(video("H264", "packetization-mode=1;profile-level-id=4d001f"), opus), 96, 97, 111, 0},
		{"safari.sdp", streamOf(video("H264", "packetization-mode=1;profile-level-id=640028"), opus), 96, 97, 111, 0},
		{"audio.sdp", streamOf(video("VP8", ""), opus), 0, 0, 111, 0},
		{"twice.sdp", streamOf(video("VP8", ""), opus), 96, 0, 111, 0},
	} {
		t.Run(row.offer, func(t *testing.T) {
			offer := read(t, row.offer)
			if err := rtc.CheckOffer(offer); err != nil {
				t.Fatal(err)
			}
			r, err := Answer(offer, row.stream, node)
			if err != nil {
				t.Fatal(err)
			}
			if r.Video.Form.Type != row.video || r.Video.RTX != row.rtx || r.Audio.Form.Type != row.audio || r.Audio.Form.RED != row.red {
				t.Errorf("got video %d rtx %d audio %d red %d, want %d %d %d %d", r.Video.Form.Type, r.Video.RTX,
					r.Audio.Form.Type, r.Audio.Form.RED, row.video, row.rtx, row.audio, row.red)
			}
			if r.Peer.Ufrag == "" || r.Peer.Pwd == "" || len(r.Fingerprint.Sum) != 32 {
				t.Errorf("peer %+v, fingerprint of %d bytes", r.Peer, len(r.Fingerprint.Sum))
			}
			check(t, offer, r)
		})
	}
}

// check holds an answer to the rules that are the same for all (RFC 3264, RFC 9143, RFC 8839).
func check(t *testing.T, offer string, r Result) {
	t.Helper()
	var o, a sdp.SessionDescription
	if err := o.UnmarshalString(offer); err != nil {
		t.Fatal(err)
	}
	if err := a.UnmarshalString(r.SDP); err != nil {
		t.Fatalf("%v in\n%s", err, r.SDP)
	}
	if len(a.MediaDescriptions) != len(o.MediaDescriptions) {
		t.Fatalf("%d m-lines answer %d", len(a.MediaDescriptions), len(o.MediaDescriptions))
	}
	if _, ok := a.Attribute("ice-lite"); !ok {
		t.Error("no a=ice-lite")
	}
	bundle, _ := a.Attribute("group")
	for i, m := range a.MediaDescriptions {
		was := o.MediaDescriptions[i]
		mid, _ := m.Attribute("mid")
		if want, _ := was.Attribute("mid"); mid != want || m.MediaName.Media != was.MediaName.Media {
			t.Errorf("m-line %d: %s %s answers %s %s", i, m.MediaName.Media, mid, was.MediaName.Media, want)
		}
		bundled := strings.Contains(bundle+" ", " "+mid+" ")
		if m.MediaName.Port.Value == 0 {
			if !has(m, "inactive") || bundled {
				t.Errorf("m-line %d is rejected: inactive %v, in BUNDLE %v", i, has(m, "inactive"), bundled)
			}
			continue
		}
		setup, _ := m.Attribute("setup")
		if !has(m, "sendonly") || !bundled || setup != "passive" || !has(m, "rtcp-mux") {
			t.Errorf("m-line %d: not served as it should be\n%s", i, r.SDP)
		}
		candidates := 0
		for _, x := range m.Attributes {
			if x.Key == "candidate" {
				candidates++
			}
			// What the viewer only receives, the edge only sends (RFC 8285, section 6).
			if x.Key == "extmap" && !strings.Contains(offer, "a=extmap:"+strings.Replace(x.Value, "/sendonly ", "/recvonly ", 1)) {
				t.Errorf("a=extmap:%s was not offered", x.Value)
			}
		}
		if candidates != 2 {
			t.Errorf("m-line %d: %d candidates, want one for each address", i, candidates)
		}
		for _, f := range m.MediaName.Formats {
			if !strings.Contains(offer, "a=rtpmap:"+f+" ") {
				t.Errorf("payload type %s was not offered", f)
			}
		}
	}
}

// A session is kept for hours, and an offer is some kilobytes.
func TestResultDoesNotKeepTheOffer(t *testing.T) {
	offer := strings.Clone(read(t, "chromium.sdp"))
	r, err := Answer(offer, streamOf(video("VP8", ""), opus), node)
	if err != nil {
		t.Fatal(err)
	}
	from := uintptr(unsafe.Pointer(unsafe.StringData(offer)))
	for _, s := range []string{r.Peer.Ufrag, r.Peer.Pwd, r.Fingerprint.Hash, r.Video.Codec.Name, r.Video.Codec.FMTP, r.Audio.Codec.Name, r.Audio.Codec.FMTP} {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(s))); s != "" && at >= from && at < from+uintptr(len(offer)) {
			t.Errorf("%q is a part of the offer", s)
		}
	}
}

func TestExtensionsOfChromium(t *testing.T) {
	r, err := Answer(read(t, "chromium.sdp"), streamOf(video("VP8", ""), opus), node)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Video.Form
	if !f.Mixed || f.SendTime != 2 || f.Ext[rtpq.ExtVideoOrientation] != 3 || f.Ext[rtpq.ExtPlayoutDelay] != 5 {
		t.Errorf("video: %+v", f)
	}
	if f := r.Audio.Form; f.SendTime != 2 || f.Ext[rtpq.ExtAudioLevel] != 1 {
		t.Errorf("audio: %+v", f)
	}
	if f := r.Video.Form; f.Transport == 0 || f.Transport != r.Audio.Form.Transport || strings.Contains(r.SDP, "goog-remb") {
		t.Errorf("transport-wide numbers: %d and %d, want one id, and no REMB beside it\n%s", f.Transport, r.Audio.Form.Transport, r.SDP)
	}
	for _, want := range []string{
		"a=rtcp-fb:96 nack\r\n", "a=rtcp-fb:96 nack pli\r\n", "a=rtcp-fb:96 ccm fir\r\n", "a=rtcp-fb:96 transport-cc\r\n",
		"a=rtcp-fb:111 transport-cc\r\n", "a=ssrc-group:FID ",
	} {
		if !strings.Contains(r.SDP, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// Numbers that nobody tells of are not sent, and a receiver that numbers are not offered to guesses by itself.
func TestTransportFeedbackWantsBothHalves(t *testing.T) {
	offer := read(t, "chromium.sdp")
	for _, row := range []struct{ name, without string }{
		{"the feedback", " transport-cc"}, {"the extension", "transport-wide-cc-extensions-01"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := Answer(strings.ReplaceAll(offer, row.without, " x-"+row.without[1:]), streamOf(video("VP8", ""), opus), node)
			if err != nil {
				t.Fatal(err)
			}
			if r.Video.Form.Transport != 0 || strings.Contains(r.SDP, "transport-") || !strings.Contains(r.SDP, "a=rtcp-fb:96 goog-remb\r\n") {
				t.Errorf("id %d in\n%s", r.Video.Form.Transport, r.SDP)
			}
		})
	}
}

// pion has a space behind feedback that takes no parameter.
func TestFeedbackWithASpaceBehind(t *testing.T) {
	offer := strings.ReplaceAll(read(t, "chromium.sdp"), " transport-cc", " transport-cc ")
	r, err := Answer(offer, streamOf(video("VP8", ""), opus), node)
	if err != nil {
		t.Fatal(err)
	}
	if r.Video.Form.Transport == 0 || !strings.Contains(r.SDP, "a=rtcp-fb:96 transport-cc\r\n") {
		t.Errorf("transport-wide feedback is not agreed on:\n%s", r.SDP)
	}
}

// Without RTX no packet is ever sent again, so NACK is not agreed on.
func TestNoNACKWithoutRTX(t *testing.T) {
	r, err := Answer(read(t, "gstreamer.sdp"), streamOf(video("H264", "packetization-mode=1;profile-level-id=42e01f"), opus), node)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.SDP, "a=rtcp-fb:96 nack\r\n") || !strings.Contains(r.SDP, "a=rtcp-fb:96 nack pli\r\n") {
		t.Errorf("feedback in\n%s", r.SDP)
	}
}

func TestCodecUnsupported(t *testing.T) {
	for _, row := range []struct {
		name, offer string
		s           *stream.Stream
	}{
		{"codec", "gstreamer.sdp", streamOf(video("VP9", ""), opus)},
		{"H.264 profile", "gstreamer.sdp", streamOf(video("H264", "packetization-mode=1;profile-level-id=64001f"), opus)},
		{"nothing in common", "audio.sdp", streamOf(video("VP8", ""))},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Answer(read(t, row.offer), row.s, node)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Status != 406 || p.Type != "/problems/codec-unsupported" {
				t.Errorf("got %v, want 406 codec-unsupported", err)
			}
		})
	}
}

// Offers to which an answer would open nothing: both sides would wait for the other.
func TestBothWait(t *testing.T) {
	for _, row := range []struct{ name, old, now string }{
		{"DTLS", "a=setup:actpass", "a=setup:passive"},
		{"ICE", "a=group:", "a=ice-lite\r\na=group:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Answer(strings.ReplaceAll(read(t, "firefox.sdp"), row.old, row.now), streamOf(video("VP8", ""), opus), node)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Status != 422 || p.Type != "/problems/sdp-unsupported" {
				t.Errorf("got %v, want 422 sdp-unsupported", err)
			}
		})
	}
}

func TestFitH264(t *testing.T) {
	for _, row := range []struct {
		want, have string
		fit        fitness
	}{
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=42e01f", exact},
		{"packetization-mode=1;profile-level-id=42e034", "packetization-mode=1;profile-level-id=42e01f", exact}, // levels differ
		{"packetization-mode=1;profile-level-id=42c01f", "packetization-mode=1;profile-level-id=42e01f", exact},
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=0;profile-level-id=42e01f", unable},
		{"packetization-mode=0;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=42e01f", able},
		{"packetization-mode=1;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=42001f", able},
		{"packetization-mode=1;profile-level-id=4d001f", "packetization-mode=1;profile-level-id=64001f", able},
		{"packetization-mode=1;profile-level-id=64001f", "packetization-mode=1;profile-level-id=4d001f", unable},
		{"packetization-mode=1;profile-level-id=f4001f", "packetization-mode=1;profile-level-id=64001f", unable},
		{"packetization-mode=1;profile-level-id=zz", "packetization-mode=1;profile-level-id=64001f", unable},
		{"packetization-mode=1", "packetization-mode=1;profile-level-id=42e01f", exact},
	} {
		if got := fitH264(parameters(row.want), parameters(row.have)); got != row.fit {
			t.Errorf("%s for %s: got %d, want %d", row.have, row.want, got, row.fit)
		}
	}
}

// FuzzOffer answers whatever passes the checks, and the answer is SDP again.
func FuzzOffer(f *testing.F) {
	for _, name := range []string{"chromium.sdp", "gstreamer.sdp", "audio.sdp", "twice.sdp", "firefox.sdp", "safari.sdp"} {
		f.Add(read(f, name))
	}
	s := streamOf(video("VP8", ""), video("H264", "packetization-mode=1;profile-level-id=42e01f"), red)
	f.Fuzz(func(t *testing.T, offer string) {
		if rtc.CheckOffer(offer) != nil {
			return
		}
		r, err := Answer(offer, s, node)
		if err != nil {
			if _, ok := errors.AsType[*problem.Problem](err); !ok {
				t.Fatalf("not the viewer's fault: %v", err)
			}
			return
		}
		var back sdp.SessionDescription
		if err := back.UnmarshalString(r.SDP); err != nil {
			t.Fatalf("answer: %v\n%s", err, r.SDP)
		}
		if r.Peer.Ufrag == "" || len(r.Fingerprint.Sum) == 0 {
			t.Fatalf("no peer: %+v", r)
		}
	})
}
