package estimate

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// A status is what a feedback tells of one packet.
type status struct {
	came  bool
	delta int16 // ticks since the one that came before it
}

func (s status) symbol() uint16 {
	switch {
	case !s.came:
		return 0
	case s.delta >= 0 && s.delta <= 255:
		return 1
	}
	return 2
}

// appendFeedback writes all as a feedback from packet base and reference (24 bits of 64 ms) on, in chunks of each kind.
func appendFeedback(b []byte, base uint16, reference uint32, all []status) []byte {
	at := len(b)
	b = append(b, 0x80|feedbackFormat, feedbackType, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2)
	b = binary.BigEndian.AppendUint16(b, base)
	b = binary.BigEndian.AppendUint16(b, uint16(len(all)))
	b = binary.BigEndian.AppendUint32(b, reference<<8|9)
	for rest := all; len(rest) > 0; {
		run, most := 0, uint16(0)
		for run < len(rest) && rest[run].symbol() == rest[0].symbol() {
			run++
		}
		for _, s := range rest[:min(14, len(rest))] {
			most = max(most, s.symbol())
		}
		var chunk uint16
		n := run
		switch {
		case run >= 14:
			chunk = rest[0].symbol()<<13 | uint16(run)
		case most < 2:
			chunk, n = chunkVector, min(14, len(rest))
			for i, s := range rest[:n] {
				chunk |= s.symbol() << (13 - i)
			}
		default:
			chunk, n = chunkVector|chunkTwoBits, min(7, len(rest))
			for i, s := range rest[:n] {
				chunk |= s.symbol() << (12 - 2*i)
			}
		}
		b = binary.BigEndian.AppendUint16(b, chunk)
		rest = rest[n:]
	}
	for _, s := range all {
		switch s.symbol() {
		case 1:
			b = append(b, byte(s.delta))
		case 2:
			b = binary.BigEndian.AppendUint16(b, uint16(s.delta))
		}
	}
	if pad := (4 - len(b)%4) % 4; pad > 0 {
		b = append(b, make([]byte, pad)...)
		b[len(b)-1] = byte(pad)
		b[at] |= 0x20
	}
	binary.BigEndian.PutUint16(b[at+2:], uint16((len(b)-at)/4-1))
	return b
}

// read walks through f.
func read(f Feedback) (all []status) {
	w := f.walk()
	for last := f.reference; ; last = w.arrival {
		came, ok := w.next()
		if !ok {
			return all
		}
		s := status{came: came}
		if came {
			s.delta = int16(w.arrival - last)
		}
		all = append(all, s)
	}
}

func TestFeedbackInBytes(t *testing.T) {
	for _, row := range []struct {
		name, hex string
		base      uint16
		reference uint32
		want      []status
	}{
		{
			"run of small deltas", "8fcd0006 00000001 00000002 0005 0003 000001 00 2003 04 08 ff 000000",
			5, 1 << 8, []status{{true, 4}, {true, 8}, {true, 255}},
		},
		{
			"run of large deltas, the second before the first", "8fcd0006 00000001 00000002 ffff 0002 ffffff 07 4002 0100 ff00 0000",
			65535, 0xffffff00, []status{{true, 256}, {true, -256}},
		},
		{
			"14 symbols of one bit, of which 3 count", "8fcd0006 00000001 00000002 0000 0003 000000 00 abff 01 02 00000000",
			0, 0, []status{{true, 1}, {}, {true, 2}},
		},
		{
			"7 symbols of two bits, padded", "afcd0006 00000001 00000002 0000 0004 000000 00 d800 0a 8000 000003",
			0, 0, []status{{true, 10}, {true, -32768}, {}, {}},
		},
		{
			"missing ones, then a vector", "8fcd0006 00000001 00000002 0010 0015 000000 00 0014 a000 03 000000",
			16, 0, append(make([]status, 20), status{true, 3}),
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(row.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			p, rest, err := Next(b)
			if err != nil || len(rest) != 0 || !IsFeedback(p) {
				t.Fatalf("%d bytes left, %v", len(rest), err)
			}
			f, err := ParseFeedback(p)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(f); f.base != row.base || f.reference != row.reference || !slices.Equal(got, row.want) {
				t.Errorf("got %d, %x, %v, want %d, %x, %v", f.base, f.reference, got, row.base, row.reference, row.want)
			}
		})
	}
}

func TestMalformedFeedback(t *testing.T) {
	good := appendFeedback(nil, 1, 1, slices.Repeat([]status{{true, 4}, {true, 300}, {}}, 30))
	change := func(f func(b []byte) []byte) []byte { return f(slices.Clone(good)) }
	rows := map[string][]byte{
		"no packet":          change(func(b []byte) []byte { b[14], b[15] = 0, 0; return b }),
		"more than the most": change(func(b []byte) []byte { b[14], b[15] = (maxStatuses+1)>>8, (maxStatuses+1)&0xff; return b }),
		"padding of nothing": change(func(b []byte) []byte { b[0] |= 0x20; b[len(b)-1] = 0; return b }),
		"padding of all":     change(func(b []byte) []byte { b[0] |= 0x20; b[len(b)-1] = 255; return b }),
		"reserved in a run":  change(func(b []byte) []byte { b[20], b[21] = 0x60, 90; return b }),
		"reserved in a pair": change(func(b []byte) []byte { b[20], b[21] = 0xc0, 0x30; return b }),
		"another format":     change(func(b []byte) []byte { b[0] = b[0]&^0x1f | 1; return b }),
		"runs of nothing":    change(func(b []byte) []byte { clear(b[20:]); return b }),
	}
	for n := range len(good) - 4 { // the last bytes may be padding
		if _, err := ParseFeedback(good[:n:n]); !errors.Is(err, ErrFeedback) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for name, b := range rows {
		if _, err := ParseFeedback(b); !errors.Is(err, ErrFeedback) {
			t.Errorf("%s: got %v, want ErrFeedback", name, err)
		}
	}
	if _, err := ParseFeedback(good); err != nil {
		t.Error(err)
	}
}

func TestNext(t *testing.T) {
	report, err := (&rtcp.ReceiverReport{SSRC: 7}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	both := appendFeedback(slices.Clone(report), 1, 1, []status{{true, 4}})
	first, rest, err := Next(both)
	if err != nil || IsFeedback(first) || len(first) != len(report) {
		t.Fatalf("first: %d bytes, %v", len(first), err)
	}
	second, rest, err := Next(rest)
	if err != nil || !IsFeedback(second) || len(rest) != 0 {
		t.Fatalf("second: %d bytes left, %v", len(rest), err)
	}
	for _, b := range [][]byte{nil, both[:3], both[:7], {0, 205, 0, 0}, {0x8f, 205, 0xff, 0xff}} {
		if _, _, err := Next(b); !errors.Is(err, ErrCompound) {
			t.Errorf("%x: got %v, want ErrCompound", b, err)
		}
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	b := appendFeedback(nil, 1, 1, slices.Repeat([]status{{true, 4}, {true, 300}, {}}, 30))
	came := 0
	n := testing.AllocsPerRun(100, func() {
		p, _, _ := Next(b)
		f, err := ParseFeedback(p)
		if err != nil {
			t.Fatal(err)
		}
		for w := f.walk(); ; {
			c, ok := w.next()
			if !ok {
				break
			}
			if c {
				came++
			}
		}
	})
	if n != 0 || came != 101*60 {
		t.Errorf("%v allocations, %d packets came, want 0 and %d", n, came, 101*60)
	}
}

// What is read and written again is the same, and pion reads the same out of it.
func FuzzFeedback(f *testing.F) {
	f.Add(appendFeedback(nil, 65530, 0xffffff, slices.Repeat([]status{{true, 4}, {true, -300}, {}}, 30)))
	f.Add(appendFeedback(nil, 0, 0, slices.Repeat([]status{{true, 255}}, 100)))
	f.Add(appendFeedback(nil, 9, 1, append(make([]status, 4000), status{true, 1}, status{}, status{true, 256})))
	f.Add(appendFeedback(nil, 9, 1, []status{{true, 1}, {}, {true, 2}, {}, {}, {true, 3}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			p, rest, err := Next(b)
			if err != nil {
				return
			}
			if len(p)+len(rest) != len(b) || len(p) < 4 {
				t.Fatalf("%d and %d of %d bytes", len(p), len(rest), len(b))
			}
			b = rest
			fb, err := ParseFeedback(p)
			if err != nil {
				continue
			}
			all := read(fb)
			if len(all) != fb.count || len(all) > maxStatuses {
				t.Fatalf("%d packets, want %d", len(all), fb.count)
			}
			e := crowded()
			e.Feedback(11*time.Second, &fb) // whatever it says
			same(t, fb, all)
		}
	})
}

func same(t *testing.T, fb Feedback, all []status) {
	again := appendFeedback(nil, fb.base, fb.reference>>8, all)
	got, err := ParseFeedback(again)
	if err != nil || got.base != fb.base || got.reference != fb.reference || !slices.Equal(read(got), all) {
		t.Fatalf("%d packets from %d became %d from %d, %v", len(all), fb.base, got.count, got.base, err)
	}
	var came []int64
	for _, s := range all {
		if s.came {
			came = append(came, int64(s.delta))
		}
	}
	if len(came) == 0 || len(again) > 1<<15 {
		return // pion wants a delta, and counts bytes in 16 bits
	}
	var theirs rtcp.TransportLayerCC
	if err := theirs.Unmarshal(again); err != nil {
		t.Fatalf("pion: %v", err)
	}
	var deltas []int64
	for _, d := range theirs.RecvDeltas {
		deltas = append(deltas, d.Delta/rtcp.TypeTCCDeltaScaleFactor)
	}
	if theirs.BaseSequenceNumber != fb.base || theirs.ReferenceTime != fb.reference>>8 || !slices.Equal(deltas, came) {
		t.Fatalf("pion: from %d, %d, %v, want %d, %d, %v", theirs.BaseSequenceNumber, theirs.ReferenceTime, deltas, fb.base, fb.reference>>8, came)
	}
}

// crowded returns an estimator that has sent some.
func crowded() *Estimator {
	e := New(&Path{})
	for n := range 3000 {
		e.Number(10*time.Second+time.Duration(n/10)*time.Millisecond, 1000)
	}
	return e
}
