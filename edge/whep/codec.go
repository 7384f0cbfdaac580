package whep

import (
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"freshet/cluster/stream"
)

// A format is one payload type of an m-line.
type format struct {
	typ      uint8
	name     string
	rate     uint32
	channels uint16
	fmtp     map[string]string
	raw      string // fmtp as it came
}

// formats returns the payload types of m, in its order of preference; static ones without a=rtpmap are left out.
func formats(m *sdp.MediaDescription) (all []format) {
	maps, params := map[string]string{}, map[string]string{}
	for _, a := range m.Attributes {
		typ, rest, _ := strings.Cut(a.Value, " ")
		switch a.Key {
		case "rtpmap":
			maps[typ] = rest
		case "fmtp":
			params[typ] = rest
		}
	}
	for _, typ := range m.MediaName.Formats {
		n, err := strconv.ParseUint(typ, 10, 7)
		if err != nil || n == 0 || n >= 64 && n < 96 && maps[typ] == "" || maps[typ] == "" {
			continue
		}
		f := format{typ: uint8(n), raw: params[typ], fmtp: parameters(params[typ])}
		parts := strings.Split(maps[typ], "/")
		f.name = parts[0]
		if len(parts) > 1 {
			rate, _ := strconv.ParseUint(parts[1], 10, 32)
			f.rate = uint32(rate)
		}
		if len(parts) > 2 {
			channels, _ := strconv.ParseUint(parts[2], 10, 16)
			f.channels = uint16(channels)
		}
		all = append(all, f)
	}
	return all
}

// parameters reads a=fmtp: key=value; key=value. Keys are in lower case.
func parameters(s string) map[string]string {
	p := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if key != "" {
			p[strings.ToLower(key)] = value
		}
	}
	return p
}

// match returns the payload type under which a viewer can take packets of c; ok is false where there is none.
// An equal profile is preferred over a higher one.
func match(all []format, c stream.Codec) (best format, ok bool) {
	want := parameters(c.FMTP)
	for _, f := range all {
		if !strings.EqualFold(f.name, c.Name) || f.rate != c.ClockRate {
			continue
		}
		switch fit(c.Name, want, f.fmtp) {
		case exact:
			return f, true
		case able:
			if !ok {
				best, ok = f, true
			}
		}
	}
	return best, ok
}

type fitness int

const (
	unable fitness = iota
	able
	exact
)

// fit says whether a decoder that offers have plays a stream of want.
func fit(name string, want, have map[string]string) fitness {
	switch strings.ToUpper(name) {
	case "H264":
		return fitH264(want, have)
	case "VP9":
		return same(want, have, "profile-id", "0")
	case "AV1":
		return same(want, have, "profile", "0")
	}
	return exact
}

func same(want, have map[string]string, key, none string) fitness {
	a, b := want[key], have[key]
	if a == "" {
		a = none
	}
	if b == "" {
		b = none
	}
	if a == b {
		return exact
	}
	return unable
}

// fitH264 compares packetization mode and profile (RFC 6184, section 8.1). Levels are not compared: what
// the publisher sends is sent whatever level the viewer names, and decoders play far above it.
func fitH264(want, have map[string]string) fitness {
	if mode(want) > mode(have) {
		return unable
	}
	a, b := profile(want), profile(have)
	switch {
	case a == unknownProfile || b == unknownProfile || b < a:
		return unable
	case a == b && mode(want) == mode(have):
		return exact
	}
	return able
}

func mode(p map[string]string) int {
	if p["packetization-mode"] == "1" {
		return 1
	}
	return 0
}

// H.264 profiles, each a part of the next as far as encoders for live video use them.
const (
	constrainedBaseline = iota
	baseline
	main
	high
	unknownProfile
)

// profile reads profile-level-id; without one it is Baseline, which all encoders take for its constrained form.
func profile(p map[string]string) int {
	id := p["profile-level-id"]
	if id == "" {
		return constrainedBaseline
	}
	n, err := strconv.ParseUint(id, 16, 24)
	if err != nil || len(id) != 6 {
		return unknownProfile
	}
	idc, constraints := n>>16, n>>8&0xff
	switch {
	case idc == 66 && constraints&0x40 != 0, idc == 77 && constraints&0x80 != 0:
		return constrainedBaseline
	case idc == 66:
		return baseline
	case idc == 77:
		return main
	case idc == 100:
		return high
	}
	return unknownProfile
}

// retransmission returns the payload type of RFC 4588 for typ, 0 where there is none.
func retransmission(all []format, typ uint8) uint8 {
	for _, f := range all {
		if strings.EqualFold(f.name, "rtx") && f.fmtp["apt"] == strconv.Itoa(int(typ)) {
			return f.typ
		}
	}
	return 0
}

// redundancy returns the payload type of RFC 2198 over Opus of typ, and its a=fmtp; 0 where there is none.
func redundancy(all []format, typ uint8) (red uint8, fmtp string) {
	for _, f := range all {
		over, _, _ := strings.Cut(f.raw, "/")
		if strings.EqualFold(f.name, "red") && f.rate == 48000 && over == strconv.Itoa(int(typ)) {
			return f.typ, f.raw
		}
	}
	return 0, ""
}
