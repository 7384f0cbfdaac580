package relay

import "time"

const (
	vigilEvery  = 25 * time.Millisecond
	vigilCounts = 2 * vigilEvery // of the time between two looks, at most: for the rest this node stood still

	// An upstream node beats each 50 ms, and one with the repair layer answers a PING each 50 ms.
	quietSuspect   = 150 * time.Millisecond // nothing of any kind came
	quietDead      = 400 * time.Millisecond
	unheardSuspect = 250 * time.Millisecond // things come, answers do not: the way up may be cut, or the peer's end gone
	unheardDead    = 600 * time.Millisecond
)

// standing is what a node thinks of an upstream by its signs of life.
type standing int32

const (
	alive standing = iota
	suspect
	dead
)

func (s standing) String() string { return [...]string{"alive", "suspect", "dead"}[s] }

// A vigil watches one upstream's signs of life. It is owned by the source's serve loop, which looks each
// vigilEvery. Where this node itself stood still, what came meanwhile waits to be read: that time hardly counts
// as silence.
type vigil struct {
	looked         time.Time
	quiet, unheard time.Duration
}

// look judges by how long ago anything came, and how long ago the last answer; 0 where the peer gives none.
func (v *vigil) look(heard, answered time.Duration, now time.Time) standing {
	passed := vigilCounts
	if !v.looked.IsZero() {
		passed = now.Sub(v.looked)
	}
	v.looked = now
	if passed >= idleTimeout { // all peers have let this node go meanwhile, without a word that it could have heard
		return dead
	}
	v.quiet, v.unheard = silence(v.quiet, heard, passed), silence(v.unheard, answered, passed)
	switch {
	case v.quiet >= quietDead, v.unheard >= unheardDead:
		return dead
	case v.quiet >= quietSuspect, v.unheard >= unheardSuspect:
		return suspect
	}
	return alive
}

// silence returns how long it has lasted: it was so long when passed began, and the last sign is ago old.
func silence(so, ago, passed time.Duration) time.Duration {
	if ago < passed {
		so = 0
	}
	return min(ago, so+min(passed, vigilCounts))
}
