package janus

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// A format is what a viewer calls a codec.
type format struct {
	kind    string // audio or video
	codec   string // as in rtpmap, in small letters
	payload uint8
}

// wanted returns the first payload type of the offer for each codec that the publisher sends.
func wanted(offer string, codecs []format) ([]format, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return nil, err
	}
	var found []format
	for _, f := range codecs {
		payload, ok := payloadOf(&d, f)
		if !ok {
			continue
		}
		f.payload = payload
		found = append(found, f)
	}
	if len(found) == 0 {
		return nil, errors.New("the offer has none of the codecs that are sent")
	}
	return found, nil
}

// payloadOf returns the number that d's first m-line of f's kind gives f's codec.
func payloadOf(d *sdp.SessionDescription, f format) (uint8, bool) {
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Media != f.kind {
			continue
		}
		for _, a := range m.Attributes {
			if a.Key != "rtpmap" {
				continue
			}
			number, rest, _ := strings.Cut(a.Value, " ")
			name, _, _ := strings.Cut(rest, "/")
			n, err := strconv.ParseUint(number, 10, 7)
			if err == nil && strings.EqualFold(name, f.codec) {
				return uint8(n), true
			}
		}
		return 0, false
	}
	return 0, false
}

// cross makes two answers out of two offers, the viewer's and Janus', each to be given to the other side: the
// Janus of Debian takes no offers. Both think that they offered, so that each is told what it does: the viewer
// begins with ICE, for which Janus, being lite, waits; and Janus with DTLS, since it drops a ClientHello that comes
// before it is ready, and the next comes a second later. Candidates, keys and fingerprints go over as they are.
func cross(viewer, gateway string) (forViewer, forGateway string, err error) {
	var v, g sdp.SessionDescription
	if err := errors.Join(v.UnmarshalString(viewer), g.UnmarshalString(gateway)); err != nil {
		return "", "", err
	}
	for _, m := range slices.Concat(v.MediaDescriptions, g.MediaDescriptions) {
		if len(m.MediaName.Formats) == 0 {
			return "", "", fmt.Errorf("m=%s has no formats", m.MediaName.Media)
		}
	}
	pairs := map[*sdp.MediaDescription]*sdp.MediaDescription{} // of each side, the other's
	for _, m := range g.MediaDescriptions {
		for _, o := range v.MediaDescriptions {
			if pairs[o] == nil && o.MediaName.Media == m.MediaName.Media {
				pairs[o], pairs[m] = m, o
				break
			}
		}
		if pairs[m] == nil {
			return "", "", fmt.Errorf("janus offers %s, and the viewer does not", m.MediaName.Media)
		}
	}
	return answerTo(&v, &g, pairs, "sendonly", "active", true), answerTo(&g, &v, pairs, "recvonly", "passive", false), nil
}

// answerTo answers offer with what stands in other, the offer of who is to be reached.
func answerTo(offer, other *sdp.SessionDescription, pairs map[*sdp.MediaDescription]*sdp.MediaDescription, direction, setup string, lite bool) string {
	var mids []string
	for _, m := range offer.MediaDescriptions {
		if mid, _ := m.Attribute("mid"); pairs[m] != nil {
			mids = append(mids, mid)
		}
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0")
	line("o=- 1 1 IN IP4 127.0.0.1")
	line("s=-")
	line("t=0 0")
	line("a=group:BUNDLE %s", strings.Join(mids, " "))
	if lite {
		line("a=ice-lite")
	}
	for _, m := range offer.MediaDescriptions {
		o := pairs[m]
		mid, _ := m.Attribute("mid")
		if o == nil {
			line("m=%s 0 UDP/TLS/RTP/SAVPF %s", m.MediaName.Media, m.MediaName.Formats[0])
			line("c=IN IP4 0.0.0.0")
			line("a=mid:%s", mid)
			line("a=inactive")
			continue
		}
		source := o // of codecs: Janus knows the one it sends
		if !lite {
			source = m
		}
		payload := source.MediaName.Formats[0]
		line("m=%s 9 UDP/TLS/RTP/SAVPF %s", m.MediaName.Media, payload)
		line("c=IN IP4 0.0.0.0")
		line("a=mid:%s", mid)
		line("a=%s", direction)
		line("a=rtcp-mux")
		line("a=setup:%s", setup)
		for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
			line("a=%s:%s", key, attribute(other, o, key))
		}
		ssrc, _ := source.Attribute("ssrc")
		ssrc, _, _ = strings.Cut(ssrc, " ") // the first; a second is of RTX, which is not taken over
		for _, a := range source.Attributes {
			switch number, _, _ := strings.Cut(a.Value, " "); {
			case (a.Key == "rtpmap" || a.Key == "fmtp" || a.Key == "rtcp-fb") && number == payload:
				line("a=%s:%s", a.Key, a.Value)
			case lite && (a.Key == "msid" || a.Key == "ssrc" && number == ssrc):
				line("a=%s:%s", a.Key, a.Value)
			}
		}
		for _, a := range o.Attributes {
			if a.Key == "candidate" {
				line("a=candidate:%s", a.Value)
			}
		}
		line("a=end-of-candidates")
	}
	return b.String()
}

// attribute returns the value in force for m.
func attribute(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) string {
	if s, ok := m.Attribute(key); ok {
		return s
	}
	s, _ := d.Attribute(key)
	return s
}
