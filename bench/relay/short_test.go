package relay

import (
	"testing"
	"time"

	"freshet/bench/report"
	"freshet/bench/stand"
)

// The short form runs beside other packages' tests and with the race detector: what is counted is held to
// what the full form asks for, what is timed only to what tells a relay that works from one that does not.
const shortGap = 3 * time.Second

// TestLossyHop also guards against a quic-go that takes what the repair layer mends for congestion: it holds
// the windows at the end to three times the need.
func TestLossyHop(t *testing.T) {
	length := time.Minute
	if testing.Short() {
		length = 8 * time.Second
	}
	b := stand.New(t, stand.Config{For: length}, "loss-2-rtt-100")
	results := lossy{100 * time.Millisecond, .02, 1}.run(b)
	for _, r := range results {
		t.Log(r)
	}
	value := func(name string) float64 {
		v, ok := results[0].Value(name)
		if !ok {
			t.Fatalf("no figure %s", name)
		}
		return v
	}
	if lost := value("lost"); lost == 0 {
		t.Error("the path lost nothing: nothing was tried")
	}
	if got := value("delivered"); got < .9999 {
		t.Errorf("delivered: got %v, want 0.9999 at least", got)
	}
	if got, need := value("window_bytes"), value("window_need_bytes"); got < 3*need {
		t.Errorf("windows at the end: got %v bytes, want three times the need of %v at least", got, need)
	}
}

// TestUpstreamFails kills and freezes the node that an edge takes its stream from, once each: viewers play on.
func TestUpstreamFails(t *testing.T) {
	for _, f := range faults() {
		if f.id != "kill" && f.id != "freeze" {
			continue
		}
		t.Run(f.id, func(t *testing.T) {
			b := stand.New(t, stand.Config{Times: 1, Binary: built.Binary(t)}, f.id)
			r := newFailover(b).run(f)
			t.Log(r)
			for _, name := range []string{"missing", "repeated", "no_second"} {
				if v, ok := r.Value(name); !ok || v != 0 {
					t.Errorf("%s: got %v, %v, want 0", name, v, ok)
				}
			}
			if gap, ok := r.Value("gap_max_ms"); !ok || gap > report.MS(shortGap) {
				t.Errorf("gap at the viewer: got %v ms, want at most %v", gap, shortGap)
			}
		})
	}
}
