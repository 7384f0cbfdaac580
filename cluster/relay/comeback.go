package relay

import "time"

const (
	returnAfter  = 10 * time.Second // a better upstream must have been well for that long
	returnMost   = 5 * time.Minute
	returnJitter = 0.5              // of the wait, at most: not all streams and nodes return at once
	returnHolds  = 30 * time.Second // a return that fails sooner doubles the wait for the next
)

// A comeback says when a better upstream may have a stream back that another took over. It is owned by the
// puller and keeps no clock.
type comeback struct {
	wait      time.Duration // how long it must be well; 0 is returnAfter
	spread    time.Duration // on top of that
	returned  time.Time     // when it last got the stream back; zero where it did not, or lost it since
	notBefore time.Time     // it refused, or its way lost too much
	poor      time.Time     // when that was found
}

// lost says that the stream was taken from the upstream, or left it. dice is random, 0 to 1.
func (c *comeback) lost(now time.Time, dice float64) {
	if c.returned.IsZero() || now.Sub(c.returned) >= returnHolds {
		c.wait = 0
	}
	c.longer(!c.returned.IsZero() && now.Sub(c.returned) < returnHolds, dice)
	c.returned = time.Time{}
}

// refused says that the upstream was well and still would not, or could not, take the stream back.
func (c *comeback) refused(now time.Time, dice float64) {
	c.longer(true, dice)
	c.notBefore = now.Add(c.wait + c.spread)
}

// rest says that the upstream, well as it is, was left for the losses of its way.
func (c *comeback) rest(now time.Time) { c.notBefore = now.Add(max(poorRest, c.wait+c.spread)) }

func (c *comeback) longer(double bool, dice float64) {
	c.wait = max(c.wait, returnAfter)
	if double {
		c.wait = min(2*c.wait, returnMost)
	}
	c.spread = time.Duration(float64(c.wait) * returnJitter * dice)
}

// due returns when the upstream, well since then, may have the stream back.
func (c *comeback) due(well time.Time) time.Time {
	at := well.Add(max(c.wait, returnAfter) + c.spread)
	if at.Before(c.notBefore) {
		return c.notBefore
	}
	return at
}
