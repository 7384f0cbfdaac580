package whip

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// feedbacks that the origin sends or understands (RFC 4585, RFC 5104, transport-wide congestion control).
var feedbacks = []string{"nack", "nack pli", "ccm fir", "transport-cc"}

// text writes the offer that the plan comes down to. version rises with each ICE restart.
func (p *plan) text(version int) string {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	put("v=0")
	put("o=- 1 %d IN IP4 0.0.0.0", version)
	put("s=-")
	put("t=0 0")
	mids := make([]string, 0, len(p.lines))
	for _, l := range p.lines {
		mids = append(mids, l.mid)
	}
	put("a=group:BUNDLE %s", strings.Join(mids, " "))
	if p.allowMixed {
		put("a=extmap-allow-mixed")
	}
	for i, l := range p.lines {
		l.media(put)
		put("a=ice-ufrag:%s", p.ufrag)
		put("a=ice-pwd:%s", p.pwd)
		put("a=ice-options:trickle")
		put("a=fingerprint:%s", p.hash)
		put("a=setup:%s", p.setup)
		if i == 0 {
			for _, c := range p.candidates {
				put("a=candidate:%s", c)
			}
		}
	}
	return b.String()
}

// media writes an m-line up to what all of them share.
func (l *line) media(put func(format string, args ...any)) {
	codecs := []codec{l.codec}
	if l.helper != nil {
		codecs = append(codecs, *l.helper)
	}
	if l.preferred {
		slices.Reverse(codecs)
	}
	types := make([]string, 0, len(codecs))
	for _, c := range codecs {
		types = append(types, strconv.Itoa(int(c.pt)))
	}
	put("m=%s 9 UDP/TLS/RTP/SAVPF %s", l.kind, strings.Join(types, " "))
	put("c=IN IP4 0.0.0.0")
	put("a=mid:%s", l.mid)
	put("a=rtcp-mux")
	if l.small {
		put("a=rtcp-rsize")
	}
	for _, c := range codecs {
		put("a=rtpmap:%d %s/%d%s", c.pt, c.Name, c.ClockRate, channels(c))
		if c.FMTP != "" {
			put("a=fmtp:%d %s", c.pt, c.FMTP)
		}
		for _, f := range feedbacks {
			if c.wants(f) {
				put("a=rtcp-fb:%d %s", c.pt, f)
			}
		}
	}
	for _, e := range l.extensions {
		put("a=extmap:%d %s", e.id, e.uri)
	}
	if !l.send {
		put("a=inactive")
		return
	}
	put("a=sendonly")
	put("a=msid:freshet %s", l.mid) // pion wants one before it looks at rids
	l.streams(put)
}

// streams writes how an m-line's packets are told apart.
func (l *line) streams(put func(format string, args ...any)) {
	if len(l.layers) > 0 {
		rids := make([]string, 0, len(l.layers))
		for _, y := range l.layers {
			put("a=rid:%s send", y.rid)
			rids = append(rids, y.rid)
		}
		put("a=simulcast:send %s", strings.Join(rids, ";"))
		return
	}
	if l.rtx != 0 {
		put("a=ssrc-group:FID %d %d", l.ssrc, l.rtx)
	}
	for _, id := range slices.Compact([]uint32{l.ssrc, l.rtx}) {
		if id != 0 {
			put("a=ssrc:%d cname:freshet", id)
		}
	}
}

func channels(c codec) string {
	if c.Channels == 0 || c.Name != "opus" && c.Channels < 2 {
		return ""
	}
	return "/" + strconv.Itoa(int(c.Channels))
}
