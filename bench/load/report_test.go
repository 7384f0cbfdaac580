package load

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
)

var update = flag.Bool("update", false, "write testdata/ anew")

func TestReportIsWrittenAsBefore(t *testing.T) {
	r := Report{
		Elapsed: 2500 * time.Millisecond, Connected: 31 * time.Millisecond, FirstFrame: 42500 * time.Microsecond,
		Final: true, End: "the stream ended",
		Tracks: []TrackReport{
			{
				Kind: "video", Codec: "H264", Bitrate: 251300, FrameRate: 30, Width: 640, Height: 360, Packets: 190, Bytes: 78531,
				Frames: 75, KeyFrames: 2, Lost: 1, Repaired: 3, Repeated: 2, Damaged: 1, Jitter: 1400 * time.Microsecond,
				Delay: &Delay{P50: time.Millisecond, P99: 5200 * time.Microsecond, Max: 9 * time.Millisecond}, Freezes: 1, LongestGap: 210 * time.Millisecond,
				Stamps: &StampReport{Packets: 189, Missing: 1, Repeated: 2},
			},
			{Kind: "audio", Codec: "opus", Bitrate: 33100, FrameRate: 50, Packets: 125, Bytes: 10343, Frames: 125, Jitter: 300 * time.Microsecond, LongestGap: 22 * time.Millisecond},
		},
	}
	early := Report{
		Elapsed: time.Second, Connected: 31 * time.Millisecond,
		Path: &Path{Node: "edge-2", Hops: []PathHop{
			{Node: "edge-1", Upstream: "origin-1", RTT: 1.25, Received: 450, RateBPS: 3_550_000},
			{
				Node: "edge-2", Upstream: "edge-1", RTT: 100.5, Received: 449, Lost: 9, RepairedBelow: 8, Missing: 2, Repaired: 1, Gone: 1,
				Late: 3, Shed: 1, RoomBPS: 4_000_000, RateBPS: 3_500_000, Switches: 1,
			},
		}},
	}
	for _, c := range []struct {
		file   string
		asJSON bool
	}{{"testdata/report.json", true}, {"testdata/report.txt", false}} {
		var got bytes.Buffer
		for _, r := range []Report{early, r} {
			if err := WriteReport(&got, r, c.asJSON); err != nil {
				t.Fatal(err)
			}
		}
		if *update {
			if err := os.WriteFile(c.file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got; -update writes it anew):\n%s", c.file, diff)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	if h.delay() != nil {
		t.Error("a delay out of nothing")
	}
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * time.Millisecond)
	}
	h.add(-time.Second)
	d := h.delay()
	for _, c := range []struct{ got, want time.Duration }{
		{d.P50, 500 * time.Millisecond}, {d.P99, 990 * time.Millisecond}, {d.Max, time.Second},
	} {
		if off := (c.got - c.want).Abs(); off > c.want/40 {
			t.Errorf("got %v, want %v within 2.5 %%", c.got, c.want)
		}
	}
}

func TestPaceCountsFreezes(t *testing.T) {
	var p pace
	now := time.Unix(0, 0)
	for range 60 {
		now = now.Add(33 * time.Millisecond)
		p.add(now)
	}
	now = now.Add(182 * time.Millisecond) // not over 33 + 150
	p.add(now)
	if p.freezes != 0 {
		t.Errorf("%d freezes in an even flow", p.freezes)
	}
	now = now.Add(250 * time.Millisecond)
	p.add(now)
	if p.freezes != 1 || p.longest != 250*time.Millisecond {
		t.Errorf("%d freezes, longest gap %v", p.freezes, p.longest)
	}
}

func TestRoundTrip(t *testing.T) {
	now := time.Unix(1_800_000_000, 250_000_000)
	// The report said: your sender report of 100 ms ago came to me, and I held it for 60 ms.
	ntp := func(t time.Time) uint32 {
		return uint32((t.Unix()+2208988800)<<16) | uint32(int64(t.Nanosecond())<<16/1e9)
	}
	r := rtcp.ReceptionReport{LastSenderReport: ntp(now.Add(-100 * time.Millisecond)), Delay: 65536 * 60 / 1000}
	if got := roundTrip(r, now); (got - 40*time.Millisecond).Abs() > 100*time.Microsecond {
		t.Errorf("got %v, want 40 ms", got)
	}
	for _, r := range []rtcp.ReceptionReport{{}, {LastSenderReport: ntp(now.Add(time.Second))}} {
		if got := roundTrip(r, now); got != 0 {
			t.Errorf("%+v: got %v, want 0", r, got)
		}
	}
}
