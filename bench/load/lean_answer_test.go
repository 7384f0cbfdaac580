package load

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"

	"freshet/cluster/stream"
)

const leanExample = `v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-lite
m=video 7000 UDP/TLS/RTP/SAVPF 105 104 106
c=IN IP4 192.0.2.1
a=ice-ufrag:ufrag
a=ice-pwd:password-of-the-server
a=fingerprint:SHA-256 AA:BB
a=setup:passive
a=mid:0
a=rtpmap:104 VP8/90000
a=rtcp-fb:104 nack
a=rtcp-fb:104 nack pli
a=rtpmap:105 rtx/90000
a=fmtp:105 apt=104
a=rtpmap:106 VP9/90000
a=candidate:1 1 udp 100 192.0.2.1 7000 typ host
a=candidate:2 1 UDP 200 2001:db8::1 7000 typ host
a=candidate:3 1 tcp 900 192.0.2.1 7000 typ host tcptype passive
a=candidate:4 1 udp 900 name.local 7000 typ host
a=candidate:5 2 udp 900 192.0.2.1 7001 typ host
m=audio 7000 UDP/TLS/RTP/SAVPF 111
c=IN IP4 192.0.2.1
a=mid:1
a=rtpmap:111 OPUS/48000/2
a=candidate:1 1 udp 100 192.0.2.1 7000 typ host
`

func TestLeanAnswer(t *testing.T) {
	got, err := parseLeanAnswer(strings.ReplaceAll(leanExample, "\n", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := leanAnswer{
		peer: iceCredentials{"ufrag", "password-of-the-server"}, hash: "sha-256", sum: []byte{0xaa, 0xbb},
		candidates: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:7000"), netip.MustParseAddrPort("192.0.2.1:7000")},
		video: leanMedia{[]leanFormat{
			{codec: stream.Codec{Name: "VP8", ClockRate: 90000}, typ: 104, rtx: 105, nack: true},
			{codec: stream.Codec{Name: "VP9", ClockRate: 90000}, typ: 106},
		}},
		audio: leanMedia{[]leanFormat{{codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}, typ: 111}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, c := range []struct{ name, old, now, want string }{
		{"no fingerprint", "a=fingerprint", "a=x", "fingerprint"},
		{"no hex", "AA:BB", "XX", "fingerprint"},
		{"no credentials", "a=ice-pwd", "a=x", "credentials"},
		{"no candidate", "a=candidate", "a=x", "candidate"},
		{"no codec", "VP8", "VP88", ""},
		{"nothing served", " 7000 UDP/", " 0 UDP/", "serves nothing"},
	} {
		a, err := parseLeanAnswer(strings.ReplaceAll(strings.ReplaceAll(leanExample, c.old, c.now), "\n", "\r\n"))
		if c.want == "" && (err != nil || len(a.video.formats) != 1 || a.video.formats[0].codec.Name != "VP9") {
			t.Errorf("%s: got %+v, %v, want the other codec", c.name, a.video, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
	}
	many := strings.Repeat("a=candidate:1 1 udp 100 192.0.2.PLACE 7000 typ host\r\n", 1)
	var all strings.Builder
	for i := range 40 {
		all.WriteString(strings.ReplaceAll(many, "PLACE", string(rune('0'+i%10))+string(rune('0'+i/10))))
	}
	a, err := parseLeanAnswer(strings.ReplaceAll(leanExample, "\n", "\r\n") + all.String())
	if err != nil || len(a.candidates) != mostCandidates {
		t.Errorf("%d candidates, %v, want %d", len(a.candidates), err, mostCandidates)
	}
}

func TestLeanOfferIsSDP(t *testing.T) {
	codecs, err := offered(PlayConfig{})
	if err != nil {
		t.Fatal(err)
	}
	one, two := newCredentials(), newCredentials()
	if one == two || len(one.ufrag) < 4 || len(one.pwd) < 22 { // RFC 8839, section 5.4
		t.Errorf("credentials %+v and %+v", one, two)
	}
	text := leanOffer{codecs: codecs, fingerprint: "AA:BB"}.text(one, netip.MustParseAddrPort("[2001:db8::1]:5000"))
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(d.MediaDescriptions) != 2 {
		t.Fatalf("%d m-lines", len(d.MediaDescriptions))
	}
	for _, m := range d.MediaDescriptions {
		value, _ := m.Attribute("candidate")
		if c, ok := parseCandidate(value); !ok || c.at.String() != "[2001:db8::1]:5000" {
			t.Errorf("candidate %q", value)
		}
		if pwd, _ := m.Attribute("ice-pwd"); pwd != one.pwd {
			t.Errorf("ice-pwd %q", pwd)
		}
	}
}

func TestLeanControl(t *testing.T) {
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: 9, NTPTime: 0x1122334455667788}, &rtcp.SourceDescription{}, &rtcp.Goodbye{Sources: []uint32{9}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, bye := parseControl(b); r != (senderTime{9, 0x33445566}) || !bye {
		t.Errorf("got %+v, bye %v", r, bye)
	}
	if r, bye := parseControl(b[:28]); r.ssrc != 9 || bye {
		t.Errorf("cut short: got %+v, bye %v", r, bye)
	}
}

func TestRTPBody(t *testing.T) {
	p := rtp.Packet{Header: rtp.Header{Version: 2, CSRC: []uint32{1, 2}}, Payload: []byte("media")}
	if err := p.SetExtension(1, []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if body, ok := rtpBody(b); !ok || string(body) != "media" {
		t.Errorf("got %q, %v", body, ok)
	}
	b[0] |= 0x20
	for _, c := range []struct {
		tail []byte
		want string
		ok   bool
	}{{[]byte{0, 0, 3}, "media", true}, {[]byte{0}, "", false}, {[]byte{200}, "", false}, {[]byte{6}, "", true}} {
		if body, ok := rtpBody(append(b[:len(b):len(b)], c.tail...)); ok != c.ok || string(body) != c.want {
			t.Errorf("padding %v: got %q, %v, want %q, %v", c.tail, body, ok, c.want, c.ok)
		}
	}
}

func FuzzLeanAnswer(f *testing.F) {
	f.Add(strings.ReplaceAll(leanExample, "\n", "\r\n"))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > maxAnswer {
			return
		}
		a, err := parseLeanAnswer(text)
		if err != nil {
			return
		}
		if a.peer.ufrag == "" || len(a.sum) == 0 || len(a.candidates) == 0 || len(a.candidates) > mostCandidates || !a.video.served() && !a.audio.served() {
			t.Errorf("taken: %+v", a)
		}
		_ = a.verify([][]byte{{1}}, nil)
	})
}

func FuzzLeanPackets(f *testing.F) {
	f.Add([]byte{0x90, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0xbe, 0xde, 0, 0, 0x10, 0, 0}, []byte{0x80, 203, 0, 1, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, media, control []byte) {
		parseControl(control)
		body, ok := rtpBody(media)
		if !ok {
			return
		}
		for _, name := range []string{"VP8", "VP9", "H264", "AV1"} {
			l := newLeanTrack(stream.Video, videoCodec(name, ""))
			for i := range uint16(3) {
				l.add(leanPacket{seq: i, payload: body, marker: true}, l.start)
			}
			if l.packets != 3 || l.lost() != 0 {
				t.Errorf("%s: %d packets, lost %d", name, l.packets, l.lost())
			}
		}
	})
}
