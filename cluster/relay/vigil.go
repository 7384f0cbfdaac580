package relay

import "time"

const (
	vigilEvery     = 25 * time.Millisecond
	vigilOverslept = 4 * vigilEvery // between two looks: it was this node that stood still

	// An upstream node beats each 50 ms, and one with the repair layer answers a PING each 50 ms.
	quietSuspect   = 150 * time.Millisecond // nothing of any kind came
	quietDead      = 400 * time.Millisecond
	unheardSuspect = 250 * time.Millisecond // things come, answers do not: the way up may be cut
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
// vigilEvery.
type vigil struct {
	looked time.Time
	from   time.Time // silence counts from then on
}

// look judges by how long ago anything came, and how long ago the last answer; 0 where the peer gives none.
// Where this node itself stood still, what came meanwhile waits to be read: silence counts anew.
func (v *vigil) look(heard, answered time.Duration, now time.Time) standing {
	if v.looked.IsZero() || now.Sub(v.looked) > vigilOverslept {
		v.from = now
	}
	v.looked = now
	heard, answered = min(heard, now.Sub(v.from)), min(answered, now.Sub(v.from))
	switch {
	case heard >= quietDead, answered >= unheardDead:
		return dead
	case heard >= quietSuspect, answered >= unheardSuspect:
		return suspect
	}
	return alive
}
