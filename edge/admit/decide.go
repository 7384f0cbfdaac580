// Package admit decides whether an edge takes one more viewer, so that who watches never suffers from who
// comes: by expectation, as what is sent and what comes must stay below the capacity; and by symptom, as an
// edge that is busy or late is full whatever its capacity was thought to be.
package admit

import "time"

// A Reason is why a viewer is refused; the label of a metric.
type Reason string

// The reasons.
const (
	Open     Reason = ""          // not refused
	FullRate Reason = "full_rate" // it would go over the capacity
	FullBusy Reason = "full_busy" // a loop has hardly any time left
	FullLate Reason = "full_late" // packets leave late

	FullStandbys Reason = "full_standbys" // as many stand by as may
)

// Where an edge counts as full, and how far it must be below that to take viewers again: one that opened at the same
// figure would refuse and admit in turn.
const (
	shareOpen = 0.95 // of the capacity
	busyFull  = 0.85 // the measured capacity expects 0.8 at most
	busyOpen  = 0.75
	lateFull  = 0.10 // one batch in ten: a key frame for thousands makes only those next to it late
	lateOpen  = 0.02
)

// When a viewer may ask again: after some viewer has left, or after the window in which the edge was late has passed.
const (
	retryRate    = 5 * time.Second
	retrySymptom = 2 * time.Second
)

// A Load is what an edge does now.
type Load struct {
	Sent    Rate    // what goes out
	Joining Rate    // what those take in addition whom Sent does not show yet
	Busy    float64 // share of the time for which the busiest loop works
	Late    float64 // share of the batches that left late
}

// Decide says whether an edge may take a viewer who is expected to take what viewer says. A capacity of 0 packets or
// 0 bits is no limit. full says that the edge refused the last one.
func Decide(capacity Rate, l Load, viewer Rate, full bool) Reason {
	share, busy, late := 1.0, busyFull, lateFull
	if full {
		busy, late = busyOpen, lateOpen
		if l.Sent != (Rate{}) || l.Joining != (Rate{}) { // or an edge for one viewer would never open again
			share = shareOpen
		}
	}
	next := l.Sent.Plus(l.Joining).Plus(viewer)
	switch {
	case l.Late > late:
		return FullLate
	case l.Busy > busy:
		return FullBusy
	case over(next.Packets, capacity.Packets, share), over(next.Bits, capacity.Bits, share):
		return FullRate
	}
	return Open
}

func over(next, limit int64, share float64) bool {
	return limit > 0 && float64(next) > share*float64(limit)
}

// share is how near l is to the nearest of the bounds that Decide holds: 1 is there.
func share(capacity Rate, l Load) float64 {
	now := l.Sent.Plus(l.Joining)
	part := func(n, limit int64) float64 {
		if limit <= 0 {
			return 0
		}
		return float64(n) / float64(limit)
	}
	return max(part(now.Packets, capacity.Packets), part(now.Bits, capacity.Bits), l.Busy/busyFull, l.Late/lateFull)
}

// RetryAfter is when who was refused for r may ask the same edge again.
func (r Reason) RetryAfter() time.Duration {
	if r == FullRate || r == FullStandbys {
		return retryRate
	}
	return retrySymptom
}
