package whip

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"freshet/cluster/stream"
)

// A codec is one payload type of an m-line as it was offered.
type codec struct {
	stream.Codec
	pt       uint8
	feedback []string // "nack pli"
}

// offeredCodecs returns an m-line's payload types in the offer's order, those without a usable
// a=rtpmap left out.
func offeredCodecs(m *sdp.MediaDescription) []codec {
	var all []codec
	for _, format := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(format, 10, 7)
		if err != nil {
			continue
		}
		c := codec{pt: uint8(pt)}
		for _, a := range m.Attributes {
			of, rest, _ := strings.Cut(a.Value, " ")
			if of != format && (of != "*" || a.Key != "rtcp-fb") {
				continue
			}
			switch a.Key {
			case "rtpmap":
				c.setMap(rest)
			case "fmtp":
				c.FMTP = rest
			case "rtcp-fb":
				c.feedback = append(c.feedback, strings.TrimSpace(rest))
			}
		}
		if c.ClockRate != 0 {
			all = append(all, c)
		}
	}
	return all
}

// setMap reads what follows the payload type in a=rtpmap.
func (c *codec) setMap(value string) {
	parts := strings.Split(strings.TrimSpace(value), "/")
	if len(parts) < 2 {
		return
	}
	rate, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return
	}
	c.Name, c.ClockRate = parts[0], uint32(rate)
	if len(parts) > 2 {
		channels, _ := strconv.ParseUint(parts[2], 10, 16)
		c.Channels = uint16(channels)
	}
}

// maxFMTP is how long a=fmtp may be, in bytes: real ones have under 100, and the mesh carries it to every node.
const maxFMTP = 256

// known returns c under the name this code uses for it, and false where Freshet does not carry it.
func (c codec) known(kind stream.Kind) (codec, bool) {
	if len(c.FMTP) > maxFMTP {
		return c, false
	}
	fmtp := parameters(c.FMTP)
	switch strings.ToLower(c.Name) {
	case "h264":
		c.Name = "H264"
		// Profiles that browsers decode: baseline, main, high; any level (RFC 6184, section 8.1).
		id := strings.ToLower(orElse(fmtp["profile-level-id"], "42000a"))
		mode := orElse(fmtp["packetization-mode"], "0")
		ok := len(id) == 6 && slices.Contains([]string{"42", "4d", "64"}, id[:2]) && (mode == "0" || mode == "1")
		c.FMTP = "level-asymmetry-allowed=" + orElse(fmtp["level-asymmetry-allowed"], "0") +
			";packetization-mode=" + mode + ";profile-level-id=" + id
		return c, ok && kind == stream.Video && c.ClockRate == 90000
	case "vp8":
		c.Name = "VP8"
		return c, kind == stream.Video && c.ClockRate == 90000
	case "vp9":
		c.Name = "VP9"
		id := orElse(fmtp["profile-id"], "0")
		return c, kind == stream.Video && c.ClockRate == 90000 && (id == "0" || id == "2")
	case "av1":
		c.Name = "AV1"
		id := orElse(fmtp["profile"], "0")
		return c, kind == stream.Video && c.ClockRate == 90000 && (id == "0" || id == "1")
	case "opus":
		c.Name = "opus"
		return c, kind == stream.Audio && c.ClockRate == 48000 && c.Channels == 2
	}
	return c, false
}

// rtx returns the retransmission format of c (RFC 4588), and false where none is offered.
func rtx(all []codec, c codec) (codec, bool) {
	for _, r := range all {
		if strings.EqualFold(r.Name, "rtx") && r.ClockRate == c.ClockRate && parameters(r.FMTP)["apt"] == strconv.Itoa(int(c.pt)) {
			r.FMTP = "apt=" + strconv.Itoa(int(c.pt)) // rtx-time may stand beside it; nothing here needs it
			return r, true
		}
	}
	return codec{}, false
}

// red returns the redundancy format over c (RFC 2198), and false where none is offered.
func red(all []codec, c codec) (codec, bool) {
	pt := strconv.Itoa(int(c.pt))
	for _, r := range all {
		if strings.EqualFold(r.Name, "red") && r.ClockRate == c.ClockRate && (r.FMTP == pt || strings.HasPrefix(r.FMTP, pt+"/")) {
			return r, true
		}
	}
	return codec{}, false
}

func (c codec) wants(feedback string) bool { return slices.Contains(c.feedback, feedback) }

func parameters(fmtp string) map[string]string {
	all := map[string]string{}
	for part := range strings.SplitSeq(fmtp, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			all[strings.ToLower(k)] = strings.TrimSpace(v)
		}
	}
	return all
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
