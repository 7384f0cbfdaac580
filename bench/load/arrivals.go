package load

import (
	"sync"
	"time"

	"freshet/cluster/stream"
)

// Arrivals remember when whole frames (of audio: packets) arrived, the newest arrivalsKept of each kind, so that
// a test that broke something can ask what a viewer saw of it. The zero value is ready; its methods may be
// called from any goroutine. One belongs to one viewer: to one Play, or to one Follow.
type Arrivals struct {
	mu    sync.Mutex
	kinds [2]times
}

// arrivalsKept is 9 minutes of video at 30 frames a second.
const arrivalsKept = 1 << 14

// A times is a ring of times in the order in which they came.
type times struct {
	at []time.Time
	n  int64 // ever added; at[n%arrivalsKept] is the next to be overwritten once the ring is full
}

func (a *Arrivals) of(kind stream.Kind) *times {
	if kind == stream.Video {
		return &a.kinds[1]
	}
	return &a.kinds[0]
}

func (a *Arrivals) add(kind stream.Kind, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.of(kind)
	if len(t.at) < arrivalsKept {
		t.at = append(t.at, at)
	} else {
		t.at[t.n%arrivalsKept] = at
	}
	t.n++
}

// Longest returns the longest time without a frame of kind that touches the window from..to, and how many
// frames the window has. A gap counts in whole where one of its ends lies in the window; after the newest
// frame it runs up to to. ok is false where nothing is known of the window's beginning: no frame came
// before it, or those have been forgotten.
func (a *Arrivals) Longest(kind stream.Kind, from, to time.Time) (gap time.Duration, frames int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.of(kind)
	oldest := max(0, t.n-arrivalsKept)
	var last time.Time
	for i := t.n - 1; i >= oldest; i-- {
		at := t.at[i%arrivalsKept]
		if last.IsZero() {
			last = at
			if at.Before(to) {
				last = to // the gap that is still open
			}
		}
		if !at.After(to) {
			gap = max(gap, last.Sub(at))
			if at.Before(from) {
				return gap, frames, true
			}
			frames++
		}
		last = at
	}
	return gap, frames, false
}

// GapsSince returns the gaps over limit between frames of kind that ended after from, oldest first. A gap
// that is still open is not among them.
func (a *Arrivals) GapsSince(kind stream.Kind, from time.Time, limit time.Duration) []Gap {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.of(kind)
	var gaps []Gap
	for i := max(0, t.n-arrivalsKept) + 1; i < t.n; i++ {
		before, at := t.at[(i-1)%arrivalsKept], t.at[i%arrivalsKept]
		if at.After(from) && at.Sub(before) > limit {
			gaps = append(gaps, Gap{Since: before, For: at.Sub(before)})
		}
	}
	return gaps
}

// A Gap is a time in which no frame came.
type Gap struct {
	Since time.Time
	For   time.Duration
}
