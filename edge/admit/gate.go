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

	// standbysMost bounds those that stand by: each keeps 9 KB in its shard, and has two packets a second.
	standbysMost = 20_000
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
	standbys int
	standing Rate // what those would take, were all told to play
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
	rate := g.rateOf(stream)
	if why := g.join(rate); why != Open {
		return nil, why
	}
	return &Place{gate: g, rate: rate, stage: joining}, Open
}

// Stand keeps a place for a session on stream that gets no media yet, or says why there is none: there must be room for
// it as a viewer beside all others that stand by, so that a loaded edge refuses these first. They take no room from
// viewers who come. Who gets one must call Leave.
func (g *Gate) Stand(stream string) (*Place, Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.standbys >= standbysMost {
		return nil, FullStandbys
	}
	l, rate := g.load, g.rateOf(stream)
	l.Joining = l.Joining.Plus(g.standing)
	if why := Decide(g.capacity, l, rate, true); why != Open {
		return nil, why
	}
	p := &Place{gate: g, rate: rate}
	p.stand()
	return p, Open
}

// rateOf returns what a viewer of stream takes. g.mu is held.
func (g *Gate) rateOf(stream string) Rate {
	if rate, known := g.streams[stream]; known {
		return rate
	}
	return Typical()
}

// join counts one more who is joining, or says why not. g.mu is held.
func (g *Gate) join(rate Rate) Reason {
	g.full = Decide(g.capacity, g.load, rate, g.full != Open)
	if g.full != Open {
		g.refused = rate
		return g.full
	}
	g.load.Joining = g.load.Joining.Plus(rate)
	return Open
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
