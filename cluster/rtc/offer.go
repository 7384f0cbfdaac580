package rtc

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pion/sdp/v3"

	"freshet/proto/problem"
)

// Limits of one offer (RELIABILITY, section 4).
const (
	maxMedia      = 4
	maxCandidates = 32
	maxSSRCs      = 16
)

// CheckOffer says whether an offer is one that Freshet can answer: nil, or a *problem.Problem of 400
// for what is no SDP and 422 for SDP that asks for what is not done (RELIABILITY, sections 4 and 5).
func CheckOffer(offer string) error {
	if strings.TrimSpace(offer) == "" {
		return errMalformed("the offer is empty")
	}
	if !utf8.ValidString(offer) || strings.ContainsRune(offer, 0) || !strings.HasPrefix(offer, "v=0") {
		return errMalformed("the offer does not begin like SDP", problem.Field{Pointer: "/line/1", Detail: "must be v=0"})
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return errMalformed("the offer does not parse as SDP (RFC 8866)")
	}
	if p := checkMedia(&d, mediaLines(offer)); p != nil {
		return p
	}
	if ssrcs(&d) > maxSSRCs {
		return errUnsupported("an offer names at most " + strconv.Itoa(maxSSRCs) + " SSRCs")
	}
	return nil
}

// checkMedia goes through the m-lines; lines[i] is where the i-th stands in the offer.
func checkMedia(d *sdp.SessionDescription, lines []int) *problem.Problem {
	if len(d.MediaDescriptions) == 0 {
		return errUnsupported("the offer has no audio and no video")
	}
	if len(d.MediaDescriptions) > maxMedia {
		return errUnsupported("an offer has at most " + strconv.Itoa(maxMedia) + " m-lines")
	}
	bundle, _ := d.Attribute("group")
	mids := strings.Fields(bundle)
	var wrong []problem.Field
	seen := map[string]bool{}
	for i, m := range d.MediaDescriptions {
		at := func(detail string) {
			f := problem.Field{Detail: detail}
			if i < len(lines) {
				f.Pointer = "/line/" + strconv.Itoa(lines[i])
			}
			wrong = append(wrong, f)
		}
		mid, _ := m.Attribute("mid")
		switch {
		case m.MediaName.Media == "application":
			at("data channels are not taken")
			continue
		case m.MediaName.Media != "audio" && m.MediaName.Media != "video":
			at("only audio and video are taken")
			continue
		}
		if !slices.Contains(m.MediaName.Protos, "SAVPF") {
			at("the transport must be UDP/TLS/RTP/SAVPF")
		}
		if mid == "" || seen[mid] {
			at("a=mid is missing or not unique")
		}
		seen[mid] = true
		if len(mids) == 0 || mids[0] != "BUNDLE" || !slices.Contains(mids[1:], mid) {
			at("the m-line is not in a=group:BUNDLE")
		}
		if !has(d, m, "rtcp-mux") {
			at("a=rtcp-mux is missing")
		}
		if detail := checkTransport(d, m); detail != "" {
			at(detail)
		}
	}
	if len(wrong) > 0 {
		return errUnsupported("the offer asks for what is not done here", wrong...)
	}
	return nil
}

// checkTransport returns what is wrong with the ICE and DTLS attributes in force for m, empty where nothing is.
func checkTransport(d *sdp.SessionDescription, m *sdp.MediaDescription) string {
	if !validUfrag(value(d, m, "ice-ufrag")) {
		return "a=ice-ufrag is missing or has the wrong length (RFC 8839)"
	}
	if !validPwd(value(d, m, "ice-pwd")) {
		return "a=ice-pwd is missing or has the wrong length (RFC 8839)"
	}
	if value(d, m, "setup") == "holdconn" {
		return "a=setup:holdconn opens nothing"
	}
	hash, print, _ := strings.Cut(value(d, m, "fingerprint"), " ")
	size, ok := map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}[strings.ToLower(hash)]
	if !ok {
		return "a=fingerprint must be of SHA-256, SHA-384 or SHA-512"
	}
	if b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(print), ":", "")); err != nil || len(b) != size {
		return "a=fingerprint has the wrong length"
	}
	return ""
}

// Lengths of ICE credentials: RFC 8839, section 5.4.
func validUfrag(s string) bool { return len(s) >= 4 && len(s) <= 256 }
func validPwd(s string) bool   { return len(s) >= 22 && len(s) <= 256 }

// value returns an attribute of m, or of the session where m has none.
func value(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) string {
	if v, ok := m.Attribute(key); ok {
		return v
	}
	v, _ := d.Attribute(key)
	return v
}

func has(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) bool {
	_, inMedia := m.Attribute(key)
	_, inSession := d.Attribute(key)
	return inMedia || inSession
}

// ssrcs counts the SSRCs that an offer names.
func ssrcs(d *sdp.SessionDescription) int {
	seen := map[string]bool{}
	for _, m := range d.MediaDescriptions {
		for _, a := range m.Attributes {
			if a.Key == "ssrc" {
				id, _, _ := strings.Cut(a.Value, " ")
				seen[id] = true
			}
		}
	}
	return len(seen)
}

// mediaLines returns the numbers of the lines that begin with m=, from 1.
func mediaLines(offer string) (lines []int) {
	n := 0
	for line := range strings.Lines(offer) {
		n++
		if strings.HasPrefix(line, "m=") {
			lines = append(lines, n)
		}
	}
	return lines
}

const candidateLine = "a=candidate:"

// trimCandidates takes the candidates beyond maxCandidates out of an offer, and counts them.
func trimCandidates(offer string) (trimmed string, dropped int) {
	if countCandidates(offer) <= maxCandidates {
		return offer, 0
	}
	var b strings.Builder
	kept := 0
	for line := range strings.Lines(offer) {
		if strings.HasPrefix(line, candidateLine) {
			if kept == maxCandidates {
				dropped++
				continue
			}
			kept++
		}
		b.WriteString(line)
	}
	return b.String(), dropped
}

func countCandidates(offer string) (n int) {
	for line := range strings.Lines(offer) {
		if strings.HasPrefix(line, candidateLine) {
			n++
		}
	}
	return n
}

// iceUfrag returns the first ICE user name fragment of an offer: bundled m-lines have one.
func iceUfrag(offer string) string {
	for line := range strings.Lines(offer) {
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
