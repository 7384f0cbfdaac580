package relay

import (
	"testing"
	"time"
)

// A better upstream gets the stream back after 10 s; one that fails soon after waits longer each time.
func TestComeback(t *testing.T) {
	var c comeback
	now := start
	due := func(what string, want time.Duration) {
		t.Helper()
		if got := c.due(now).Sub(now); got != want {
			t.Errorf("%s: due after %v, want %v", what, got, want)
		}
	}
	due("never had it", 10*time.Second)
	c.lost(now, 1)
	due("lost it once", 15*time.Second)
	for _, want := range []int{20, 40, 80, 160, 300, 300} {
		c.returned = now
		now = now.Add(29 * time.Second)
		c.lost(now, 0)
		due("lost it soon after", time.Duration(want)*time.Second)
	}
	c.returned = now
	now = now.Add(31 * time.Second)
	c.lost(now, 0)
	due("lost it late", 10*time.Second)
	c.refused(now, 0)
	due("refused", 20*time.Second)
	if got := c.due(now.Add(-time.Minute)); !got.Equal(now.Add(20 * time.Second)) {
		t.Errorf("well for long, it is asked again %v after it refused, want 20s", got.Sub(now))
	}
}
