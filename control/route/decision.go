package route

import (
	"time"

	"freshet/control/geo"
)

// Kept is how many candidates of a decision are kept.
const Kept = 8

// Rest is for how long an edge that failed a viewer is not picked for it again.
const Rest = 30 * time.Second

// A Decision is why a viewer was sent where it was. It names no address.
type Decision struct {
	At         time.Time
	Event      string // its slug
	Country    string // of the viewer; empty: not known
	City       geo.City
	Region     string               // as the viewer said
	Measured   bool                 // by the viewer's own round trips
	Failed     map[string]time.Time // edges that failed the viewer, and when it said so
	Candidates []Candidate          // best first, at most Kept
	Choice     string               // node of the edge that was named first
}

// Failing returns the edges that failed the viewer less than Rest before now: those it names now, and those of an earlier
// decision.
func (d Decision) Failing(named []string, now time.Time) map[string]time.Time {
	all := map[string]time.Time{}
	for node, at := range d.Failed {
		if now.Sub(at) < Rest {
			all[node] = at
		}
	}
	for _, node := range named {
		if len(all) < MaxFailed {
			all[node] = now
		}
	}
	return all
}

// MaxFailed is how many edges may have failed a viewer at a time.
const MaxFailed = 8
