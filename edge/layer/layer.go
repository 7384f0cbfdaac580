// Package layer chooses which layer of a video a viewer gets. It is pure: feedback and the time come in,
// a choice comes out.
package layer

import "time"

// AudioOnly is the choice below the lowest layer.
const AudioOnly = -1

const (
	lossDown  = 0.10 // more than this, twice in a row, and the viewer's path does not carry the layer
	lossUp    = 0.02 // a try of the next layer wants less than this
	lossCount = 2

	settle  = 2 * time.Second  // after a change feedback still tells of the layer before
	holdMin = 5 * time.Second  // without trouble for so long, the next layer is tried ...
	holdMax = 60 * time.Second // ... each try that fails doubles it, up to this

	estimateFor = 5 * time.Second // an estimate (REMB) older than this says nothing

	// An estimate under what is sent means go down; one well above means that there is room. A receiver on a
	// busy machine now and then guesses far too low, so a single one says nothing.
	estimateDown = 0.9
	estimateUp   = 1.1
	narrowFor    = 2 * time.Second

	// The picture is taken away altogether only where trouble lasts: no picture is the worst picture.
	audioAfter = 5 * time.Second
)

// A Chooser follows one viewer. The zero value starts at the top: who has a good path, and most have,
// sees the best picture at once.
type Chooser struct {
	started bool
	rung    int           // that the viewer's path should carry
	shown   int           // the nearest to it that was there
	at      time.Duration // since when
	tried   int           // the rung that the last step up went to; -1 once it proved good
	bad     int           // loss reports above lossDown in a row
	hold    time.Duration
	calm    time.Duration // when trouble was last seen
	trouble bool          // the lowest layer, or an estimate, is too much ...
	since   time.Duration // ... without a break since then

	estimate   int64 // 0: none
	estimateAt time.Duration
}

// Loss takes the fraction of packets lost since the last report, 0 to 1.
func (c *Chooser) Loss(now time.Duration, fraction float64) {
	switch {
	case now-c.at < settle && c.started:
	case fraction > lossDown:
		c.bad++
		c.calm = now
	case fraction > lossUp:
		c.bad = 0
		c.calm = now
	default:
		c.bad = 0
	}
}

// Estimate takes what the receiver thinks its path carries (REMB), in bits a second.
func (c *Chooser) Estimate(now time.Duration, bps int64) { c.estimate, c.estimateAt = bps, now }

// Choose returns the rung that the viewer should have at now, AudioOnly where even the lowest is too much and
// there is audio. It may be one that is not there: Nearest says what to show meanwhile. rungs must not be
// empty.
func (c *Chooser) Choose(now time.Duration, rungs []Rung, audio bool) int {
	top := len(rungs) - 1
	if !c.started {
		c.started, c.rung, c.tried, c.hold = true, top, -1, holdMin
		c.see(now, Nearest(rungs, top))
	}
	c.rung = min(c.rung, top)
	if shown := Nearest(rungs, c.rung); shown != c.shown {
		c.see(now, shown) // a layer came, went, or is held back
	}
	if now-c.at >= settle {
		c.step(now, rungs, audio)
	}
	return c.rung
}

// step moves the choice down or up, if feedback says so.
func (c *Chooser) step(now time.Duration, rungs []Rung, audio bool) {
	fresh := c.estimate > 0 && now-c.estimateAt < estimateFor
	var bps int64
	if c.shown >= 0 {
		bps = rungs[c.shown].BPS
	}
	narrow := fresh && bps > 0 && float64(c.estimate) < estimateDown*float64(bps)
	lossy := c.bad >= lossCount
	switch {
	case !narrow && !lossy:
		c.trouble = false
	case !c.trouble:
		c.trouble, c.since = true, now
	}
	lasts := now - c.since
	lower := below(rungs, c.shown)
	down := lossy || narrow && lasts >= narrowFor
	if down {
		c.rung = min(c.rung, c.shown) // what is better and still to come would be too much
	}
	if lower == AudioOnly {
		down = audio && c.trouble && lasts >= audioAfter
	}
	if down && c.shown >= 0 {
		if c.tried == c.shown {
			c.hold = min(2*c.hold, holdMax)
		}
		c.move(now, rungs, lower, -1)
		return
	}
	if narrow {
		c.calm = now
	}
	if c.tried == c.shown && c.tried >= 0 && now-c.at >= c.hold {
		c.tried, c.hold = -1, holdMin // the step up held
	}
	room := !fresh || float64(c.estimate) >= estimateUp*float64(bps)
	if next := above(rungs, c.shown, c.rung); next > c.shown && now-max(c.calm, c.at) >= c.hold && room {
		c.move(now, rungs, next, next)
	}
}

func (c *Chooser) move(now time.Duration, rungs []Rung, rung, tried int) {
	c.rung, c.tried = rung, tried
	c.see(now, Nearest(rungs, rung))
}

// see begins to judge a rung that is shown from now on.
func (c *Chooser) see(now time.Duration, shown int) {
	c.shown, c.at, c.calm, c.bad, c.trouble = shown, now, now, 0, false
}
