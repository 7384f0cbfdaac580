package whip

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// maxLayers of one video track; more are not answered, so that the publisher does not send them.
const maxLayers = 3

// A layer is one rid of a simulcast offer (RFC 8853).
type layer struct {
	rid      string
	maxWidth int // from a=rid, 0 where it does not say
}

// offeredLayers returns an m-line's layers in the order of a=simulcast, none where it offers no simulcast.
func offeredLayers(m *sdp.MediaDescription) []layer {
	widths := map[string]int{}
	for _, a := range m.Attributes {
		if a.Key != "rid" {
			continue
		}
		id, rest, _ := strings.Cut(a.Value, " ")
		direction, restrictions, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if direction != "send" || !validRID(id) {
			continue
		}
		widths[id], _ = strconv.Atoi(parameters(restrictions)["max-width"])
	}
	var layers []layer
	value, _ := m.Attribute("simulcast")
	fields := strings.Fields(value)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "send" {
			continue
		}
		for part := range strings.SplitSeq(fields[i+1], ";") {
			id, _, _ := strings.Cut(part, ",") // of alternatives the first is the one preferred
			id = strings.TrimPrefix(id, "~")   // paused at first
			width, ok := widths[id]
			if ok && !slices.ContainsFunc(layers, func(l layer) bool { return l.rid == id }) {
				layers = append(layers, layer{id, width})
			}
		}
	}
	return layers[:min(len(layers), maxLayers)]
}

// validRID says whether id is one of RFC 8851, section 10, that fits a one-byte header extension.
func validRID(id string) bool {
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return id != "" && len(id) <= 16
}

// ladders are names that publishers give their layers, lowest first.
var ladders = [][]string{
	{"q", "h", "f"},
	{"l", "m", "h"},
	{"lo", "mid", "hi"},
	{"low", "mid", "high"},
	{"low", "medium", "high"},
	{"quarter", "half", "full"},
	{"small", "medium", "large"},
}

// order sorts layers from the lowest to the highest. Nothing in SDP says which is which, so this goes by,
// in turn: widths that a=rid gives, names in use, and the order of the offer, which begins with the
// lowest in browsers (WebRTC 1.0, scaleResolutionDownBy) and with the highest in OBS.
func order(layers []layer, highestFirst bool) []layer {
	sorted := slices.Clone(layers)
	if !slices.ContainsFunc(layers, func(l layer) bool { return l.maxWidth == 0 }) {
		slices.SortStableFunc(sorted, func(a, b layer) int { return a.maxWidth - b.maxWidth })
		return sorted
	}
	for _, names := range ladders {
		at := func(l layer) int { return slices.Index(names, strings.ToLower(l.rid)) }
		if !slices.ContainsFunc(layers, func(l layer) bool { return at(l) < 0 }) {
			slices.SortStableFunc(sorted, func(a, b layer) int { return at(a) - at(b) })
			return sorted
		}
	}
	if highestFirst {
		slices.Reverse(sorted)
	}
	return sorted
}
