package impair

// lossy decides which packets are lost, by Gilbert's model: in the good state none is, in the bad state
// each is, and between packets the state changes by chance.
type lossy struct{ bad bool }

// next tells whether the next packet is lost, by an even draw of 0 to 1.
func (l *lossy) next(share float64, burst int, draw float64) bool {
	enter, leave := gilbert(share, burst)
	if l.bad {
		l.bad = draw >= leave
	} else {
		l.bad = draw < enter
	}
	return l.bad
}

// gilbert returns the chances to enter and to leave the bad state. The share always holds; where it is so
// large that runs of the wanted length cannot make it up, runs become longer.
func gilbert(share float64, burst int) (enter, leave float64) {
	switch {
	case share <= 0:
		return 0, 1
	case share >= 1:
		return 1, 0
	case burst <= 1:
		return share, 1 - share // the state does not matter: each packet on its own
	}
	leave = 1 / float64(burst)
	enter = leave * share / (1 - share)
	if enter > 1 {
		return 1, (1 - share) / share
	}
	return enter, leave
}
