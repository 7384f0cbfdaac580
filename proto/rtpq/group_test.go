package rtpq

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/quic-go/quic-go/quicvarint"
)

func readGroup(r io.Reader) (flow uint64, packets [][]byte, err error) {
	g, err := NewGroupReader(r)
	if err != nil {
		return 0, nil, err
	}
	for {
		p, err := g.Next()
		if errors.Is(err, io.EOF) {
			return g.Flow(), packets, nil
		}
		if err != nil {
			return g.Flow(), packets, err
		}
		packets = append(packets, p)
	}
}

func TestGroupRoundTrip(t *testing.T) {
	packet := unhex(t, rtpPacket)
	largest := append(unhex(t, rtpPacket), make([]byte, MaxPacket-len(packet))...)
	b := AppendGroupHeader(nil, 300)
	want := [][]byte{packet, largest, packet[:12]}
	for _, p := range want {
		b = AppendGroupPacket(b, p)
	}
	for name, r := range map[string]io.Reader{"at once": bytes.NewReader(b), "byte by byte": iotest.OneByteReader(bytes.NewReader(b)), "EOF with data": iotest.DataErrReader(bytes.NewReader(b))} {
		flow, got, err := readGroup(r)
		if err != nil || flow != 300 || len(got) != len(want) {
			t.Fatalf("%s: flow %d, %d packets, %v", name, flow, len(got), err)
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%s: packet %d differs", name, i)
			}
		}
	}
	if flow, got, err := readGroup(bytes.NewReader(AppendGroupHeader(nil, 1))); flow != 1 || got != nil || err != nil {
		t.Errorf("empty group: %d %v %v", flow, got, err)
	}
}

func TestGroupRefuses(t *testing.T) {
	packet := unhex(t, rtpPacket)
	whole := AppendGroupPacket(AppendGroupHeader(nil, 300), packet)
	for n := 0; n < len(whole); n++ {
		if n == 2 {
			continue // the header alone is an empty group
		}
		if _, _, err := readGroup(bytes.NewReader(whole[:n])); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
	for name, row := range map[string]struct {
		in   []byte
		want error
	}{
		"flow 0":           {AppendGroupPacket([]byte{0}, packet), ErrMalformed},
		"no RTP":           {AppendGroupPacket([]byte{1}, []byte("short")), ErrMalformed},
		"RTP version 1":    {AppendGroupPacket([]byte{1}, make([]byte, 20)), ErrMalformed},
		"packet too large": {quicvarint.Append([]byte{1}, MaxPacket+1), ErrTooLarge},
		"largest number":   {quicvarint.Append([]byte{1}, quicvarint.Max), ErrTooLarge},
	} {
		if _, _, err := readGroup(bytes.NewReader(row.in)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	broken := errors.New("reset")
	if _, _, err := readGroup(io.MultiReader(bytes.NewReader(whole[:9]), iotest.ErrReader(broken))); !errors.Is(err, broken) || errors.Is(err, ErrMalformed) {
		t.Errorf("a reader's own error came out as %v", err)
	}
}

func TestGroupIsBounded(t *testing.T) {
	one := AppendGroupPacket(nil, append(unhex(t, rtpPacket), make([]byte, 60000)...))
	r := io.MultiReader(bytes.NewReader([]byte{1}), &endless{b: one})
	_, packets, err := readGroup(r)
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
	f.Add(AppendGroupPacket(AppendGroupPacket(AppendGroupHeader(nil, 300), unhex(f, rtpPacket)), unhex(f, rtpPacket)))
	f.Add(AppendGroupHeader(nil, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		flow, packets, err := readGroup(bytes.NewReader(b))
		if err != nil {
			return
		}
		out := AppendGroupHeader(nil, flow)
		for _, p := range packets {
			out = AppendGroupPacket(out, p)
		}
		againFlow, again, err := readGroup(bytes.NewReader(out))
		if err != nil || againFlow != flow || len(again) != len(packets) || len(out) > len(b) {
			t.Fatalf("%x became %x: %v", b, out, err)
		}
	})
}

func BenchmarkGroupReader(b *testing.B) {
	packet := append(unhex(b, rtpPacket), make([]byte, 1184)...)
	group := AppendGroupHeader(nil, 1)
	for range 1000 {
		group = AppendGroupPacket(group, packet)
	}
	b.SetBytes(int64(len(group)))
	b.ReportAllocs()
	for b.Loop() {
		if _, packets, err := readGroup(bytes.NewReader(group)); err != nil || len(packets) != 1000 {
			b.Fatal(err)
		}
	}
}
