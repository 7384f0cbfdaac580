package load

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pion/webrtc/v3"
)

// iceCredentials are one side's of a session (RFC 8445, section 5.3).
type iceCredentials struct{ ufrag, pwd string }

func newCredentials() iceCredentials {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	text := base64.RawStdEncoding.EncodeToString(b[:])
	return iceCredentials{ufrag: text[:8], pwd: text[8:]}
}

// A leanOffer is what all offers of a swarm have in common.
type leanOffer struct {
	codecs      []webrtc.RTPCodecParameters
	fingerprint string // sha-256, as SDP writes it
}

// text is the offer of the viewer at local.
func (o leanOffer) text(c iceCredentials, local netip.AddrPort) string {
	family := "IP4"
	if local.Addr().Is6() {
		family = "IP6"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0")
	line("o=- %d 1 IN IP4 127.0.0.1", uint64(local.Port())<<32|1)
	line("s=-")
	line("t=0 0")
	line("a=group:BUNDLE 0 1")
	line("a=extmap-allow-mixed")
	line("a=msid-semantic: WMS")
	for mid, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		var types []string
		for _, c := range o.codecs {
			if kindOf(c.MimeType) == kind {
				types = append(types, fmt.Sprint(c.PayloadType))
			}
		}
		line("m=%s %d UDP/TLS/RTP/SAVPF %s", kind, local.Port(), strings.Join(types, " "))
		line("c=IN %s %s", family, local.Addr())
		line("a=rtcp:9 IN IP4 0.0.0.0")
		line("a=ice-ufrag:%s", c.ufrag)
		line("a=ice-pwd:%s", c.pwd)
		line("a=fingerprint:sha-256 %s", o.fingerprint)
		line("a=setup:actpass")
		line("a=mid:%d", mid)
		line("a=recvonly")
		line("a=rtcp-mux")
		line("a=rtcp-rsize")
		for _, p := range o.codecs {
			if kindOf(p.MimeType) == kind {
				codecLines(line, p)
			}
		}
		// 126 for a host, as RFC 8445 section 5.1.2.2 has it.
		line("a=candidate:1 1 udp %d %s %d typ host", uint32(126<<24|65535<<8|255), local.Addr(), local.Port())
		line("a=end-of-candidates")
	}
	return b.String()
}

// printSum is a fingerprint as SDP writes it.
func printSum(sum [sha256.Size]byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

func codecLines(line func(string, ...any), p webrtc.RTPCodecParameters) {
	_, name, _ := strings.Cut(p.MimeType, "/")
	if p.Channels > 0 {
		line("a=rtpmap:%d %s/%d/%d", p.PayloadType, name, p.ClockRate, p.Channels)
	} else {
		line("a=rtpmap:%d %s/%d", p.PayloadType, name, p.ClockRate)
	}
	if p.SDPFmtpLine != "" {
		line("a=fmtp:%d %s", p.PayloadType, p.SDPFmtpLine)
	}
	for _, f := range p.RTCPFeedback {
		if f.Type == "nack" { // all that a lean viewer sends
			line("a=rtcp-fb:%d %s", p.PayloadType, strings.TrimSpace("nack "+f.Parameter))
		}
	}
}
