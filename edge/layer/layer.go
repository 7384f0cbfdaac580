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

	// What is known of the path from transport-wide feedback was measured, so it counts soon. Whether there is room
	// for more is asked for so long before the next layer is due.
	settlePath = 500 * time.Millisecond
	climb      = 1500 * time.Millisecond // from one step up to the next, so the second look after it
	askAhead   = 1500 * time.Millisecond

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

	path   Path
	need   int64 // bits a second of what is shown, sound included
	wanted int64
}

// A Path is what transport-wide feedback says of a viewer's path. Where there is any, guesses by loss and REMB
// count no more.
type Path struct {
	BPS     int64 // it carries so much, sound included; 0: nothing is known
	MayRise bool  // nothing speaks against more, where BPS has room for it
}

// Told takes what is known of the path now. It returns true where the path does not carry what is shown.
func (c *Chooser) Told(now time.Duration, p Path) bool {
	c.path = p
	return c.started && c.Narrow() && now-c.at >= settlePath
}

// Narrow says whether the path is known not to carry what is shown.
func (c *Chooser) Narrow() bool {
	return c.path.BPS > 0 && float64(c.path.BPS) < estimateDown*float64(c.need)
}

// Wanted returns how many bits a second the path must carry for the next layer, where nothing but that is missing
// for a step up; else 0.
func (c *Chooser) Wanted() int64 { return c.wanted }

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
// there is sound, which takes so many bits a second. It may be one that is not there: Nearest says what to show
// meanwhile. rungs must not be empty.
func (c *Chooser) Choose(now time.Duration, rungs []Rung, sound int64) int {
	top := len(rungs) - 1
	if !c.started {
		c.started, c.rung, c.tried, c.hold = true, top, -1, holdMin
		c.see(now, Nearest(rungs, top))
	}
	c.rung = min(c.rung, top)
	if shown := Nearest(rungs, c.rung); shown != c.shown {
		c.see(now, shown) // a layer came, went, or is held back
	}
	c.wanted, c.need = 0, need(rungs, c.shown, sound)
	switch {
	case c.path.BPS > 0:
		if now-c.at >= settlePath {
			c.fit(now, rungs, sound)
			c.need = need(rungs, c.shown, sound)
		}
	case now-c.at >= settle:
		c.step(now, rungs, sound > 0)
	}
	return c.rung
}

// need returns what rung i and sound take, in bits a second.
func need(rungs []Rung, i int, sound int64) int64 {
	if i < 0 {
		return sound
	}
	return rungs[i].BPS + sound
}

// fit moves the choice to what the path carries: down at once, as far as it takes; up by one, and by one more, after a
// while without trouble that each try which fails doubles.
func (c *Chooser) fit(now time.Duration, rungs []Rung, sound int64) {
	if c.tried == c.shown && c.tried >= 0 && now-c.at >= 2*c.hold {
		c.tried, c.hold = -1, holdMin // the step up held
	}
	if c.Narrow() {
		c.fall(now, rungs, sound)
		return
	}
	c.trouble = false
	next := above(rungs, c.shown, c.rung)
	if next <= c.shown || !c.path.MayRise {
		return
	}
	want, hold := int64(estimateUp*float64(need(rungs, next, sound))), c.hold
	if c.path.BPS >= 2*want {
		hold = holdMin // tries that failed were on a path that was
	}
	wait := max(hold-(now-c.calm), climb-(now-c.at)) // until it may go up
	if wait > askAhead {
		return
	}
	if c.path.BPS < want {
		c.wanted = want
	} else if wait <= 0 {
		c.move(now, rungs, next, next)
	}
}

// fall goes down to the best rung that fits, or the lowest; and to sound alone where that has been too much for long.
func (c *Chooser) fall(now time.Duration, rungs []Rung, sound int64) {
	if !c.trouble {
		c.trouble, c.since = true, now
	}
	c.rung = min(c.rung, c.shown) // what is better and still to come would be too much
	lower := below(rungs, c.shown)
	for lower > 0 && need(rungs, lower, sound) > c.path.BPS && below(rungs, lower) >= 0 {
		lower = below(rungs, lower)
	}
	c.calm = now
	if lower == AudioOnly && (sound == 0 || now-c.since < audioAfter) {
		return
	}
	if c.tried == c.shown {
		c.hold = min(2*c.hold, holdMax)
	}
	c.move(now, rungs, lower, -1)
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
	c.shown, c.at, c.bad, c.trouble = shown, now, 0, false
}
