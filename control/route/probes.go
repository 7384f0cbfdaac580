package route

import "math"

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
	var fit []Candidate // one of each place
	for _, c := range ranked {
		if c.Verdict == Fit && c.Edge.RTT != "" && apart(c, fit) > 0 {
			fit = append(fit, c)
		}
	}
	if v.At == nil {
		fit = spread(fit)
	} else {
		fit = close(v, fit)
	}
	if len(fit) < 2 {
		return nil
	}
	return fit
}

// close are those that v's place, which is not known to the metre, does not tell apart from the best.
func close(v Viewer, fit []Candidate) (some []Candidate) {
	for _, c := range fit {
		most := float64(fit[0].Path)*detour + near + float64(v.Radius)/kmPerMS
		if c.Km != Unknown && float64(c.Path) <= most && len(some) < maxProbes {
			some = append(some, c)
		}
	}
	return some
}

// spread are some that lie as far apart as can be, the best first.
func spread(fit []Candidate) []Candidate {
	if len(fit) <= maxProbes {
		return fit
	}
	some := fit[:1:1]
	for len(some) < maxProbes {
		next, far := fit[0], -1.0
		for _, c := range fit {
			if d := apart(c, some); d > far {
				next, far = c, d
			}
		}
		some = append(some, next)
	}
	return some
}

// apart is how far c is from the nearest of some, in km. Where places are not known, regions are far apart.
func apart(c Candidate, some []Candidate) float64 {
	least := math.Inf(1)
	for _, s := range some {
		switch {
		case s.At != nil && c.At != nil:
			least = min(least, s.At.Km(*c.At))
		case s.Region == c.Region:
			return 0
		}
	}
	return least
}
