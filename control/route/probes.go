package route

import (
	"math"
	"slices"
)

const (
	// maxProbes is how many edges a page measures: one request to each, at once.
	maxProbes = 8
	// near and detour say by how much an edge may be farther than the best and still be measured: what is known of
	// places is not finer than so many ms, and cables make detours of a third.
	near   = 3.0
	detour = 1.33
)

// Probes returns the edges of ranked, at most eight, to which v should measure the round trip before it chooses; none
// where that would tell nothing new.
func Probes(v Viewer, ranked []Candidate) []Candidate {
	if len(v.RTT) > 0 {
		return nil
	}
	var some []Candidate
	if v.At == nil {
		some = spread(ranked)
	} else {
		some = close(v, ranked)
	}
	if len(some) < 2 {
		return nil
	}
	return some
}

// close are those, one of each place, that v's place, which is not known to the metre, does not tell apart from the best.
func close(v Viewer, ranked []Candidate) (some []Candidate) {
	for _, c := range ranked {
		if !c.measurable() || c.Km == Unknown {
			continue
		}
		if len(some) > 0 {
			most := float64(some[0].Path)*detour + near + float64(v.Radius)/kmPerMS
			if float64(c.Path) > most || slices.ContainsFunc(some, c.beside) {
				continue
			}
		}
		if some = append(some, c); len(some) == maxProbes {
			break
		}
	}
	return some
}

// spread are some that lie as far apart as can be, the best first.
func spread(ranked []Candidate) (some []Candidate) {
	apart := make([]float64, len(ranked)) // of each, how far it is from the nearest of some
	for n := range apart {
		apart[n] = math.Inf(1)
	}
	for len(some) < maxProbes {
		next := -1
		for n, c := range ranked {
			if c.measurable() && apart[n] > 0 && (next < 0 || apart[n] > apart[next]) {
				next = n
			}
		}
		if next < 0 {
			break
		}
		some = append(some, ranked[next])
		for n, c := range ranked {
			apart[n] = min(apart[n], c.from(ranked[next]))
		}
	}
	return some
}

func (c Candidate) measurable() bool { return c.Verdict == Fit && c.Edge.RTT != "" }

// beside says whether c is where s is.
func (c Candidate) beside(s Candidate) bool {
	return c.At != nil && s.At != nil && *c.At == *s.At || c.Region == s.Region && (c.At == nil || s.At == nil)
}

// from is how far c is from s, in km. Where places are not known, regions are far apart.
func (c Candidate) from(s Candidate) float64 {
	switch {
	case c.beside(s):
		return 0
	case c.At != nil && s.At != nil:
		return c.At.Km(*s.At)
	}
	return math.Inf(1)
}
