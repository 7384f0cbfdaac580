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
	Paths      []Path      `json:"paths" nullable:"false" doc:"Ways that streams of its event take to the choice now, as far as this control node knows them"`
}

// A Path is the way of a stream to an edge.
type Path struct {
	Stream string `json:"stream"`
	Whole  bool   `json:"whole" doc:"It leads from where the stream begins"`
	Steps  []Step `json:"steps" nullable:"false" doc:"The edge is the last"`
}

// A Step is a node on a path.
type Step struct {
	Node string   `json:"node"`
	RTT  *float64 `json:"rttMs,omitempty" doc:"From the step before, estimated"`
	Loss *float64 `json:"lossPercent,omitempty" doc:"Of the packets from the step before in the last seconds, before repair; missing: none come, or it begins here"`
	Live bool     `json:"live"`
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

// An Explanation is a decision as commands are told it, with the ways that streams of its event take to the choice now.
type Explanation struct {
	route.Decision
	Paths []Path
}

// pathsOf returns the ways that streams of an event take to edge in v.
func pathsOf(v View, event, edge string) []Path {
	rtt := map[[2]string]*float64{}
	for _, l := range v.Links {
		rtt[[2]string{l.A, l.B}] = l.RTT
	}
	out := []Path{}
	for _, s := range v.Streams {
		if s.Event != event {
			continue
		}
		at := map[string]Hop{}
		for _, h := range s.Hops {
			at[h.Node] = h
		}
		p := Path{Stream: s.ID, Steps: []Step{}}
		for h, ok := at[edge]; ok; h, ok = at[h.Upstream] {
			step := Step{Node: h.Node, RTT: rtt[[2]string{h.Upstream, h.Node}], Live: h.Live}
			if h.Live && h.Hops > 0 {
				step.Loss = &h.Loss
			}
			p.Steps = append(p.Steps, step)
			p.Whole = h.Hops == 0
			delete(at, h.Node) // while the way changes, two nodes may each name the other
		}
		if len(p.Steps) > 0 {
			slices.Reverse(p.Steps)
			out = append(out, p)
		}
	}
	return out
}

// whyOf is d as operations see it in v.
func whyOf(d route.Decision, v View) Why {
	w := Why{
		At: d.At.UTC(), Country: d.Country, City: d.City.EN, Region: d.Region, Measured: d.Measured, Choice: d.Choice,
		Candidates: []Candidate{}, Failed: []Fault{}, Paths: pathsOf(v, d.Event, d.Choice),
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
