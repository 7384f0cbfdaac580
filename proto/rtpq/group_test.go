package rtpq

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/quic-go/quic-go/quicvarint"
)

func readGroup(r io.Reader, version uint32) (part Part, packets [][]byte, err error) {
	g, err := NewGroupReader(r, version)
	if err != nil {
		return part, nil, err
	}
	for {
		p, err := g.Next()
		if errors.Is(err, io.EOF) {
			return g.Part(), packets, nil
		}
		if err != nil {
			return g.Part(), packets, err
		}
		packets = append(packets, p)
	}
}

// parts are the same stream in both versions: packet 258 is the second of three, and one of the packets is missing.
func parts() map[uint32]Part { return map[uint32]Part{VersionOne: {Flow: 300}, Version: {300, 257, 3}} }

func TestGroupRoundTrip(t *testing.T) {
	packet := unhex(t, rtpPacket)
	largest := append(unhex(t, rtpPacket), make([]byte, MaxPacket-len(packet))...)
	want := [][]byte{packet, largest, packet[:12]}
	for version, part := range parts() {
		b := part.Append(nil)
		for _, p := range want {
			b = AppendGroupPacket(b, p)
		}
		for name, r := range map[string]io.Reader{"at once": bytes.NewReader(b), "byte by byte": iotest.OneByteReader(bytes.NewReader(b)), "EOF with data": iotest.DataErrReader(bytes.NewReader(b))} {
			got, packets, err := readGroup(r, version)
			if err != nil || got != part || len(packets) != len(want) {
				t.Fatalf("version %d, %s: %+v, %d packets, %v", version, name, got, len(packets), err)
			}
			for i := range want {
				if !bytes.Equal(packets[i], want[i]) {
					t.Errorf("version %d, %s: packet %d differs", version, name, i)
				}
			}
		}
		if got, packets, err := readGroup(bytes.NewReader(part.Append(nil)), version); got != part || packets != nil || err != nil {
			t.Errorf("version %d, no packets: %+v %v %v", version, got, packets, err)
		}
	}
}

func TestGroupRefuses(t *testing.T) {
	packet := unhex(t, rtpPacket)
	broken := errors.New("reset")
	for version, part := range parts() {
		header := slices.Clip(part.Append(nil))
		whole := AppendGroupPacket(header, packet)
		for n := 0; n < len(whole); n++ {
			if n == len(header) {
				continue // the header alone is a stream without packets
			}
			if _, _, err := readGroup(bytes.NewReader(whole[:n]), version); !errors.Is(err, ErrMalformed) {
				t.Errorf("version %d, cut after %d bytes: %v", version, n, err)
			}
			if _, _, err := readGroup(io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken)), version); !errors.Is(err, broken) || errors.Is(err, ErrMalformed) {
				t.Errorf("version %d, reset after %d bytes: %v", version, n, err)
			}
		}
		for name, row := range map[string]struct {
			in   []byte
			want error
		}{
			"flow 0":           {append([]byte{0}, whole[2:]...), ErrMalformed},
			"no RTP":           {AppendGroupPacket(header, []byte("short")), ErrMalformed},
			"RTP version 1":    {AppendGroupPacket(header, make([]byte, 20)), ErrMalformed},
			"packet too large": {quicvarint.Append(header, MaxPacket+1), ErrTooLarge},
			"largest number":   {quicvarint.Append(header, quicvarint.Max), ErrTooLarge},
		} {
			if _, _, err := readGroup(bytes.NewReader(row.in), version); !errors.Is(err, row.want) {
				t.Errorf("version %d, %s: %v, want %v", version, name, err, row.want)
			}
		}
	}
	for name, part := range map[string]Part{
		"packet before its part": {300, 259, 3}, "packet behind it": {300, 65533, 261}, "as many numbers as 16 bits tell apart": {300, 257, 1 << 15},
	} {
		if _, _, err := readGroup(bytes.NewReader(AppendGroupPacket(part.Append(nil), packet)), Version); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := readGroup(bytes.NewReader([]byte{1, 0, 0, 0}), Version); !errors.Is(err, ErrMalformed) {
		t.Errorf("no numbers: %v", err)
	}
}

func TestGroupIsBounded(t *testing.T) {
	one := AppendGroupPacket(nil, append(unhex(t, rtpPacket), make([]byte, 60000)...))
	r := io.MultiReader(bytes.NewReader([]byte{1}), &endless{b: one})
	_, packets, err := readGroup(r, VersionOne)
	if want := MaxGroup / len(one); !errors.Is(err, ErrTooLarge) || len(packets) != want {
		t.Errorf("took %d packets, %v; want %d", len(packets), err, want)
	}
}

// endless reads as b over and over.
type endless struct {
	b  []byte
	at int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.b[e.at:])
	e.at = (e.at + n) % len(e.b)
	return n, nil
}

func FuzzGroup(f *testing.F) {
	for _, part := range parts() {
		f.Add(AppendGroupPacket(AppendGroupPacket(part.Append(nil), unhex(f, rtpPacket)), unhex(f, rtpPacket)))
		f.Add(part.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for version := range parts() {
			part, packets, err := readGroup(bytes.NewReader(b), version)
			if err != nil {
				continue
			}
			out := part.Append(nil)
			for _, p := range packets {
				out = AppendGroupPacket(out, p)
			}
			same, again, err := readGroup(bytes.NewReader(out), version)
			if err != nil || same != part || len(again) != len(packets) || len(out) > len(b) {
				t.Fatalf("version %d: %x became %x: %v", version, b, out, err)
			}
		}
	})
}

func BenchmarkGroupReader(b *testing.B) {
	packet := append(unhex(b, rtpPacket), make([]byte, 1184)...)
	group := Part{1, 258, 1000}.Append(nil)
	for range 1000 {
		group = AppendGroupPacket(group, packet)
	}
	b.SetBytes(int64(len(group)))
	b.ReportAllocs()
	for b.Loop() {
		if _, packets, err := readGroup(bytes.NewReader(group), Version); err != nil || len(packets) != 1000 {
			b.Fatal(err)
		}
	}
}
