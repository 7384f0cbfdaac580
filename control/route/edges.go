package route

import (
	"cmp"
	"math"
	"slices"
	"time"

	"freshet/control/geo"
)

// Edges is how many edges a join answers with: one to open, two for the player to fall back on.
const Edges = 3

// What a score is made of, in ms: how far away an edge is, and what else is like being far away.
const (
	kmPerMS = 66.0 // there and back: light in fibre does 100 km, and cables are half as long again as the great circle
	step    = 5.0  // of what was measured: finer differences are noise, and viewers take turns instead
	unheard = 300  // of an edge that did not answer while others did: as long as a page waits
	foreign = 100  // of another region, where regions are all that is known

	full    = 40              // ms of an edge with all its load, in tenths, so that facts a second old do not send a burst to one edge
	over    = 0.9             // of its load, from which on an edge is passed over: more come before it is known
	comfort = 1000            // viewers that are the load of an edge which tells none
	silent  = 100             // of an edge that was not heard for longer than quiet: it may be dead
	quiet   = 2 * time.Second // it tells its facts each second
)

// An Edge is one that may be chosen.
type Edge struct {
	Node, Region string
	WHEP, RTT    string // URLs; RTT is empty where the edge cannot be measured
	At           *geo.Point
	Viewers      int
	Load         float64       // share of what it may do; 0: it tells none
	Quiet        time.Duration // since it was heard
	Away         bool          // it is drained or cordoned
}

// A Viewer is what is known of one who joins.
type Viewer struct {
	Session string                   // by which equal edges take turns
	Region  string                   // as the viewer says; empty: not known
	At      *geo.Point               // nil: not known
	Radius  int                      // km around At
	RTT     map[string]time.Duration // round trips to nodes that the viewer measured; others than edges do not count
	Failed  []string                 // nodes that failed it lately
}

// A Verdict says why an edge comes after all others.
type Verdict string

// The verdicts.
const (
	Fit    Verdict = ""
	Over   Verdict = "over"   // its load
	Failed Verdict = "failed" // the viewer lately
)

// Unknown is a distance or a round trip that nobody knows.
const Unknown = -1

// A Candidate is an edge as one viewer sees it.
type Candidate struct {
	Edge
	Km      float64       // from the viewer, or Unknown
	RTT     time.Duration // as the viewer measured it, or Unknown
	Verdict Verdict

	Path, Busy, Health int // ms of the score, for distance, load and silence

	turn uint64
}

// Score is how far away the edge seems, in ms: less is better.
func (c Candidate) Score() int { return c.Path + c.Busy + c.Health }

// Rank returns the edges that viewers may be sent to, best first for v. What v measured counts more than where it is, and
// that more than its region. Equal ones take turns by session, and stay in their order when another comes or goes. It
// does not change edges.
func Rank(v Viewer, edges []Edge) []Candidate {
	known := measured(v, edges)
	all := make([]Candidate, 0, len(edges))
	for _, e := range edges {
		if e.Away {
			continue
		}
		c := Candidate{Edge: e, Km: Unknown, RTT: Unknown, turn: turn(v.Session, e.Node), Busy: busy(e)}
		c.Path = c.path(v, known)
		if e.Quiet > quiet {
			c.Health = silent
		}
		switch {
		case slices.Contains(v.Failed, e.Node):
			c.Verdict = Failed
		case e.Load >= over:
			c.Verdict = Over
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Verdict.last(), b.Verdict.last()), cmp.Compare(a.Score(), b.Score()),
			cmp.Compare(a.turn, b.turn), cmp.Compare(a.Node, b.Node))
	})
	return all
}

// Best returns the first n of ranked. Those that failed the viewer are not among them, but where all did.
func Best(ranked []Candidate, n int) []Candidate {
	failed := slices.IndexFunc(ranked, func(c Candidate) bool { return c.Verdict == Failed })
	if failed > 0 {
		ranked = ranked[:failed]
	}
	return ranked[:min(n, len(ranked))]
}

func (v Verdict) last() int { return slices.Index([]Verdict{Fit, Over, Failed}, v) }

// busy is what a load costs.
func busy(e Edge) int {
	load := e.Load
	if load <= 0 {
		load = float64(max(e.Viewers, 0)) / comfort
	}
	return int(load*10) * full / 10
}

// measured are the edges to which v knows the round trip.
func measured(v Viewer, edges []Edge) (known []Edge) {
	for _, e := range edges {
		if _, ok := v.RTT[e.Node]; ok {
			known = append(known, e)
		}
	}
	return known
}

// path is how far c is from v, in ms. It sets what is known of that.
func (c *Candidate) path(v Viewer, known []Edge) int {
	if v.At != nil && c.At != nil {
		c.Km = v.At.Km(*c.At)
	}
	if rtt, ok := v.RTT[c.Node]; ok {
		c.RTT = rtt
		return coarse(inMS(rtt))
	}
	switch {
	case c.Km != Unknown:
		return int(math.Round(c.Km / kmPerMS))
	case len(known) > 0:
		return coarse(c.around(v, known))
	case v.Region == c.Region:
		return 0
	case v.Region != "":
		return foreign
	}
	return 0
}

// around is how far c is at most from v, which knows the round trips to others.
func (c *Candidate) around(v Viewer, known []Edge) float64 {
	least := float64(unheard)
	for _, k := range known {
		far := math.Inf(1)
		switch {
		case k.At != nil && c.At != nil:
			far = k.At.Km(*c.At) / kmPerMS
		case k.Region == c.Region:
			far = 0
		}
		least = min(least, inMS(v.RTT[k.Node])+far)
	}
	return least
}

func coarse(ms float64) int { return int(math.Round(ms/step) * step) }

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
