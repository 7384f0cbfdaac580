package admit

import (
	"sync"
	"time"
)

const (
	// settle is how long a viewer whose media has begun still counts as joining: by then it has caught up with live,
	// and what it takes is in the window.
	settle      = 2 * time.Second
	settleTicks = int(settle / Every)
)

// A Gate is the door of one edge. Enter and Full may be called from any goroutine, Tick from one alone.
type Gate struct {
	capacity Rate
	meter    meter // of who ticks

	mu       sync.Mutex // held for a few lines
	load     Load
	streams  map[string]Rate // what a viewer of each takes
	full     Reason          // what the last viewer who came was refused for, while that holds ...
	refused  Rate            // ... and what it would have taken
	settling [settleTicks + 1]Rate
	turn     int // of settling: what no longer counts as joining at the next Tick
}

// NewGate returns a gate that lets in as much as capacity allows; 0 packets or bits are no limit.
func NewGate(capacity Rate) *Gate { return &Gate{capacity: capacity} }

// Tick is told every Every what the shards have done since they began, and what a viewer of each stream here takes.
// The gate keeps both. It returns the load of the last second.
func (g *Gate) Tick(now time.Time, work []Work, streams map[string]Rate) Load {
	l := g.meter.add(now, work)
	g.mu.Lock()
	defer g.mu.Unlock()
	l.Joining = g.load.Joining.Minus(g.settling[g.turn])
	g.settling[g.turn] = Rate{}
	g.turn = (g.turn + 1) % len(g.settling)
	g.load, g.streams = l, streams
	if g.full != Open {
		g.full = Decide(g.capacity, l, g.refused, true)
	}
	return l
}

// Enter keeps a place for a viewer of stream, or says why there is none. Who gets one must call Leave.
func (g *Gate) Enter(stream string) (*Place, Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rate, known := g.streams[stream]
	if !known {
		rate = Typical()
	}
	g.full = Decide(g.capacity, g.load, rate, g.full != Open)
	if g.full != Open {
		g.refused = rate
		return nil, g.full
	}
	g.load.Joining = g.load.Joining.Plus(rate)
	return &Place{gate: g, rate: rate}, Open
}

// Full says why viewers are refused; Open, where the last one was not, or would not be any more.
func (g *Gate) Full() Reason {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.full
}

// Share is how much of what the edge may do it does, by whichever bound is nearest; from 1 on it takes nobody.
func (g *Gate) Share() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	share := share(g.capacity, g.load)
	if g.full != Open {
		share = max(share, 1)
	}
	return share
}

// A Place is one viewer's. Its methods may be called from any goroutine, in any order and more than once.
type Place struct {
	gate *Gate
	rate Rate
	seen bool // Live or Leave was called; under gate.mu
}

// Live says that the viewer gets media: it will soon be in what is sent.
func (p *Place) Live() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !p.seen {
		p.seen = true
		last := (g.turn + settleTicks) % len(g.settling)
		g.settling[last] = g.settling[last].Plus(p.rate)
	}
}

// Leave says that the viewer is gone, or did not come to anything.
func (p *Place) Leave() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !p.seen {
		p.seen = true
		g.load.Joining = g.load.Joining.Minus(p.rate)
	}
}
