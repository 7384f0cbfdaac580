package whip

import (
	"strings"
	"testing"

	"freshet/cluster/stream"
)

func TestFormatsThatAreKnown(t *testing.T) {
	for _, row := range []struct {
		name, fmtp string
		want       bool
	}{
		{"VP8", "", true},
		{"VP9", "profile-id=2", true},
		{"VP9", "profile-id=3", false},
		{"H264", "profile-level-id=42e01f;packetization-mode=1", true},
		{"H264", "profile-level-id=f4001f;packetization-mode=1", false},
		{"H264", "profile-level-id=42e01f;packetization-mode=2", false},
		{"AV1", "profile=1", true},
		{"VP8", "x=" + strings.Repeat("y", maxFMTP-2), true},
		{"VP8", "x=" + strings.Repeat("y", maxFMTP-1), false},
		{"H265", "", false},
	} {
		c := codec{Codec: stream.Codec{Name: row.name, ClockRate: 90000, FMTP: row.fmtp}}
		if _, ok := c.known(stream.Video); ok != row.want {
			t.Errorf("%s %.60s: got %v, want %v", row.name, row.fmtp, ok, row.want)
		}
	}
}
