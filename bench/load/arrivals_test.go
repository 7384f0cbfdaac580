package load

import (
	"testing"
	"time"

	"freshet/cluster/stream"
)

func TestArrivalsTellTheLongestGapOfAWindow(t *testing.T) {
	zero := time.Unix(1_800_000_000, 0)
	ms := func(n int) time.Time { return zero.Add(time.Duration(n) * time.Millisecond) }
	var a Arrivals
	for _, n := range []int{0, 33, 66, 266, 300, 333, 733, 766} {
		a.add(stream.Video, ms(n))
	}
	a.add(stream.Audio, ms(20))
	for _, c := range []struct {
		name     string
		from, to int
		want     int // ms
		frames   int
		ok       bool
	}{
		{"quiet window inside a gap", 100, 200, 200, 0, true},
		{"a gap that began before", 250, 320, 200, 2, true},
		{"a gap that ends later", 290, 400, 400, 2, true},
		{"between two gaps", 300, 333, 400, 2, true},
		{"still open", 740, 2000, 1234, 1, true},
		{"begins before the first frame", -10, 50, 33, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			gap, frames, ok := a.Longest(stream.Video, ms(c.from), ms(c.to))
			if gap.Milliseconds() != int64(c.want) || frames != c.frames || ok != c.ok {
				t.Errorf("got %v, %d frames, %v; want %v ms, %d, %v", gap, frames, ok, c.want, c.frames, c.ok)
			}
		})
	}
	gaps := a.GapsSince(stream.Video, ms(266), 150*time.Millisecond)
	if len(gaps) != 1 || !gaps[0].Since.Equal(ms(333)) || gaps[0].For != 400*time.Millisecond {
		t.Errorf("gaps after 266 ms: %v, want the one of 400 ms", gaps)
	}
	if gaps := a.GapsSince(stream.Video, zero, 150*time.Millisecond); len(gaps) != 2 {
		t.Errorf("gaps of all: %v, want two", gaps)
	}
	if _, frames, ok := a.Longest(stream.Audio, ms(0), ms(100)); frames != 1 || ok {
		t.Errorf("audio: %d frames, known %v", frames, ok)
	}
}

func TestArrivalsForgetTheOldest(t *testing.T) {
	zero := time.Unix(1_800_000_000, 0)
	var a Arrivals
	for i := range 2*arrivalsKept + 10 {
		a.add(stream.Video, zero.Add(time.Duration(i)*time.Millisecond))
	}
	if n := len(a.kinds[1].at); n != arrivalsKept {
		t.Errorf("%d times kept, want %d", n, arrivalsKept)
	}
	end := zero.Add((2*arrivalsKept + 9) * time.Millisecond)
	if gap, frames, ok := a.Longest(stream.Video, end.Add(-time.Second), end); gap != time.Millisecond || frames != 1001 || !ok {
		t.Errorf("last second: %v, %d frames, %v", gap, frames, ok)
	}
	if _, _, ok := a.Longest(stream.Video, zero, end); ok {
		t.Error("a window that reaches back too far is known")
	}
	if gaps := a.GapsSince(stream.Video, zero, time.Millisecond); gaps != nil {
		t.Errorf("gaps in an even flow: %v", gaps)
	}
}

func TestStampsCountMissingAndRepeated(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var c stampCount
	if c.report() != nil {
		t.Error("a report out of nothing")
	}
	add := func(layer uint8, counts ...uint64) {
		for _, n := range counts {
			now = now.Add(10 * time.Millisecond)
			c.add(Stamp{Layer: layer, Count: n}, now)
		}
	}
	check := func(step string, packets, missing, repeated int64) {
		t.Helper()
		if got, want := *c.report(), (StampReport{packets, missing, repeated}); got != want {
			t.Errorf("%s: got %+v, want %+v", step, got, want)
		}
	}
	add(2, 100, 101, 103)
	check("a hole", 3, 1, 0)
	add(2, 102, 103, 99)
	check("filled, one twice, one overtaken at the start", 5, 0, 1)
	add(0, 7, 8)
	add(2, 104) // resent around the switch: the same stay
	add(0, 9)
	check("another layer", 9, 0, 1)
	now = now.Add(2 * time.Second)
	add(0, 11)
	check("silence is loss", 10, 1, 1)
	add(2, 500, 501)
	check("back on a layer is not", 12, 1, 1)
	add(2, 501+2*stayWindow)
	check("a long loss is", 13, 1+2*stayWindow-1, 1)
	add(2, 3, 4)
	check("another publisher", 15, 1+2*stayWindow-1, 1)
	add(stampLayers, 1)
	add(255, 1)
	check("no layer of ours", 15, 1+2*stayWindow-1, 1)
}

func TestStampsOfAStrangerDoNoHarm(t *testing.T) {
	var c stampCount
	now := time.Unix(1_800_000_000, 0)
	for _, n := range []uint64{0, 1<<64 - 1, 1<<64 - 2, 5, 1 << 63, 1<<64 - stayWindow, 0} {
		c.add(Stamp{Count: n}, now)
	}
	if r := c.report(); r.Packets+r.Repeated != 7 || r.Missing < 0 {
		t.Errorf("%+v", *r)
	}
}
