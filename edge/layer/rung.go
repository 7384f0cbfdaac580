package layer

// A Rung is one layer of a video track; rungs are ordered from the lowest.
type Rung struct {
	BPS   int64 // bits a second it brings, or brought when it was last carried; 0: unknown
	State State
}

// A State says whether a layer is to be had.
type State uint8

// The states of a layer.
const (
	Silent State = iota // nothing comes, though it is carried or was asked for: the publisher does not send it
	Live                // packets came in the last second
	Asleep              // not carried, because nobody wanted it: it comes a little after it is asked for
	Shed                // upstream holds it back for want of room: it comes when upstream says so
)

// Nearest returns the rung to show to who should have i: i itself where it is live, else the nearest live
// one, lower ones first. Where none is, the publisher is silent, and it is the nearest of those that are
// carried. AudioOnly stays AudioOnly.
func Nearest(rungs []Rung, i int) int {
	if i < 0 {
		return i
	}
	for _, state := range [...]State{Live, Silent} {
		for j := i; j >= 0; j-- {
			if rungs[j].State == state {
				return j
			}
		}
		for j := i + 1; j < len(rungs); j++ {
			if rungs[j].State == state {
				return j
			}
		}
	}
	return i
}

// Attainable returns the best rung up to i that is there or comes when it is asked for, and i where there is
// none. Who should have i asks for this one too: i may be long in coming.
func Attainable(rungs []Rung, i int) int {
	if j := below(rungs, i+1); j >= 0 {
		return j
	}
	return i
}

// below returns the best rung under i that is there or comes when it is asked for, AudioOnly where there is none.
func below(rungs []Rung, i int) int {
	for j := i - 1; j >= 0; j-- {
		if s := rungs[j].State; s == Live || s == Asleep {
			return j
		}
	}
	return AudioOnly
}

// above returns the lowest rung over i that is there or comes when it is asked for, AudioOnly where there is
// none. Where one over shown is held back there is no room for those above it either.
func above(rungs []Rung, shown, i int) int {
	for j := shown + 1; j < len(rungs); j++ {
		switch s := rungs[j].State; {
		case s == Shed:
			return AudioOnly
		case j > i && (s == Live || s == Asleep):
			return j
		}
	}
	return AudioOnly
}
