package egress

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/ring"
	"freshet/proto/rtpq"
)

func packet(t testing.TB, h rtp.Header, payload []byte) *ring.Packet {
	t.Helper()
	b := marshal(t, h, payload)
	var back rtp.Header
	n, err := back.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return &ring.Packet{Data: b, Header: n, Timestamp: h.Timestamp, Type: h.PayloadType, Marker: h.Marker}
}

// prepare returns what a viewer of form reads, with its header as pion parses it.
func prepare(t testing.TB, form Form, now time.Time, p ...*ring.Packet) (all []rtp.Packet) {
	t.Helper()
	s := shape{form: form}
	s.fill(p, now, true)
	for _, q := range s.list {
		var out rtp.Packet
		if err := out.Unmarshal(append(append([]byte(nil), q.head...), q.body...)); err != nil {
			t.Fatal(err)
		}
		all = append(all, out)
	}
	return all
}

func TestExtensionsGetTheViewersIDs(t *testing.T) {
	now := time.Unix(64*1000+1, 0) // 1 s into the 64 s that abs-send-time counts
	short, long := []byte{0x42}, bytes.Repeat([]byte{7}, 30)
	for _, row := range []struct {
		name  string
		form  Form
		carry map[uint8][]byte
		want  map[uint8][]byte
	}{
		{"none asked for", Form{}, map[uint8][]byte{rtpq.ExtAudioLevel: short}, nil},
		{"mapped", Form{Ext: [Extensions + 1]uint8{rtpq.ExtAudioLevel: 9}}, map[uint8][]byte{rtpq.ExtAudioLevel: short}, map[uint8][]byte{9: short}},
		{"send time alone", Form{SendTime: 3}, nil, map[uint8][]byte{3: {4, 0, 0}}},
		{"long without two-byte form", Form{Ext: [Extensions + 1]uint8{rtpq.ExtDependencyDescriptor: 4, rtpq.ExtAudioLevel: 5}},
			map[uint8][]byte{rtpq.ExtDependencyDescriptor: long, rtpq.ExtAudioLevel: short}, map[uint8][]byte{5: short}},
		{"long with two-byte form", Form{Mixed: true, SendTime: 3, Ext: [Extensions + 1]uint8{rtpq.ExtDependencyDescriptor: 20}},
			map[uint8][]byte{rtpq.ExtDependencyDescriptor: long}, map[uint8][]byte{20: long, 3: {4, 0, 0}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := rtp.Header{PayloadType: rtpq.TypeVideo, Marker: true}
			for id, v := range row.carry {
				h.Extension = true
				if h.ExtensionProfile == 0 {
					h.ExtensionProfile = 0xbede
				}
				if len(v) > 16 {
					h.ExtensionProfile = 0x1000
				}
				if err := h.SetExtension(id, v); err != nil {
					h.ExtensionProfile = 0x1000
					if err := h.SetExtension(id, v); err != nil {
						t.Fatal(err)
					}
				}
			}
			row.form.Type = 96
			got := prepare(t, row.form, now, packet(t, h, []byte("payload")))[0]
			if string(got.Payload) != "payload" || !got.Marker || got.PayloadType != 96 {
				t.Errorf("packet: %v %q", got.Header, got.Payload)
			}
			if len(got.GetExtensionIDs()) != len(row.want) {
				t.Errorf("extensions: got %v, want %v", got.GetExtensionIDs(), row.want)
			}
			for id, want := range row.want {
				if v := got.GetExtension(id); !bytes.Equal(v, want) {
					t.Errorf("extension %d: got %x, want %x", id, v, want)
				}
			}
		})
	}
}

func TestREDIsCutDownForThoseWhoDoNotKnowIt(t *testing.T) {
	red := []byte{0x80 | 111, 0, 0, 3, 111, 'o', 'l', 'd', 'n', 'e', 'w'}
	p := packet(t, rtp.Header{PayloadType: rtpq.TypeRED}, red)
	if got := prepare(t, Form{Type: 111}, time.Time{}, p)[0]; got.PayloadType != 111 || string(got.Payload) != "new" {
		t.Errorf("without RED: type %d %q, want 111 new", got.PayloadType, got.Payload)
	}
	if got := prepare(t, Form{Type: 111, RED: 63}, time.Time{}, p)[0]; got.PayloadType != 63 || !bytes.Equal(got.Payload, red) {
		t.Errorf("with RED: type %d %q, want 63 and everything", got.PayloadType, got.Payload)
	}
	bad := packet(t, rtp.Header{PayloadType: rtpq.TypeRED}, []byte{0xff, 0xff})
	if got := prepare(t, Form{Type: 111}, time.Time{}, bad); len(got) != 0 {
		t.Errorf("malformed RED: got %d packets, want none", len(got))
	}
}

// Packets of a frame that differ by little get one size, and padding that a receiver takes off.
func TestPadding(t *testing.T) {
	var all []*ring.Packet
	sizes := []int{1000, 999, 970, 300}
	for i, n := range sizes {
		all = append(all, packet(t, rtp.Header{PayloadType: rtpq.TypeVideo, Marker: i == 3}, bytes.Repeat([]byte{byte(i + 1)}, n)))
	}
	s := shape{form: Form{Type: 96}}
	s.fill(all, time.Time{}, true)
	for i, want := range []int{1012, 1012, 1012, 312} {
		if got := len(s.list[i].head) + len(s.list[i].body); got != want {
			t.Errorf("packet %d has %d bytes, want %d", i, got, want)
		}
	}
	for i, p := range prepare(t, Form{Type: 96}, time.Time{}, all...) {
		if len(p.Payload) != sizes[i] || p.Payload[len(p.Payload)-1] != byte(i+1) {
			t.Errorf("packet %d: payload of %d bytes, want %d", i, len(p.Payload), sizes[i])
		}
	}
}

func FuzzExtensions(f *testing.F) {
	h := rtp.Header{PayloadType: 96, Extension: true, ExtensionProfile: 0xbede}
	if err := h.SetExtension(2, []byte{1}); err != nil {
		f.Fatal(err)
	}
	f.Add(marshal(f, h, []byte("x")))
	h = rtp.Header{PayloadType: 63, Extension: true, ExtensionProfile: 0x1000}
	if err := h.SetExtension(5, make([]byte, 40)); err != nil {
		f.Fatal(err)
	}
	f.Add(marshal(f, h, []byte{0x80 | 111, 0, 0, 1, 111, 1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h rtp.Header
		n, err := h.Unmarshal(b)
		if err != nil {
			return
		}
		p := &ring.Packet{Data: b, Header: n, Timestamp: h.Timestamp, Type: h.PayloadType, Marker: h.Marker}
		form := Form{Type: 96, SendTime: 1, Mixed: true, Ext: [Extensions + 1]uint8{0, 2, 3, 4, 5, 20}}
		s := shape{form: form}
		s.fill([]*ring.Packet{p}, time.Time{}, true)
		for _, q := range s.list {
			if len(q.body) == 0 {
				continue // pion takes no extension that ends with the packet
			}
			var out rtp.Header
			if n, err := out.Unmarshal(append(append([]byte(nil), q.head...), q.body...)); err != nil || n != len(q.head) {
				t.Fatalf("header of %d bytes reads as %d: %v", len(q.head), n, err)
			}
		}
	})
}
