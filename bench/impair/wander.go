package impair

import "time"

// A wander is the jitter of one direction: drawn for each packet with Reorder, else anew once a Jitter.
type wander struct {
	jitter time.Duration
	drawn  time.Time
}

// next returns what comes on top of the delay of a packet that leaves at the time given, by an even draw of 0 to 1.
func (w *wander) next(p Path, at time.Time, draw float64) time.Duration {
	if p.Reorder || at.Sub(w.drawn) >= p.Jitter {
		w.jitter, w.drawn = time.Duration(draw*float64(p.Jitter)), at
	}
	return w.jitter
}
