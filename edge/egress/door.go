package egress

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// Handshakes that are open at once, on the node and from one address (of IPv6, a /64). One that goes well
	// is open for two round trips; one that does not costs four goroutines and 50 KB for 10 s.
	maxHandshakes        = 1000
	maxHandshakesFromOne = 250

	// stalledAfter is when an open handshake makes room for a new one where there is none: later than a flight
	// that was lost and sent again.
	stalledAfter = 2 * time.Second
)

// A door knows the handshakes that are open. Any goroutine may call it.
type door struct {
	mu   sync.Mutex
	open []*entry // in the order they began; short enough to be walked
}

// An entry is one open handshake.
type entry struct {
	from  netip.Addr
	began time.Time
	end   context.CancelFunc
}

// enter takes e in. Where there is no room it ends one that has stalled, and says so by cut; it returns false
// where none has.
func (d *door) enter(e *entry) (ok, cut bool) {
	e.from = behind(e.from)
	d.mu.Lock()
	defer d.mu.Unlock()
	same := 0
	for _, o := range d.open {
		if o.from == e.from {
			same++
		}
	}
	crowded := same >= maxHandshakesFromOne
	if crowded || len(d.open) >= maxHandshakes {
		i := slices.IndexFunc(d.open, func(o *entry) bool {
			return (!crowded || o.from == e.from) && e.began.Sub(o.began) > stalledAfter
		})
		if i < 0 {
			return false, false
		}
		d.open[i].end()
		d.open = slices.Delete(d.open, i, i+1)
		cut = true
	}
	d.open = append(d.open, e)
	return true, cut
}

// leave forgets e, whose handshake is done or has failed.
func (d *door) leave(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.open, e); i >= 0 {
		d.open = slices.Delete(d.open, i, i+1)
	}
}

// count returns how many are open.
func (d *door) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.open)
}
