package rtpq

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/quic-go/quic-go/quicvarint"
)

func TestParseDatagram(t *testing.T) {
	tests := []struct {
		name, in string
		flow     uint64
		kind     Kind
		body     string
	}{
		{"RTP", "01 " + rtpPacket, 1, KindRTP, rtpPacket},
		{"RTP of a high flow", "412c " + rtpPacket, 300, KindRTP, rtpPacket},
		{"RTP, flow in a long form", "8000 0001 " + rtpPacket, 1, KindRTP, rtpPacket},
		{"Opus with marker", "02 80 ef 0001 00000000 00000000", 2, KindRTP, "80 ef 0001 00000000 00000000"},
		{"NACK", "01 81 cd 0003 00000000 00000000 fffe 8001", 1, KindRTCP, "81 cd 0003 00000000 00000000 fffe 8001"},
		{"first RTCP type", "01 80 c0 0001 00000000", 1, KindRTCP, "80 c0 0001 00000000"},
		{"last RTCP type", "01 80 df 0001 00000000", 1, KindRTCP, "80 df 0001 00000000"},
		{"BEAT", "00 01 01020304 00", 0, KindBeat, "01020304 00"},
		{"GONE", "00 03 01 00", 0, KindGone, "01 00"},
		{"GONE without a body", "00 03", 0, KindGone, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			flow, packet, kind, err := ParseDatagram(unhex(t, tt.in))
			if err != nil || flow != tt.flow || kind != tt.kind || !bytes.Equal(packet, unhex(t, tt.body)) {
				t.Errorf("got flow %d kind %d %x, %v", flow, kind, packet, err)
			}
		})
	}
}

func TestParseDatagramRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": "", "flow alone": "01", "flow cut off": "41", "flow 0 alone": "00", "unknown type": "00 02 00", "SHIM type": "00 08 00",
		"version 1 of RTP": "01 40 60 0001 00000000 00000000", "version 0": "01 00 60 0001 00000000 00000000",
		"RTP cut off": "01 80 60 0001 00000000 000000", "RTCP cut off": "01 81 cd 0001 000000",
	} {
		if flow, packet, kind, err := ParseDatagram(unhex(t, in)); !errors.Is(err, ErrMalformed) || packet != nil && kind != 0 {
			t.Errorf("%s: got flow %d kind %d %x, %v", name, flow, kind, packet, err)
		}
	}
}

// What does not fit into one BEAT or GONE goes into further ones, and none is larger than a link takes.
func TestBeatAndGoneSplit(t *testing.T) {
	for _, high := range []uint64{0, 1 << 40} {
		var highs, got []High
		for i := range 1000 {
			highs = append(highs, High{high + uint64(i) + 1, uint16(i)})
		}
		datagrams := 0
		for rest := highs; len(rest) > 0; datagrams++ {
			var b []byte
			b, rest = AppendBeat(nil, 7, rest)
			_, body, kind, err := ParseDatagram(b)
			var beat Beat
			if err != nil || kind != KindBeat || len(b) > maxControl || beat.Parse(body) != nil || beat.Time != 7 {
				t.Fatalf("BEAT of %d bytes, kind %d, %+v, %v", len(b), kind, beat, err)
			}
			got = append(got, beat.Highs...)
		}
		if !reflect.DeepEqual(got, highs) || datagrams > 10 {
			t.Errorf("%d datagrams brought %d of %d", datagrams, len(got), len(highs))
		}
	}
	var spans, got []Span
	for i := range 600 {
		spans = append(spans, Span{uint16(3 * i), 2})
	}
	for rest := spans; len(rest) > 0; {
		var b []byte
		b, rest = AppendGone(nil, quicvarint.Max, rest)
		_, body, kind, err := ParseDatagram(b)
		var gone Gone
		if err != nil || kind != KindGone || len(b) > maxControl || gone.Parse(body) != nil || gone.Flow != quicvarint.Max {
			t.Fatalf("GONE of %d bytes, kind %d, %+v, %v", len(b), kind, gone, err)
		}
		got = append(got, gone.Spans...)
	}
	if !reflect.DeepEqual(got, spans) {
		t.Errorf("GONE brought %d spans of %d", len(got), len(spans))
	}
}

func TestBeatAndGoneRefuse(t *testing.T) {
	for name, in := range map[string]string{
		"no time": "010203", "no count": "01020304", "fewer than counted": "01020304 02 01 0102", "high cut off": "01020304 01 01 01", "flow cut off": "01020304 01 41",
	} {
		var b Beat
		if err := b.Parse(unhex(t, in)); !errors.Is(err, ErrMalformed) {
			t.Errorf("BEAT, %s: %+v, %v", name, b, err)
		}
	}
	for name, in := range map[string]string{
		"nothing": "", "flow alone": "01", "flow 0": "00 00", "fewer than counted": "01 02 0001 01", "span cut off": "01 01 0001",
	} {
		var g Gone
		if err := g.Parse(unhex(t, in)); !errors.Is(err, ErrMalformed) {
			t.Errorf("GONE, %s: %+v, %v", name, g, err)
		}
	}
}

func TestAppendSpans(t *testing.T) {
	run := func(first uint16, n int) (seqs []uint16) {
		for i := range n {
			seqs = append(seqs, first+uint16(i))
		}
		return seqs
	}
	for _, row := range []struct {
		seqs []uint16
		want []Span
	}{
		{nil, nil},
		{[]uint16{5}, []Span{{5, 1}}},
		{[]uint16{65534, 65535, 0, 1, 3}, []Span{{65534, 4}, {3, 1}}},
		{run(65500, 300), []Span{{65500, 255}, {219, 45}}},
	} {
		if got := AppendSpans(nil, row.seqs); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%d numbers: got %v, want %v", len(row.seqs), got, row.want)
		}
	}
}

func FuzzParseDatagram(f *testing.F) {
	f.Add(AppendDatagram(nil, 300, unhex(f, rtpPacket)))
	nack, _ := AppendNACK(AppendDatagram(nil, 1, nil), []uint16{1, 5})
	f.Add(nack)
	beat, _ := AppendBeat(nil, 9, []High{{1, 2}, {300, 4}})
	f.Add(beat)
	gone, _ := AppendGone(nil, 300, []Span{{1, 2}, {9, 255}})
	f.Add(gone)
	var b Beat
	var g Gone
	f.Fuzz(func(t *testing.T, in []byte) {
		flow, packet, kind, err := ParseDatagram(in)
		if err != nil {
			return
		}
		var out []byte
		switch kind {
		case KindRTP, KindRTCP:
			out = AppendDatagram(nil, flow, packet)
		case KindBeat:
			if b.Parse(packet) != nil {
				return
			}
			var rest []High
			if out, rest = AppendBeat(nil, b.Time, b.Highs); len(rest) > 0 {
				return // longer than we send
			}
		case KindGone:
			if g.Parse(packet) != nil {
				return
			}
			out, _ = AppendGone(nil, g.Flow, g.Spans)
		}
		againFlow, again, againKind, err := ParseDatagram(out)
		if err != nil || againFlow != flow || againKind != kind || len(out) > len(in) {
			t.Fatalf("%x became %x: flow %d kind %d, %v", in, out, againFlow, againKind, err)
		}
		if (kind == KindRTP || kind == KindRTCP) && !bytes.Equal(again, packet) {
			t.Fatalf("%x became %x", packet, again)
		}
		if kind == KindBeat {
			var second Beat
			if second.Parse(again) != nil || second.Time != b.Time || len(second.Highs) != len(b.Highs) {
				t.Fatalf("%+v became %+v", b, second)
			}
		}
		if kind == KindGone {
			var second Gone
			if second.Parse(again) != nil || second.Flow != g.Flow || len(second.Spans) != len(g.Spans) {
				t.Fatalf("%+v became %+v", g, second)
			}
		}
	})
}

func TestDatagramsDoNotAllocate(t *testing.T) {
	packet := append(unhex(t, rtpPacket), make([]byte, 1100)...)
	buf := make([]byte, 0, 1500)
	highs := []High{{1, 2}, {2, 3}}
	beat, _ := AppendBeat(nil, 1, highs)
	gone, _ := AppendGone(nil, 1, []Span{{1, 2}})
	var b Beat
	var g Gone
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendDatagram(buf[:0], 300, packet)
		_, _, _, _ = ParseDatagram(buf)
		buf, _ = AppendBeat(buf[:0], 1, highs)
		_ = b.Parse(beat[2:])
		_ = g.Parse(gone[2:])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDatagram(b *testing.B) {
	packet := append(unhex(b, rtpPacket), make([]byte, 1184)...)
	buf := make([]byte, 0, 1500)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(packet)))
		for b.Loop() {
			buf = AppendDatagram(buf[:0], 300, packet)
		}
	})
	b.Run("parse", func(b *testing.B) {
		buf = AppendDatagram(buf[:0], 300, packet)
		b.ReportAllocs()
		for b.Loop() {
			if _, _, _, err := ParseDatagram(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
