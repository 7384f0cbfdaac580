package load

import (
	"bytes"
	"io"
	"testing"

	"github.com/pion/rtp"

	"freshet/bench/load/sample"
	"freshet/cluster/stream"
)

// most is how many frames a fuzz target reads: enough to come to the end of any seed.
const most = 2000

func read(s source) {
	for range most {
		if _, err := s.next(); err != nil {
			break
		}
	}
	_ = s.close() // nothing was opened
}

func FuzzDetect(f *testing.F) {
	f.Add(sample.Video[:sniffLength])
	f.Add(sample.Audio[:sniffLength])
	f.Add([]byte("DKIF\x00\x00\x20\x00VP80"))
	f.Add([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x9f})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := io.NopCloser(bytes.NewReader(b))
		switch detect(b[:min(len(b), sniffLength)]) {
		case containerIVF:
			if s, err := newIVF(r); err == nil {
				read(s)
			}
		case containerOgg:
			if s, err := newOgg(r); err == nil {
				read(s)
			}
		case containerH264:
			if s, err := newAnnexB(r, 0); err == nil {
				read(s)
			}
		}
	})
}

func FuzzMatroska(f *testing.F) {
	for _, b := range matroskaSeeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 64<<10 {
			return
		}
		s, err := newMatroska(io.NopCloser(bytes.NewReader(b)))
		if err == nil {
			read(s)
		}
	})
}

func FuzzAVC(f *testing.F) {
	config := []byte{1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1f, 1, 0, 1, 0x68}
	f.Add(config, []byte{0, 0, 0, 2, 0x65, 0x88})
	f.Fuzz(func(t *testing.T, config, unit []byte) {
		c, err := parseAVCConfig(config)
		if err == nil {
			_, _ = c.annexB(unit)
		}
		_, _ = parseSPS(unit)
	})
}

func FuzzAssemble(f *testing.F) {
	f.Add([]byte{0x90, 0x80, 0x80, 1, 0x10, 0, 0, 0x9d, 1, 0x2a, 0, 1, 0, 1}, []byte{0x10, 1}, true)
	f.Add([]byte{0x18, 0x0a, 0x0b, 0, 0, 0, 0x24}, []byte{0x10, 0x32, 0, 1}, false)
	f.Add([]byte{0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 1, 0x68}, []byte{0x7c, 0x85, 1}, true)
	f.Fuzz(func(t *testing.T, one, two []byte, gap bool) {
		for _, name := range []string{"VP8", "VP9", "H264", "AV1", "opus"} {
			c := videoCodec(name, "")
			if name == "opus" {
				c = opusCodec()
			}
			m := meter{kind: stream.Video, codec: c}
			a := assembler{codec: c}
			for i, p := range [][]byte{one, two, one} {
				_, _ = a.add(&rtp.Packet{Payload: p, Header: rtp.Header{Timestamp: uint32(i / 2), Marker: i > 0}}, gap && i == 1)
			}
			_ = m.report(m.first, true)
		}
		_, _ = ReadStamp(one)
		for _, o := range splitOBUs(two) {
			if len(o) == 0 {
				t.Error("an OBU without a header")
			}
		}
		_ = payloadAV1(two)
		_ = opusSamples(one)
	})
}
