package ops

import (
	"maps"
	"slices"
	"time"

	"freshet/control/route"
)

// Why is why a viewer's session was sent to its edge. It names no address and no event.
type Why struct {
	At         time.Time   `json:"at" doc:"Of the last decision"`
	Country    string      `json:"country,omitempty" doc:"Of the viewer, ISO 3166-1 alpha-2"`
	City       string      `json:"city,omitempty"`
	Region     string      `json:"region,omitempty" doc:"As the viewer said"`
	Measured   bool        `json:"measured" doc:"By the viewer's own round trips"`
	Choice     string      `json:"choice,omitempty" doc:"Edge that was named first; empty: none was there"`
	Candidates []Candidate `json:"candidates" nullable:"false" doc:"Best first"`
	Failed     []Fault     `json:"failed" nullable:"false" doc:"Edges that failed the viewer before"`
}

// A Candidate is an edge that could have been named.
type Candidate struct {
	Node    string   `json:"node"`
	Region  string   `json:"region,omitempty"`
	Km      *float64 `json:"km,omitempty" doc:"From the viewer, where that is known"`
	RTT     *float64 `json:"rttMs,omitempty" doc:"As the viewer measured it"`
	Load    float64  `json:"load" doc:"Share of what it may do"`
	Path    int      `json:"path" doc:"Part of the score for distance, in ms"`
	Busy    int      `json:"busy" doc:"Part of the score for load, in ms"`
	Health  int      `json:"health" doc:"Part of the score for silence, in ms"`
	Score   int      `json:"score" doc:"Sum of the three: less is better"`
	Verdict string   `json:"verdict,omitempty" enum:"over,failed" doc:"Why it comes after all others"`
}

// A Fault is an edge that failed a viewer.
type Fault struct {
	Node string    `json:"node"`
	At   time.Time `json:"at"`
}

// whyOf is d as operations see it.
func whyOf(d route.Decision) Why {
	w := Why{
		At: d.At.UTC(), Country: d.Country, City: d.City.EN, Region: d.Region, Measured: d.Measured, Choice: d.Choice,
		Candidates: []Candidate{}, Failed: []Fault{},
	}
	for _, c := range d.Candidates {
		one := Candidate{
			Node: c.Node, Region: c.Region, Load: c.Load, Path: c.Path, Busy: c.Busy, Health: c.Health, Score: c.Score(), Verdict: string(c.Verdict),
		}
		if c.Km != route.Unknown {
			km := round(c.Km)
			one.Km = &km
		}
		if c.RTT != route.Unknown {
			ms := round(float64(c.RTT) / float64(time.Millisecond))
			one.RTT = &ms
		}
		w.Candidates = append(w.Candidates, one)
	}
	for _, node := range slices.Sorted(maps.Keys(d.Failed)) {
		w.Failed = append(w.Failed, Fault{node, d.Failed[node].UTC()})
	}
	return w
}
