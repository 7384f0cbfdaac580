package load

import "time"

// A stampCount says what of a Raw publisher's packets came over one track, by their stamps. A viewer sees one
// layer at a time, so each layer is counted in stays: what the publisher sent on it in between is no loss.
type stampCount struct {
	layers [stampLayers]stay
	latest uint8 // layer of the packet before
	past   StampReport
}

const (
	stampLayers = 8       // more than any publisher sends
	stayWindow  = 4096    // counts, as order has it for sequence numbers
	stayJump    = 1 << 16 // counts ahead: over two minutes of a layer that were all lost

	// stayEnds is how long a layer must have been silent, while another came, for what follows to be a new
	// stay. A packet of the old layer that was resent around a switch is there sooner.
	stayEnds = time.Second
)

// A stay is a stretch of a layer without leaving it.
type stay struct {
	begun         bool
	first, newest uint64
	unique        int64
	last          time.Time
	seen          [stayWindow / 64]uint64 // bit n%stayWindow: n came, for the newest stayWindow counts
}

// add takes the stamp of a packet that arrived at now.
func (c *stampCount) add(s Stamp, now time.Time) {
	if s.Layer >= stampLayers {
		return // of no publisher of ours
	}
	t := &c.layers[s.Layer]
	switched := c.latest != s.Layer && now.Sub(t.last) > stayEnds
	c.latest = s.Layer
	// Another publisher, whose counts begin anew.
	far := s.Count+stayWindow <= t.newest || s.Count >= t.newest+stayJump
	if !t.begun || switched || far {
		c.past.Missing += t.missing()
		*t = stay{begun: true, first: s.Count, newest: s.Count}
	}
	t.last = now
	for ; t.newest < s.Count; t.newest++ {
		t.slot(t.newest + 1).clear()
	}
	if s.Count < t.first { // overtaken at the very beginning
		t.first = s.Count
	}
	bit := t.slot(s.Count)
	if bit.isSet() {
		c.past.Repeated++
		return
	}
	bit.set()
	t.unique++
	c.past.Packets++
}

func (t *stay) missing() int64 {
	if !t.begun {
		return 0
	}
	return int64(t.newest-t.first) + 1 - t.unique
}

// report returns nil where no packet had a stamp.
func (c *stampCount) report() *StampReport {
	if c.past.Packets == 0 {
		return nil
	}
	r := c.past
	for i := range c.layers {
		r.Missing += c.layers[i].missing()
	}
	return &r
}

// A seenBit is one bit of a stay's window.
type seenBit struct {
	word *uint64
	mask uint64
}

func (t *stay) slot(n uint64) seenBit {
	i := n % stayWindow
	return seenBit{&t.seen[i/64], 1 << (i % 64)}
}

func (b seenBit) isSet() bool { return *b.word&b.mask != 0 }
func (b seenBit) set()        { *b.word |= b.mask }
func (b seenBit) clear()      { *b.word &^= b.mask }
