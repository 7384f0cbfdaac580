package rtpq

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/pion/rtp"
)

func scan(packet []byte) (found []Extension) {
	for s := Extensions(packet); s.Next(); {
		found = append(found, Extension{s.ID, append([]byte{}, s.Value...)})
	}
	return found
}

// What we write, another RTP library reads, and so do we.
func TestHeaderIsRead(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 17)
	tests := []struct {
		name       string
		extensions []Extension
		kept       []Extension
	}{
		{"none", nil, nil},
		{"one byte", []Extension{{ExtVideoOrientation, []byte{1}}}, []Extension{{ExtVideoOrientation, []byte{1}}}},
		{"16 bytes", []Extension{{ExtCaptureTime, long[:16]}, {14, long[:3]}}, []Extension{{ExtCaptureTime, long[:16]}, {14, long[:3]}}},
		{"17 bytes", []Extension{{ExtCaptureTime, long[:8]}, {ExtDependencyDescriptor, long}}, []Extension{{ExtCaptureTime, long[:8]}, {ExtDependencyDescriptor, long}}},
		{"no bytes", []Extension{{ExtAudioLevel, []byte{}}}, []Extension{{ExtAudioLevel, []byte{}}}},
		{"ids that do not exist", []Extension{{0, long[:1]}, {15, long[:1]}, {1, make([]byte, 256)}, {2, long[:2]}}, []Extension{{2, long[:2]}}},
		{"only ids that do not exist", []Extension{{0, long[:1]}, {15, long}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := Header{Type: TypeVideo, Marker: true, Sequence: 65535, Timestamp: 1 << 31, SSRC: 42}
			b := append(AppendHeader([]byte("before"), h, tt.extensions), "payload"...)[len("before"):]
			var p rtp.Packet
			if err := p.Unmarshal(b); err != nil {
				t.Fatal(err)
			}
			if string(p.Payload) != "payload" || p.PayloadType != h.Type || !p.Marker || p.SequenceNumber != h.Sequence || p.Timestamp != h.Timestamp || p.SSRC != h.SSRC {
				t.Errorf("read as %v", p)
			}
			for _, e := range tt.kept {
				if got := p.GetExtension(e.ID); !bytes.Equal(got, e.Value) {
					t.Errorf("extension %d read as %x, want %x", e.ID, got, e.Value)
				}
			}
			if got := scan(b); !reflect.DeepEqual(got, tt.kept) {
				t.Errorf("scanned %v, want %v", got, tt.kept)
			}
		})
	}
}

func TestScanner(t *testing.T) {
	const head = "90 60 0001 00000000 00000000 "
	tests := []struct {
		name, packet string
		want         []Extension
	}{
		{"no X bit", "80 60 0001 00000000 00000000 bede 0001 20 85 00 00", nil},
		{"padding between", head + "bede 0002 00 20 85 00 00 30 01 00", []Extension{{2, []byte{0x85}}, {3, []byte{1}}}},
		{"id 15 ends it", head + "bede 0002 20 85 f0 01 30 01 00 00", []Extension{{2, []byte{0x85}}}},
		{"id 0 with a length ends it", head + "bede 0002 20 85 02 03 00 00 30 01", []Extension{{2, []byte{0x85}}}},
		{"two-byte form with application bits", head + "1007 0001 02 01 85 00", []Extension{{2, []byte{0x85}}}},
		{"two-byte form with high ids", head + "1000 0001 c8 01 85 00", []Extension{{200, []byte{0x85}}}},
		{"behind CSRCs", "92 60 0001 00000000 00000000 00000001 00000002 bede 0001 20 85 00 00", []Extension{{2, []byte{0x85}}}},
		{"another profile", head + "abcd 0001 20 85 00 00", nil},
		{"element runs past the block", head + "bede 0001 20 85 33 01 aaaaaaaa", []Extension{{2, []byte{0x85}}}},
		{"two-byte element without length", head + "1000 0001 02 00 00 03", []Extension{{2, []byte{}}}},
		{"block runs past the packet", head + "bede 0002 20 85 00 00", nil},
		{"no block", head, nil},
		{"CSRCs run past the packet", "9f 60 0001 00000000 00000000 bede 0000", nil},
		{"shorter than a header", "90 60", nil},
		{"version 1", "50 60 0001 00000000 00000000 bede 0001 20 85 00 00", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := scan(unhex(t, tt.packet)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzExtensions(f *testing.F) {
	f.Add(AppendHeader(nil, Header{Type: TypeVideo}, []Extension{{ExtAudioLevel, []byte{0x85}}, {ExtPlayoutDelay, []byte{1, 2, 3}}}))
	f.Add(AppendHeader(nil, Header{Type: TypeVideo}, []Extension{{ExtDependencyDescriptor, make([]byte, 40)}}))
	f.Fuzz(func(t *testing.T, packet []byte) {
		var write []Extension
		for _, e := range scan(packet) {
			if e.ID <= 14 {
				write = append(write, e)
			}
		}
		if got := scan(AppendHeader(nil, Header{}, write)); !reflect.DeepEqual(got, write) && len(write) < 64 {
			t.Fatalf("%x: %v became %v", packet, write, got)
		}
	})
}

func BenchmarkExtensions(b *testing.B) {
	extensions := []Extension{{ExtCaptureTime, make([]byte, 8)}, {ExtPlayoutDelay, make([]byte, 3)}, {ExtDependencyDescriptor, make([]byte, 3)}}
	buf := make([]byte, 0, 1500)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = AppendHeader(buf[:0], Header{Type: TypeVideo}, extensions)
		}
	})
	b.Run("scan", func(b *testing.B) {
		packet := append(AppendHeader(nil, Header{Type: TypeVideo}, extensions), make([]byte, 1100)...)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			s := Extensions(packet)
			for s.Next() {
				n += len(s.Value)
			}
		}
		if n == 0 {
			b.Fatal("nothing found")
		}
	})
}
