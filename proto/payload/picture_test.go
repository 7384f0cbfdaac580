package payload

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
)

var pictureRows = []struct {
	codec, packet string
	want          Picture
	renamed       string // to 0x1234 and 0x77
}{
	{"VP8", "10 00 9d 01 2a", Picture{}, "10 00 9d 01 2a"},
	{"VP8", "90 80 11 50", Picture{At: 2, ID: 0x11}, "90 80 34 50"},
	{"VP8", "90 80 91 22 50", Picture{At: 2, Long: true, ID: 0x1122}, "90 80 92 34 50"},
	{"VP8", "90 f0 91 22 05 60 51", Picture{At: 2, Long: true, ID: 0x1122, Base: 4, TL0: 5}, "90 f0 92 34 77 60 51"},
	{"VP8", "90 c0 11 05 51", Picture{At: 2, ID: 0x11, Base: 3, TL0: 5}, "90 c0 34 77 51"},
	{"VP8", "90 40 05 51", Picture{}, "90 40 05 51"}, // a base layer's, and no picture's
	{"VP8", "80 80 91", Picture{}, "80 80 91"},       // cut off
	{"VP8", "90 c0 11", Picture{At: 2, ID: 0x11}, "90 c0 34"},
	{"VP8", "90 80", Picture{}, "90 80"},
	{"VP8", "", Picture{}, ""},
	{"VP9", "8a 11 49", Picture{At: 1, ID: 0x11}, "8a 34 49"},
	{"VP9", "8a 91 22 49", Picture{At: 1, Long: true, ID: 0x1122}, "8a 92 34 49"},
	{"VP9", "aa 91 22 00 05 49", Picture{At: 1, Long: true, ID: 0x1122, Base: 4, TL0: 5}, "aa 92 34 00 77 49"},
	{"VP9", "ba 91 22 00 49", Picture{At: 1, Long: true, ID: 0x1122}, "ba 92 34 00 49"}, // flexible: no base layer's
	{"VP9", "aa 11", Picture{At: 1, ID: 0x11}, "aa 34"},
	{"VP9", "8a 91", Picture{}, "8a 91"},
	{"VP9", "0a 49", Picture{}, "0a 49"},
}

func TestPicture(t *testing.T) {
	for _, row := range pictureRows {
		b := unhex(t, row.packet)
		got := Pictures(row.codec)(b[:len(b):len(b)])
		if got != row.want {
			t.Errorf("%s %s: got %+v, want %+v", row.codec, row.packet, got, row.want)
		}
		got.Rename(b, 0x1234, 0x77)
		if want := unhex(t, row.renamed); !bytes.Equal(b, want) {
			t.Errorf("%s %s: renamed %x, want %x", row.codec, row.packet, b, want)
		}
	}
	if Pictures("H264") != nil {
		t.Error("H.264 names its pictures")
	}
}

// Another reader of the same standards sees the same, and what was renamed.
func TestPictureAsPionReadsIt(t *testing.T) {
	payloader, frame := codecs.VP8Payloader{EnablePictureID: true}, make([]byte, 3000)
	payloader.Payload(1200, frame) // its first picture has no number
	packet := payloader.Payload(1200, frame)[1]
	q := VP8Picture(packet)
	q.Rename(packet, 77, 0)
	var p codecs.VP8Packet
	if _, err := p.Unmarshal(packet); err != nil || p.PictureID != 77 {
		t.Errorf("pion reads picture %d of %x (%v), want 77", p.PictureID, packet[:4], err)
	}
	nine := append(unhex(t, "aa 91 22 00 05 49"), make([]byte, 20)...)
	q = VP9Picture(nine)
	q.Rename(nine, 0x4321, 9)
	var v codecs.VP9Packet
	if _, err := v.Unmarshal(nine); err != nil || v.PictureID != 0x4321 || v.TL0PICIDX != 9 {
		t.Errorf("pion reads picture %x, base layer %d (%v), want 4321 and 9", v.PictureID, v.TL0PICIDX, err)
	}
}

func FuzzPicture(f *testing.F) {
	for _, row := range pictureRows {
		f.Add(row.codec == "VP8", unhex(f, row.packet))
	}
	f.Fuzz(func(t *testing.T, vp8 bool, b []byte) {
		read := VP9Picture
		if vp8 {
			read = VP8Picture
		}
		q := read(b[:len(b):len(b)])
		q.Rename(b[:len(b):len(b)], 0x7abc, 0xde)
		again := read(b)
		if again.At != q.At || again.Long != q.Long || again.Base != q.Base {
			t.Errorf("%x: read %+v, then %+v", b, q, again)
		}
	})
}
