package rtpq

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
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

type goldenRow struct {
	name  string
	got   []byte
	want  string
	shown bool // by RELAY.md, in these very bytes
}

func golden(t *testing.T) []goldenRow {
	beat, _ := AppendBeat(nil, 0x01020304, []High{{1, 258}, {300, 65535}})
	gone, _ := AppendGone(nil, 300, []Span{{65535, 3}, {16, 1}})
	nack, _ := AppendNACK(AppendDatagram(nil, 1, nil), []uint16{65534, 65535, 14, 15})
	group := AppendGroupPacket(Part{300, 257, 3}.Append(nil), unhex(t, rtpPacket))
	old := AppendGroupPacket(Part{Flow: 300}.Append(nil), unhex(t, rtpPacket))
	return []goldenRow{
		{"RTP datagram", AppendDatagram(nil, 1, unhex(t, rtpPacket)), "01 " + rtpPacket, false},
		{"RTP datagram of a high flow", AppendDatagram(nil, 300, unhex(t, rtpPacket)), "412c " + rtpPacket, false},
		{"BEAT", beat, "00 01 01020304 02 01 0102 412c ffff", true},
		{"GONE", gone, "00 03 412c 02 ffff 03 0010 01", true},
		{"NACK datagram", nack, "01 81 cd 0004 00000000 00000000 fffe 8001 000f 0000", true},
		{"report datagram", AppendReport(AppendDatagram(nil, 1, nil), 0, 3000, capture), "01 80 c8 0006 00000000 eeafd090 80000000 00000bb8 00000000 00000000", true},
		{"group stream", group, "412c 0101 03 10 " + rtpPacket, false},
		{"group stream of version 1", old, "412c 10 " + rtpPacket, false},
		{"header, one-byte form", AppendHeader(nil, Header{Type: TypeVideo, Marker: true, Sequence: 258, Timestamp: 3000, SSRC: 0xaabbccdd},
			[]Extension{{ExtAudioLevel, []byte{0x85}}, {ExtPlayoutDelay, []byte{1, 2, 3}}}),
			"90 e0 0102 00000bb8 aabbccdd bede 0002 20 85 32 01 02 03 00 00", true},
		{"header, two-byte form", AppendHeader(nil, Header{Type: TypeOpus, Sequence: 1},
			[]Extension{{ExtAudioLevel, []byte{0x85}}, {ExtDependencyDescriptor, make([]byte, 17)}}),
			"90 6f 0001 00000000 00000000 1000 0006 02 01 85 05 11 " + strings.Repeat("00", 17) + "0000", false},
		{"header without extensions", AppendHeader(nil, Header{Type: TypeRED}, nil), "80 3f 0000 00000000 00000000", false},
	}
}

// A change of these bytes is a change of the protocol.
func TestGoldenBytes(t *testing.T) {
	for _, tt := range golden(t) {
		t.Run(tt.name, func(t *testing.T) {
			if want := unhex(t, tt.want); !bytes.Equal(tt.got, want) {
				t.Errorf("got  %x\nwant %x", tt.got, want)
			}
		})
	}
}

// RELAY.md shows the bytes that the tests above hold the code to, and each code.
func TestSpecificationShowsTheSame(t *testing.T) {
	spec, err := os.ReadFile("../RELAY.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"`" + ALPN + "`", rtpPacket}
	for _, tt := range golden(t) {
		if tt.shown {
			want = append(want, "`"+tt.want+"`")
		}
	}
	want = append(want, "`"+goldenControl+"`")
	for _, c := range []Code{CodeNone, CodeGeneral, CodeInternal, CodePacket, CodeStream, CodeCancelled, CodeFlow,
		CodeVersion, CodeIdentity, CodeSilent, CodeTooLarge, CodeFull, CodeReplaced, CodeDrain} {
		want = append(want, fmt.Sprintf("| `0x%02x` |", c))
	}
	for _, w := range want {
		if !strings.Contains(string(spec), w) {
			t.Errorf("RELAY.md lacks %s", w)
		}
	}
}

const goldenControl = "00 05 3a 03 08 ac 02 04 52 02 08 07"

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
	if want := unhex(t, goldenControl); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got  %x\nwant %x", b.Bytes(), want)
	}
	r := NewControlReader(&b)
	for i, m := range messages {
		if got, err := r.Next(); err != nil || !proto.Equal(got, m) {
			t.Errorf("message %d: got %v, %v; want %v", i, got, err, m)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last: %v, want EOF", err)
	}
}
