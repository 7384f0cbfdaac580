package ingest

import (
	"slices"
	"strings"

	"freshet/cluster/stream"
)

// interchangeable says whether packets of one list of formats may follow those of the other without a
// viewer's decoder noticing more than a key frame: same tracks, layers and codecs. Levels, bitrates and
// other parameters that decoders read from the media itself may differ.
func interchangeable(a, b []stream.Format) bool {
	return slices.EqualFunc(a, b, func(a, b stream.Format) bool {
		return a.Track == b.Track && a.Kind == b.Kind && a.RID == b.RID && a.Rank == b.Rank && a.RED == b.RED &&
			a.Codec.Name == b.Codec.Name && a.Codec.ClockRate == b.Codec.ClockRate && a.Codec.Channels == b.Codec.Channels &&
			profile(a.Codec) == profile(b.Codec)
	})
}

// profile returns what of a codec's parameters a decoder must have agreed to, in one form.
func profile(c stream.Codec) string {
	switch c.Name {
	case "H264":
		// profile_idc; RFC 6184, section 8.1: baseline where it is not said.
		if id := parameter(c.FMTP, "profile-level-id"); len(id) == 6 {
			return strings.ToLower(id[:2])
		}
		return "42"
	case "VP9":
		return orZero(parameter(c.FMTP, "profile-id"))
	case "AV1":
		return orZero(parameter(c.FMTP, "profile"))
	}
	return ""
}

func parameter(fmtp, name string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
