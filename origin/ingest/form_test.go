package ingest

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

var (
	vp8     = stream.Codec{Name: "VP8", ClockRate: 90000}
	mapping = Mapping{Types: map[uint8]uint8{102: rtpq.TypeVideo}, Extensions: map[uint8]uint8{13: rtpq.ExtVideoOrientation, 12: rtpq.ExtDependencyDescriptor}}
)

// raw returns a packet as a publisher sends it.
func raw(t testing.TB, change func(*rtp.Packet)) []byte {
	t.Helper()
	p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 102, SequenceNumber: 7, Timestamp: 9000, SSRC: 1, Marker: true},
		Payload: []byte{0x10, 0x50, 0x9d, 0x01, 0x2a}}
	if change != nil {
		change(p)
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForm(t *testing.T) {
	long := bytes.Repeat([]byte{9}, 40)
	for _, row := range []struct {
		name   string
		packet []byte
		ok     bool
		size   int // of the payload; 0 for padding only
		ids    []uint8
	}{
		{"plain", raw(t, nil), true, 5, nil},
		{"CSRCs go", raw(t, func(p *rtp.Packet) { p.CSRC = []uint32{1, 2, 3} }), true, 5, nil},
		{"padding goes", raw(t, func(p *rtp.Packet) { p.Padding, p.PaddingSize = true, 9 }), true, 5, nil},
		{"padding only", raw(t, func(p *rtp.Packet) { p.Padding, p.PaddingSize, p.Payload = true, 200, nil }), true, 0, nil},
		{"no payload", raw(t, func(p *rtp.Packet) { p.Payload = nil }), true, 0, nil},
		{"extensions get the mesh's ids, those of the hop go", raw(t, func(p *rtp.Packet) {
			_ = p.SetExtension(4, []byte("1"))
			_ = p.SetExtension(13, []byte{1})
		}), true, 5, []uint8{rtpq.ExtVideoOrientation}},
		{"long extension", raw(t, func(p *rtp.Packet) {
			p.Extension, p.ExtensionProfile = true, 0x1000
			_ = p.SetExtension(12, long)
			_ = p.SetExtension(13, []byte{1})
		}), true, 5, []uint8{rtpq.ExtVideoOrientation, rtpq.ExtDependencyDescriptor}},
		{"payload type not agreed on", raw(t, func(p *rtp.Packet) { p.PayloadType = 103 }), false, 0, nil},
		{"short", []byte{0x80, 102, 0, 1}, false, 0, nil},
		{"version 1", append([]byte{0x40}, raw(t, nil)[1:]...), false, 0, nil},
		{"padding longer than the packet", append([]byte{0xa0}, append(raw(t, nil)[1:], 0xff)...), false, 0, nil},
		{"padding of no length", append([]byte{0xa0}, append(raw(t, nil)[1:], 0)...), false, 0, nil},
		{"extension longer than the packet", append([]byte{0x90}, append(raw(t, nil)[1:12], 0xbe, 0xde, 0xff, 0xff)...), false, 0, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, ok := NewFormer(vp8, mapping).Form(row.packet, time.Now())
			if ok != row.ok {
				t.Fatalf("ok: %v", ok)
			}
			if !ok || row.size == 0 {
				if p.Data != nil {
					t.Errorf("data: %x", p.Data)
				}
				return
			}
			p.stamp(5, 6, 7)
			var got rtp.Packet
			if err := got.Unmarshal(p.Data); err != nil {
				t.Fatal(err)
			}
			if len(got.Payload) != row.size || !p.Key || got.PayloadType != rtpq.TypeVideo || !got.Marker ||
				got.SSRC != 5 || got.SequenceNumber != 6 || got.Timestamp != 7 || got.Padding || len(got.CSRC) > 0 {
				t.Errorf("got %+v", got)
			}
			ids := map[uint8]bool{}
			for _, id := range got.GetExtensionIDs() {
				ids[id] = true
			}
			if len(ids) != len(row.ids) {
				t.Errorf("extensions: %v, want %v", ids, row.ids)
			}
			for _, id := range row.ids {
				if !ids[id] {
					t.Errorf("extension %d is missing", id)
				}
			}
		})
	}
}

// Whatever arrives is refused or becomes a packet that reads back, and the Former goes on.
func FuzzForm(f *testing.F) {
	f.Add(raw(f, nil))
	f.Add(raw(f, func(p *rtp.Packet) { p.Padding, p.PaddingSize = true, 9 }))
	f.Add(raw(f, func(p *rtp.Packet) { _ = p.SetExtension(13, []byte{1}) }))
	f.Add([]byte{0xbf, 102, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		former := NewFormer(vp8, mapping)
		p, ok := former.Form(b, time.Time{})
		if !ok || p.Data == nil {
			return
		}
		p.stamp(1, 2, 3)
		var got rtp.Packet
		if err := got.Unmarshal(p.Data); err != nil {
			t.Fatalf("%x became %x: %v", b, p.Data, err)
		}
		if len(p.Data) > len(b)+16 {
			t.Fatalf("%d bytes became %d", len(b), len(p.Data))
		}
	})
}

func BenchmarkForm(b *testing.B) {
	packet := raw(b, func(p *rtp.Packet) {
		p.Payload = append(p.Payload, make([]byte, 1100)...)
		_ = p.SetExtension(4, []byte("1"))
		_ = p.SetExtension(13, []byte{1})
	})
	former, now := NewFormer(vp8, mapping), time.Now()
	b.ReportAllocs()
	b.SetBytes(int64(len(packet)))
	for b.Loop() {
		if _, ok := former.Form(packet, now); !ok {
			b.Fatal("refused")
		}
	}
}
