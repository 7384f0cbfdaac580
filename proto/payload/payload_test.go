package payload

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// unhex reads bytes as people write them, with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type row struct {
	name, packet string
	want         bool
}

var h264Rows = []row{
	{"nothing", "", false},
	{"one byte of SPS", "67", false},
	{"SPS", "67 42 e0 1f", true},
	{"PPS", "68 ce 3c 80", false},
	{"SEI", "06 05 10", false},
	{"access unit delimiter", "09 f0", false},
	{"IDR, first slice", "65 88 84", true},
	{"IDR, second slice", "65 42 84", false},
	{"P, first slice", "41 9a 24", false},
	{"STAP-A of SPS and PPS", "78 0003 67 42 e0 0002 68 ce", true},
	{"STAP-A of delimiter, PPS, IDR", "78 0002 09 f0 0002 68 ce 0003 65 88 84", true},
	{"STAP-A of PPS and P", "78 0002 68 ce 0003 41 9a 24", false},
	{"STAP-A whose first unit is too long", "78 00ff 67 42 e0", false},
	{"STAP-A with an empty unit before the SPS", "78 0000 0003 67 42 e0", true},
	{"STAP-A that ends in a length", "78 0002 68 ce 00", false},
	{"FU-A, first of an IDR", "7c 85 88", true},
	{"FU-A, first of an IDR's second slice", "7c 85 42", false},
	{"FU-A, middle of an IDR", "7c 05 88", false},
	{"FU-A, last of an IDR", "7c 45 88", false},
	{"FU-A, first of P", "7c 81 9a", false},
	{"FU-A without content", "7c 85", false},
	{"FU-A, first of an SPS", "7c 87 42", true},
}

var vp8Rows = []row{
	{"nothing", "", false},
	{"descriptor alone", "10", false},
	{"key frame", "10 50 9d 01 2a", true},
	{"inter frame", "10 51", false},
	{"middle of a partition", "00 50", false},
	{"second partition", "11 50", false},
	{"non-reference bit", "30 50", true},
	{"7-bit picture id", "90 80 11 50", true},
	{"15-bit picture id", "90 80 91 22 50", true},
	{"all fields, key", "90 f0 91 22 05 60 50", true},
	{"all fields, inter", "90 f0 91 22 05 60 51", false},
	{"layer byte for K alone", "90 10 00 50", true},
	{"ends in the picture id", "90 80 91", false},
	{"ends behind the extension byte", "90 f0", false},
}

var vp9Rows = []row{
	{"nothing", "", false},
	{"descriptor alone", "08", false},
	{"key frame, no fields", "08 82", true},
	{"inter frame by descriptor", "48 82", false},
	{"inter or intra-only frame by header", "08 86", false},
	{"shows an existing frame", "08 88", false},
	{"profile 3 key frame", "08 b0", true},
	{"profile 3 inter frame", "08 b2", false},
	{"no frame marker", "08 42", false},
	{"not the first packet of the layer", "00 82", false},
	{"flexible, 15-bit id, lowest layer", "b8 80 01 00 82", true},
	{"flexible, 15-bit id, second spatial layer", "b8 80 01 02 82", false},
	{"not flexible, layers and TL0PICIDX", "a8 01 00 07 82", true},
	{"not flexible, ends in TL0PICIDX", "a8 01 00", false},
	{"structure with one resolution and two pictures", "8a 01 18 0140 00b4 02 04 01 08 02 03 82", true},
	{"structure of three layers, no pictures", "8a 01 50 0140 00b4 0280 0168 0500 02d0 82", true},
	{"structure that ends early", "8a 01 50 0140 00b4", false},
	{"structure whose picture list ends early", "8a 01 08 05 04 01", false},
	{"structure missing", "8a 01", false},
}

var av1Rows = []row{
	{"nothing", "", false},
	{"aggregation header alone", "18", false},
	{"first of a sequence", "28 0a 0b", true},
	{"goes on from the packet before", "a8 0a", false},
	{"inter frame", "10 30 20", false},
	{"no N: sequence header and key frame", "20 03 08 00 00 30 10", true},
	{"no N: sequence header and inter frame", "20 03 08 00 00 30 30", false},
	{"no N: sequence header and a frame shown again", "20 03 08 00 00 18 80", false},
	{"no N: sequence header alone", "10 08 00 00", false},
	{"no N: key frame alone", "10 30 10", false},
	{"no N: sizes everywhere", "00 04 0a 02 00 00 03 32 01 10", true},
	{"no N: with extension byte", "20 03 08 00 00 34 00 10", true},
	{"element longer than the packet", "20 7f 08 00 00 30 10", false},
	{"length without an end", "20 ff ff ff ff ff ff ff ff ff", false},
	{"frame header cut off", "20 03 08 00 00 30", false},
}

func TestKeyframe(t *testing.T) {
	for _, codec := range []struct {
		name string
		is   func([]byte) bool
		rows []row
	}{{"H264", H264Keyframe, h264Rows}, {"VP8", VP8Keyframe, vp8Rows}, {"VP9", VP9Keyframe, vp9Rows}, {"AV1", AV1Keyframe, av1Rows}} {
		t.Run(codec.name, func(t *testing.T) {
			for _, r := range codec.rows {
				if got := codec.is(unhex(t, r.packet)); got != r.want {
					t.Errorf("%s (%s): got %v, want %v", r.name, r.packet, got, r.want)
				}
			}
		})
	}
}

// Frames cut up by somebody else's packetizers: of a key frame the first packet, of others none.
func TestKeyframeOfPackets(t *testing.T) {
	body := bytes.Repeat([]byte{0x55}, 3000)
	nal := func(units ...[]byte) (au []byte) {
		for _, u := range units {
			au = append(append(au, 0, 0, 0, 1), u...)
		}
		return au
	}
	sps, pps := unhex(t, "67 42 e0 1f 8c 8d 40"), unhex(t, "68 ce 3c 80")
	idr, inter := append([]byte{0x65, 0x88}, body...), append([]byte{0x41, 0x9a}, body...)
	sequence := unhex(t, "08 00 00 00")
	tests := []struct {
		name      string
		payloader rtp.Payloader
		is        func([]byte) bool
		key       [][]byte
		inter     []byte
		want      int // packets of the key frame that answer true
	}{
		// The packetizer puts SPS and PPS into a STAP-A of their own, then the IDR into FU-A: two.
		{"H264", &codecs.H264Payloader{}, H264Keyframe, [][]byte{nal(sps, pps, idr)}, nal(inter), 2},
		{"H264 without parameter sets", &codecs.H264Payloader{}, H264Keyframe, [][]byte{nal(idr)}, nal(inter), 1},
		{"VP8", &codecs.VP8Payloader{EnablePictureID: true}, VP8Keyframe, [][]byte{append([]byte{0x50, 0x9d, 0x01, 0x2a}, body...)}, append([]byte{0x51}, body...), 1},
		{"VP9 flexible", &codecs.VP9Payloader{FlexibleMode: true}, VP9Keyframe, [][]byte{vp9Key(body)}, append([]byte{0x86}, body...), 1},
		{"VP9", &codecs.VP9Payloader{}, VP9Keyframe, [][]byte{vp9Key(body)}, append([]byte{0x86}, body...), 1},
		{"AV1", &codecs.AV1Payloader{}, AV1Keyframe, [][]byte{sequence, append([]byte{0x30, 0x10}, body...)}, append([]byte{0x30, 0x30}, body...), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var key [][]byte
			for _, part := range tt.key {
				key = append(key, tt.payloader.Payload(1200, part)...)
			}
			n := 0
			for i, p := range key {
				if tt.is(p) {
					n++
				} else if i == 0 {
					t.Error("the first packet of the key frame answers false")
				}
			}
			if n != tt.want || len(key) < 3 {
				t.Errorf("%d of %d packets answer true, want %d of 3 or more", n, len(key), tt.want)
			}
			for i, p := range tt.payloader.Payload(1200, tt.inter) {
				if tt.is(p) {
					t.Errorf("packet %d of an inter frame answers true", i)
				}
			}
		})
	}
}

// vp9Key returns a frame that begins with a whole uncompressed header of 320 x 180, which the
// packetizer reads.
func vp9Key(body []byte) []byte {
	return append([]byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0b, 0x30}, body...)
}

func fuzz(f *testing.F, rows []row, is func([]byte) bool) {
	for _, r := range rows {
		f.Add(unhex(f, r.packet))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		// What is false of the whole cannot be told from more of it, so only panics and reads past the
		// end are looked for: cut to its length, a slice that is read past the end panics.
		whole := is(p[:len(p):len(p)])
		if again := is(append([]byte{}, p...)); again != whole {
			t.Errorf("%x: answers %v, then %v", p, whole, again)
		}
	})
}

func FuzzH264Keyframe(f *testing.F) { fuzz(f, h264Rows, H264Keyframe) }
func FuzzVP8Keyframe(f *testing.F)  { fuzz(f, vp8Rows, VP8Keyframe) }
func FuzzVP9Keyframe(f *testing.F)  { fuzz(f, vp9Rows, VP9Keyframe) }
func FuzzAV1Keyframe(f *testing.F)  { fuzz(f, av1Rows, AV1Keyframe) }

func BenchmarkKeyframe(b *testing.B) {
	for _, codec := range []struct {
		name, packet string
		is           func([]byte) bool
	}{
		{"H264", "7c 01 9a", H264Keyframe}, {"VP8", "90 f0 91 22 05 60 51", VP8Keyframe},
		{"VP9", "a8 01 00 07 86", VP9Keyframe}, {"AV1", "20 03 08 00 00 30 30", AV1Keyframe},
	} {
		b.Run(codec.name, func(b *testing.B) {
			p := append(unhex(b, codec.packet), make([]byte, 1100)...)
			b.ReportAllocs()
			for b.Loop() {
				codec.is(p)
			}
		})
	}
}
