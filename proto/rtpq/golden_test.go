package rtpq

import (
	"bytes"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// rtpPacket is the packet of the golden frames: video, marker, no extensions, four bytes of payload.
const rtpPacket = "80 e0 0102 00000bb8 aabbccdd 10 00 9d 01"

var capture = time.Date(2026, 11, 24, 9, 0, 0, 500_000_000, time.UTC)

// These are the bytes RELAY.md shows. A change here is a change of the protocol.
func TestGoldenBytes(t *testing.T) {
	beat, _ := AppendBeat(nil, 0x01020304, []High{{1, 258}, {300, 65535}})
	gone, _ := AppendGone(nil, 300, []Span{{65535, 3}, {16, 1}})
	nack, _ := AppendNACK(AppendDatagram(nil, 1, nil), []uint16{65534, 65535, 14, 15})
	group := AppendGroupPacket(AppendGroupHeader(nil, 300), unhex(t, rtpPacket))
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"RTP datagram", AppendDatagram(nil, 1, unhex(t, rtpPacket)), "01 " + rtpPacket},
		{"RTP datagram of a high flow", AppendDatagram(nil, 300, unhex(t, rtpPacket)), "412c " + rtpPacket},
		{"BEAT", beat, "00 01 01020304 02 01 0102 412c ffff"},
		{"GONE", gone, "00 03 412c 02 ffff 03 0010 01"},
		{"NACK datagram", nack, "01 81 cd 0004 00000000 00000000 fffe 8001 000f 0000"},
		{"report datagram", AppendReport(AppendDatagram(nil, 1, nil), 0, 3000, capture), "01 80 c8 0006 00000000 eeafd090 80000000 00000bb8 00000000 00000000"},
		{"group stream", group, "412c 10 " + rtpPacket},
		{"header, one-byte form", AppendHeader(nil, Header{Type: TypeVideo, Marker: true, Sequence: 258, Timestamp: 3000, SSRC: 0xaabbccdd},
			[]Extension{{ExtAudioLevel, []byte{0x85}}, {ExtPlayoutDelay, []byte{1, 2, 3}}}),
			"90 e0 0102 00000bb8 aabbccdd bede 0002 20 85 32 01 02 03 00 00"},
		{"header, two-byte form", AppendHeader(nil, Header{Type: TypeOpus, Sequence: 1},
			[]Extension{{ExtAudioLevel, []byte{0x85}}, {ExtDependencyDescriptor, make([]byte, 17)}}),
			"90 6f 0001 00000000 00000000 1000 0006 02 01 85 05 11 " + strings.Repeat("00", 17) + "0000"},
		{"header without extensions", AppendHeader(nil, Header{Type: TypeRED}, nil), "80 3f 0000 00000000 00000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if want := unhex(t, tt.want); !bytes.Equal(tt.got, want) {
				t.Errorf("got  %x\nwant %x", tt.got, want)
			}
		})
	}
}

func TestGoldenControlStream(t *testing.T) {
	var b bytes.Buffer
	w := NewControlWriter(&b)
	messages := []*pb.RelayMessage{
		{Body: &pb.RelayMessage_Keyframe{Keyframe: &pb.Keyframe{Flow: 300}}},
		{Body: &pb.RelayMessage_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: 7}}},
	}
	for _, m := range messages {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	if want := unhex(t, "00 05 3a 03 08 ac 02 04 52 02 08 07"); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got  %x\nwant %x", b.Bytes(), want)
	}
	r := NewControlReader(&b)
	for i, m := range messages {
		if got, err := r.Next(); err != nil || !proto.Equal(got, m) {
			t.Errorf("message %d: got %v, %v; want %v", i, got, err, m)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("behind the last: %v, want EOF", err)
	}
}
