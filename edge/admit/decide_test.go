package admit

import "testing"

// One viewer takes 100 packets and 800,000 bits a second; an edge can send 1,000 and 8,000,000.
var (
	edge   = Rate{1000, 8_000_000}
	viewer = Rate{100, 800_000}
)

func TestDecide(t *testing.T) {
	for _, row := range []struct {
		name     string
		capacity Rate
		load     Load
		full     bool
		want     Reason
	}{
		{"nobody is here", edge, Load{}, false, Open},
		{"the last place", edge, Load{Sent: Rate{900, 7_200_000}}, false, Open},
		{"one too many", edge, Load{Sent: Rate{901, 7_200_000}}, false, FullRate},
		{"bits are scarcer than packets", edge, Load{Sent: Rate{500, 7_200_001}}, false, FullRate},
		{"those who join count", edge, Load{Sent: Rate{500, 0}, Joining: Rate{401, 0}}, false, FullRate},
		{"no limit of packets", Rate{0, 8_000_000}, Load{Sent: Rate{1 << 40, 0}}, false, Open},
		{"no limit of bits", Rate{1000, 0}, Load{Sent: Rate{0, 1 << 50}}, false, Open},
		{"no limit at all", Rate{}, Load{Sent: Rate{1 << 40, 1 << 50}}, false, Open},
		{"larger than the edge", Rate{99, 0}, Load{}, false, FullRate},

		{"full, one has left", edge, Load{Sent: Rate{851, 0}}, true, FullRate},
		{"full, enough have left", edge, Load{Sent: Rate{850, 0}}, true, Open},

		{"full, has place for one alone, who stays", Rate{100, 0}, Load{Sent: Rate{100, 0}}, true, FullRate},
		{"full, has place for one alone, who left", Rate{100, 0}, Load{}, true, Open},

		{"busy, but not too much", edge, Load{Busy: 0.85}, false, Open},
		{"too busy", edge, Load{Busy: 0.86}, false, FullBusy},
		{"busy without any limit", Rate{}, Load{Busy: 0.86}, false, FullBusy},
		{"full, still busy", edge, Load{Busy: 0.8}, true, FullBusy},
		{"full, no longer busy", edge, Load{Busy: 0.75}, true, Open},

		{"a key frame made some late", edge, Load{Late: 0.1}, false, Open},
		{"many are late", edge, Load{Late: 0.11}, false, FullLate},
		{"full, some are still late", edge, Load{Late: 0.05}, true, FullLate},
		{"full, hardly any is late", edge, Load{Late: 0.02}, true, Open},
		{"late comes before busy and rate", edge, Load{Sent: edge, Busy: 1, Late: 1}, false, FullLate},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Decide(row.capacity, row.load, viewer, row.full); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestRefusedMayAskAgain(t *testing.T) {
	for _, why := range []Reason{FullRate, FullBusy, FullLate} {
		if d := why.RetryAfter(); d != retryRate && d != retrySymptom {
			t.Errorf("%s: %v", why, d)
		}
	}
}

func TestCompleted(t *testing.T) {
	for _, row := range []struct{ in, want Rate }{
		{Rate{Packets: 155_000}, Rate{155_000, 1_014_000_000}},
		{Rate{Bits: 1_014_000_000}, Rate{155_000, 1_014_000_000}},
		{Rate{1, 2}, Rate{1, 2}},
		{Rate{}, Rate{}},
	} {
		if got := row.in.Completed(); got != row.want {
			t.Errorf("%+v: got %+v, want %+v", row.in, got, row.want)
		}
	}
}

func TestShare(t *testing.T) {
	capacity := Rate{Packets: 1000, Bits: 10_000_000}
	for _, c := range []struct {
		name     string
		capacity Rate
		load     Load
		want     float64
	}{
		{"nothing", capacity, Load{}, 0},
		{"packets are nearest", capacity, Load{Sent: Rate{500, 1_000_000}, Joining: Rate{250, 0}}, 0.75},
		{"bits are", capacity, Load{Sent: Rate{100, 9_000_000}}, 0.9},
		{"its loop is", capacity, Load{Sent: Rate{100, 0}, Busy: busyFull}, 1},
		{"it is late", capacity, Load{Late: lateFull / 2}, 0.5},
		{"no limit is known", Rate{}, Load{Sent: Rate{1 << 30, 1 << 40}}, 0},
	} {
		if got := share(c.capacity, c.load); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
