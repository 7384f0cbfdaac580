package relay

import "time"

const (
	levelFor  = 1200 * time.Millisecond // that a delay does not move: less than a cut is held
	levelMove = 4                       // by more than one part in so many
	levelLoss = 0.07                    // of what was sent: a full buffer loses more
	levelWait = 50 * time.Millisecond   // in the queue: QUIC's window holds a buffer at one level, too
)

// A level tells a way that has become longer from a buffer that is full. A full one loses packets, or fills
// further, or empties once less is sent. A delay that stands still is the path's own: the least round trip is
// that of another route then, and is counted from there.
type level struct {
	floor time.Duration // that the way became longer

	since        time.Time // when the run began, in which the delay has moved between
	lowest, most time.Duration
	first        signals
	seen         signals // the last, as adjusted
}

// above returns s with the least round trip as it is on the way of now; s stays as it is. The result is good
// until the next call.
func (l *level) above(now time.Time, s *signals) *signals {
	delay := s.lastRTT - s.minRTT
	l.floor = max(0, min(l.floor, delay, s.rtt-s.minRTT))
	sent, asked := float64(s.sent-l.first.sent), float64(s.asked-l.first.asked)
	l.lowest, l.most = min(l.lowest, delay), max(l.most, delay)
	switch {
	case l.since.IsZero(), s.sent < l.first.sent, s.asked < l.first.asked, s.refused != l.first.refused,
		l.most-l.lowest > l.most/levelMove, asked > levelLoss*sent, s.oldest > levelWait, s.groups,
		now.Sub(s.rttAt) > staleFor:
		l.since, l.lowest, l.most, l.first = now, delay, delay, *s
	case now.Sub(l.since) >= levelFor && l.lowest > l.floor+delayQuiet:
		l.floor = l.lowest
	}
	l.seen = *s
	l.seen.minRTT += l.floor
	return &l.seen
}
