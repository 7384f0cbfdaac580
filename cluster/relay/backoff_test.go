package relay

import (
	"testing"
	"time"
)

// A node that comes and goes each few seconds is dialled at once each time; one that is away, less and less often.
func TestBackoff(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name  string
		lived []time.Duration
		want  []time.Duration // at most; at least half
	}{
		{"away", []time.Duration{0, 0, 0, 0, 0, 0, 0}, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3000 * ms, 3000 * ms}},
		{"comes and goes", []time.Duration{8 * time.Second, 0, 8 * time.Second, 0, 2 * time.Second}, []time.Duration{100 * ms, 200 * ms, 100 * ms, 200 * ms, 100 * ms}},
		{"breaks at once", []time.Duration{20 * ms, 20 * ms, 20 * ms}, []time.Duration{100 * ms, 200 * ms, 400 * ms}},
	} {
		var b backoff
		for i, lived := range row.lived {
			if got := b.after(lived); got > row.want[i] || got < row.want[i]/2 {
				t.Errorf("%s, attempt %d: waits %v, want %v to %v", row.name, i, got, row.want[i]/2, row.want[i])
			}
		}
	}
}
