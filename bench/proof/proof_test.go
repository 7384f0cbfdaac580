// Package proof holds the figures that Freshet promises, measured on whole meshes: real QUIC, WHIP and
// WHEP on loopback. "make proof" runs it in full on an otherwise idle machine and holds the asked
// bounds; the tests of every commit run a short form (-short) whose bounds of time are wider, because
// other tests share the cores then. What is counted, not timed, has the same bounds in both.
package proof_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crowded is how much wider a bound of time is in the short form: two cores that also run the race
// detector and other packages' tests.
const crowded = 20

// within returns the bound for this run.
func within(d time.Duration) time.Duration {
	if testing.Short() {
		return d * crowded
	}
	return d
}

// A sample is a set of durations to take percentiles of.
type sample []time.Duration

// at returns the p-th percentile (0 to 100).
func (s sample) at(p float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	return s[min(len(s)-1, int(p/100*float64(len(s))))]
}

func (s sample) log(t *testing.T, what string) {
	t.Helper()
	t.Logf("%-34s n %6d  p50 %8.3f ms  p99 %8.3f ms  max %8.3f ms", what, len(s), millis(s.at(50)), millis(s.at(99)), millis(s.at(100)))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// held fails the test where got is over the bound for this run.
func held(t *testing.T, what string, got, bound time.Duration) {
	t.Helper()
	if got > within(bound) {
		t.Errorf("%s: %v, want at most %v", what, got, within(bound))
	}
}
