package rtpq

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestNACKRoundTrip(t *testing.T) {
	every := func(n, step int) (seqs []uint16) {
		for i := range n {
			seqs = append(seqs, uint16(65000+i*step))
		}
		return seqs
	}
	for name, missing := range map[string][]uint16{
		"one": {7}, "around the end": {65534, 65535, 0, 1, 30}, "17 in a row": every(17, 1), "18 in a row": every(18, 1),
		"a thousand in a row": every(1000, 1), "a thousand apart": every(1000, 20),
	} {
		t.Run(name, func(t *testing.T) {
			var got []uint16
			for rest := missing; len(rest) > 0; {
				var b []byte
				b, rest = AppendNACK(nil, rest)
				if len(b) > maxControl {
					t.Fatalf("a NACK of %d bytes", len(b))
				}
				f, err := ParseRTCP(b)
				if err != nil || f.Report {
					t.Fatalf("%+v, %v", f, err)
				}
				got = append(got, f.Missing...)
			}
			if !slices.Equal(got, missing) {
				t.Errorf("got %v, want %v", got, missing)
			}
		})
	}
	if b, rest := AppendNACK([]byte("x"), nil); string(b) != "x" || rest != nil {
		t.Errorf("a NACK of nothing: %q %v", b, rest)
	}
}

func TestReportRoundTrip(t *testing.T) {
	for _, at := range []time.Time{capture, time.Date(2035, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(2036, 2, 7, 6, 28, 16, 1, time.UTC), time.Date(2050, 1, 1, 0, 0, 0, 123_456_789, time.UTC)} {
		f, err := ParseRTCP(AppendReport(nil, 1, 0xfffffff0, at))
		if err != nil || !f.Report || f.RTPTime != 0xfffffff0 || f.At.Sub(at).Abs() > time.Nanosecond {
			t.Errorf("%v became %+v, %v", at, f, err)
		}
	}
}

func TestParseRTCP(t *testing.T) {
	compound, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: 1, NTPTime: NTP(capture), RTPTime: 9}, &rtcp.PictureLossIndication{MediaSSRC: 2},
		&rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: 5, LostPackets: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if f, err := ParseRTCP(compound); err != nil || !slices.Equal(f.Missing, []uint16{5, 6}) || !f.Report || f.RTPTime != 9 || !f.At.Equal(capture) {
		t.Errorf("compound: %+v, %v", f, err)
	}
	for name, in := range map[string]string{
		"nothing": "", "header alone": "81cd", "NACK without pairs": "81 cd 0002 00000000 00000000", "longer than it is": "81 cd 0009 00000000 00000000 00010000",
		"length that overflows": "81 cd 4003 00000000 00000000 00010000", "report cut off": "80 c8 0006 00000000 eeafd090",
	} {
		if f, err := ParseRTCP(unhex(t, in)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

func FuzzParseRTCP(f *testing.F) {
	nack, _ := AppendNACK(nil, []uint16{1, 2, 40})
	f.Add(nack)
	f.Add(AppendReport(nil, 1, 2, capture))
	f.Add(append(AppendReport(nil, 1, 2, capture), nack...))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseRTCP(b)
		if err != nil {
			return
		}
		if got.Report {
			again, err := ParseRTCP(AppendReport(nil, 0, got.RTPTime, got.At))
			if err != nil || again.RTPTime != got.RTPTime || again.At.Sub(got.At).Abs() > time.Nanosecond {
				t.Fatalf("%+v became %+v, %v", got, again, err)
			}
		}
		if len(got.Missing) > 17*len(b)/4 {
			t.Fatalf("%d bytes ask for %d packets", len(b), len(got.Missing))
		}
	})
}
