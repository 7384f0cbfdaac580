package load

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestPicturesThatDecode(t *testing.T) {
	key, delta := []byte{0x70, 0x06, 0, 0x9d, 0x01, 0x2a, 1}, []byte{0xb1, 0x03, 0}
	for _, row := range []struct {
		name string
		l    RawLayer
		key  bool
		want []byte
	}{
		{"a key frame's headers", RawLayer{Width: 320, Height: 180}, true, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 180, 0}},
		{"another's headers", RawLayer{}, false, []byte{0x11, 0, 0}},
		{"a key frame", RawLayer{Key: key, Delta: delta}, true, key},
		{"another", RawLayer{Key: key, Delta: delta}, false, delta},
	} {
		l := &rawLayer{RawLayer: row.l}
		if got := l.begin([]byte{1}, row.key); !bytes.Equal(got, append([]byte{1}, row.want...)) {
			t.Errorf("%s: got %x, want 01 and %x", row.name, got, row.want)
		}
	}
	for _, size := range []int{600 - vp8Header - StampSize, 601 - vp8Header - StampSize} {
		_, err := NewRaw(RawConfig{Layers: []RawLayer{{Size: 600, Key: make([]byte, size)}}}, slog.New(slog.DiscardHandler))
		if fits := size <= 600-vp8Header-StampSize; (err == nil) != fits {
			t.Errorf("a key frame of %d bytes in packets of 600: %v", size, err)
		}
	}
}
