package relay

// A lossMeter finds what share of its packets the way of a feed loses, over some two seconds. It is owned by the puller.
type lossMeter struct {
	feed  *feed // that it was begun for
	base  passed
	share float64
}

// next returns the share after the second in which f's way has come to sum; 0 while nothing is known of f.
func (m *lossMeter) next(f *feed, sum passed) float64 {
	if m.feed != f || sum.received < m.base.received || sum.missing < m.base.missing {
		*m = lossMeter{feed: f, base: sum}
		return 0
	}
	received, missing := sum.received-m.base.received, sum.missing-m.base.missing
	if received+missing >= poorLeast { // else they count with the next
		m.base = sum
		m.share += (float64(missing)/float64(received+missing) - m.share) / 2
	}
	return m.share
}
