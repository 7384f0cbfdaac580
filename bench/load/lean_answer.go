package load

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"freshet/cluster/stream"
)

// Bounds of what is taken from one answer.
const (
	mostCandidates = 8
	mostFormats    = 16 // codecs of one line
)

// A leanAnswer is what a lean viewer takes from an answer. It shares no memory with the text.
type leanAnswer struct {
	peer       iceCredentials
	hash       string // of the fingerprint, lower case
	sum        []byte
	serve      bool             // the server opens DTLS, so the viewer is the one that answers
	candidates []netip.AddrPort // of UDP, best first
	video      leanMedia
	audio      leanMedia
}

// A leanMedia is what one line of an answer may carry; the zero value is a line that is not served.
type leanMedia struct{ formats []leanFormat }

func (m leanMedia) served() bool { return len(m.formats) > 0 }

// A leanFormat is one codec of a line.
type leanFormat struct {
	codec    stream.Codec
	typ, rtx uint8 // rtx is 0 where there is none
	nack     bool
}

// parseLeanAnswer reads an answer (RFC 8829) and returns an error where a lean viewer cannot use it.
func parseLeanAnswer(text string) (leanAnswer, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return leanAnswer{}, err
	}
	var a leanAnswer
	var all []candidate
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Port.Value == 0 {
			continue
		}
		value := func(key string) string {
			if v, ok := m.Attribute(key); ok {
				return v
			}
			v, _ := d.Attribute(key)
			return v
		}
		if a.peer.ufrag == "" { // all are one bundle
			a.peer = iceCredentials{strings.Clone(value("ice-ufrag")), strings.Clone(value("ice-pwd"))}
			hash, sum, _ := strings.Cut(value("fingerprint"), " ")
			a.hash = strings.ToLower(hash)
			a.sum, _ = hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(sum), ":", "")) // an empty one is refused below
			a.serve = value("setup") == "active"
		}
		for _, x := range slices.Concat(d.Attributes, m.Attributes) {
			if x.Key != "candidate" {
				continue
			}
			if c, ok := parseCandidate(x.Value); ok && !slices.ContainsFunc(all, func(o candidate) bool { return o.at == c.at }) {
				all = append(all, c)
			}
		}
		media := &a.video
		if m.MediaName.Media == "audio" {
			media = &a.audio
		} else if m.MediaName.Media != "video" {
			continue
		}
		if !media.served() {
			*media = parseLeanMedia(m)
		}
	}
	slices.SortStableFunc(all, func(x, y candidate) int { return cmp.Compare(y.priority, x.priority) })
	for _, c := range all[:min(len(all), mostCandidates)] {
		a.candidates = append(a.candidates, c.at)
	}
	switch {
	case !a.video.served() && !a.audio.served():
		return leanAnswer{}, errors.New("the answer serves nothing that was offered")
	case a.peer.ufrag == "" || a.peer.pwd == "":
		return leanAnswer{}, errors.New("the answer has no ICE credentials")
	case len(a.sum) == 0:
		return leanAnswer{}, errors.New("the answer has no fingerprint")
	case len(a.candidates) == 0:
		return leanAnswer{}, errors.New("the answer has no candidate of UDP")
	}
	return a, nil
}

// parseLeanMedia returns the codecs that m takes: which of them comes, the packets tell.
func parseLeanMedia(m *sdp.MediaDescription) (media leanMedia) {
	for _, f := range m.MediaName.Formats {
		name, clock, channels := rtpmap(m, f)
		typ, err := strconv.ParseUint(f, 10, 7)
		if err != nil || clock == 0 || len(media.formats) == mostFormats {
			continue
		}
		switch name = codecName("/" + name); name {
		case "H264", "VP8", "VP9", "AV1", "opus":
			media.formats = append(media.formats, leanFormat{
				codec: stream.Codec{Name: strings.Clone(name), ClockRate: clock, Channels: channels}, typ: uint8(typ),
			})
		}
	}
	for _, x := range m.Attributes {
		number, rest, _ := strings.Cut(x.Value, " ")
		switch x.Key {
		case "rtcp-fb":
			for i := range media.formats {
				f := &media.formats[i]
				f.nack = f.nack || strings.TrimSpace(rest) == "nack" && (number == "*" || number == strconv.Itoa(int(f.typ)))
			}
		case "fmtp":
			typ, err := strconv.ParseUint(number, 10, 7)
			if name, _, _ := rtpmap(m, number); err != nil || !strings.EqualFold(name, "rtx") {
				continue
			}
			for i := range media.formats {
				if f := &media.formats[i]; apt(rest) == strconv.Itoa(int(f.typ)) {
					f.rtx = uint8(typ)
				}
			}
		}
	}
	return media
}

// rtpmap returns what m says of a payload type; clock is 0 where that is nothing.
func rtpmap(m *sdp.MediaDescription, format string) (name string, clock uint32, channels uint16) {
	for _, x := range m.Attributes {
		number, rest, _ := strings.Cut(x.Value, " ")
		if x.Key != "rtpmap" || number != format {
			continue
		}
		parts := strings.Split(strings.TrimSpace(rest), "/")
		if len(parts) < 2 {
			return "", 0, 0
		}
		rate, err := strconv.ParseUint(parts[1], 10, 32)
		if err != nil {
			return "", 0, 0
		}
		if len(parts) > 2 {
			n, _ := strconv.ParseUint(parts[2], 10, 16) // 0 where it is no number
			channels = uint16(n)
		}
		return parts[0], uint32(rate), channels
	}
	return "", 0, 0
}

// apt returns the payload type that an rtx format repeats (RFC 4588).
func apt(params string) string {
	for p := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "apt="); ok {
			return v
		}
	}
	return ""
}

type candidate struct {
	at       netip.AddrPort
	priority uint64
}

// parseCandidate reads a=candidate (RFC 8839, section 5.1); ok is false for what is not RTP over UDP at an address.
func parseCandidate(text string) (c candidate, ok bool) {
	f := strings.Fields(text)
	if len(f) < 6 || f[1] != "1" || !strings.EqualFold(f[2], "udp") {
		return candidate{}, false
	}
	priority, err := strconv.ParseUint(f[3], 10, 32)
	if err != nil {
		return candidate{}, false
	}
	addr, err := netip.ParseAddr(f[4])
	if err != nil || addr.IsUnspecified() || addr.IsMulticast() || addr.Zone() != "" {
		return candidate{}, false
	}
	port, err := strconv.ParseUint(f[5], 10, 16)
	if err != nil || port == 0 {
		return candidate{}, false
	}
	return candidate{at: netip.AddrPortFrom(addr.Unmap(), uint16(port)), priority: priority}, true
}

var errFingerprint = errors.New("the certificate is not the one of the answer")

// verify holds the server's certificate to the answer. It has the form that DTLS calls.
func (a *leanAnswer) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 {
		return errFingerprint
	}
	var sum []byte
	switch a.hash {
	case "sha-256":
		s := sha256.Sum256(raw[0])
		sum = s[:]
	case "sha-384":
		s := sha512.Sum384(raw[0])
		sum = s[:]
	case "sha-512":
		s := sha512.Sum512(raw[0])
		sum = s[:]
	default:
		return fmt.Errorf("fingerprint of %q: %w", a.hash, errFingerprint)
	}
	if !bytes.Equal(sum, a.sum) {
		return errFingerprint
	}
	return nil
}
