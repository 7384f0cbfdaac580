package impair

import (
	"slices"
	"testing"
	"time"
)

// TestPrecision holds delays to what the package promises: never early, and on an idle machine hardly late.
// The bound is loose, for a machine that is not; -v tells the figures.
func TestPrecision(t *testing.T) {
	const packets, gap, delay = 1000, 2 * time.Millisecond, 40 * time.Millisecond
	target, client := listen(t, "127.0.0.1"), listen(t, "127.0.0.1")
	p := serve(t, Config{Listen: "127.0.0.1:0", Target: target.LocalAddr().String(), Up: Path{Delay: delay}})
	go func() {
		tick := time.NewTicker(gap)
		defer tick.Stop()
		for i := range packets {
			<-tick.C
			send(t, client, p.Addr(), i, 1200)
		}
	}()
	var late []time.Duration
	for range packets {
		_, took := receive(t, target)
		late = append(late, took-delay)
	}
	slices.Sort(late)
	least, median, p99, most := late[0], late[packets/2], late[packets*99/100], late[packets-1]
	t.Logf("%d packets: late by %v at least, %v median, %v p99, %v at most", packets, least, median, p99, most)
	if least < 0 {
		t.Errorf("early by %v, want never", -least)
	}
	if median > 2*time.Millisecond {
		t.Errorf("median late by %v, want 2 ms at most", median)
	}
}
