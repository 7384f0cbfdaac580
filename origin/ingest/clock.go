package ingest

import "time"

const (
	// clockWindow is how long a lowest delay counts, twice at most: a publisher's clock that drifts by
	// 100 ppm is off by 12 ms then.
	clockWindow = time.Minute
	// maxClockError is how far a sender report may be from when its media arrived. Beyond it the
	// report is nonsense, as some senders' first ones are.
	maxClockError = 5 * time.Second
	// maxDoubt is how many such reports in a row mean that the publisher's clock was set.
	maxDoubt = 4
	// markLife keeps an arrival's mark well within the 6.6 h that 31 bits of 90 kHz can tell apart.
	markLife = 10 * time.Minute
)

// A publisherClock turns a publisher's wall clock into the origin's by one offset for all its flows:
// the lowest arrival − NTP seen, that is, the report which waited least on its way. The slot owns it.
type publisherClock struct {
	since      time.Time // begin of the window
	low, older time.Duration
	known, two bool // low is set; older is
	doubt      int  // implausible reports in a row
}

// plausible says whether a report agrees with those before it. After maxDoubt that did not, it forgets
// them and trusts the newest.
func (c *publisherClock) plausible(ntp, arrival time.Time) bool {
	d, ok := c.offset()
	if !ok || absolute(ntp.Add(d).Sub(arrival)) <= maxClockError {
		c.doubt = 0
		return true
	}
	if c.doubt++; c.doubt > maxDoubt {
		*c = publisherClock{}
		return true
	}
	return false
}

// add takes a report written at ntp, in the publisher's time, that arrived at the time arrival.
// It says whether the offset changed.
func (c *publisherClock) add(ntp, arrival time.Time) (changed bool) {
	had, ok := c.offset()
	d := arrival.Sub(ntp)
	switch {
	case !c.known:
		c.known, c.low, c.since = true, d, arrival
	case arrival.Sub(c.since) >= clockWindow:
		c.older, c.two, c.low, c.since = c.low, true, d, arrival
	default:
		c.low = min(c.low, d)
	}
	now, _ := c.offset()
	return !ok || had != now
}

// offset returns what turns the publisher's time into the origin's; ok is false before the first report.
func (c *publisherClock) offset() (d time.Duration, ok bool) {
	if c.two {
		return min(c.low, c.older), true
	}
	return c.low, c.known
}
