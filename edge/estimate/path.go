package estimate

import "time"

const (
	crowdFor = 10 * time.Second // after a queue, a viewer may share its bottleneck with the others of its address
	turn     = 3 * time.Second  // then one goes up, and the others see first what comes of it

	// sparedTimes is how much longer trouble must last for those who did not go up, while it is one viewer's turn:
	// that one's estimate falls first, within a second, and the others keep what they have.
	sparedTimes = 4
)

// A Path is what the viewers behind one address share. One address may be a home with one bottleneck or a
// carrier with thousands of them, so no rates are added up; and only a viewer that saw a queue itself heeds what the others
// do. It is owned by the loop that owns its estimators; the zero value is ready.
type Path struct {
	backed time.Duration // when one of them last backed off
	rose   time.Duration // when one of them last went up a layer
}

// Move goes on at another address, which path stands for.
func (e *Estimator) Move(path *Path) { e.path = path }

// MayRise says whether the viewer may go up a layer at now, if the estimate has room for it. It is true where
// there is no feedback to go by.
func (e *Estimator) MayRise(now time.Duration) bool {
	switch {
	case !e.fresh(now):
		return true
	case !e.calm() || within(now, e.backed, turn):
		return false
	case !within(now, e.queued, crowdFor):
		return true
	}
	return !within(now, e.path.backed, turn) && !e.othersTurn(now)
}

// Rose notes that the viewer goes up a layer at now.
func (e *Estimator) Rose(now time.Duration) { e.rose, e.path.rose = now, now }

// othersTurn says whether another viewer of the address went up just before.
func (e *Estimator) othersTurn(now time.Duration) bool {
	return e.rose != e.path.rose && within(now, e.path.rose, turn)
}
