package egress

import (
	"net/netip"
	"time"
)

const (
	// maxChecks is how many of a viewer's addresses are remembered. A laptop comes by Wi-Fi, cable and VPN, of both
	// versions of IP; the ones it does not nominate do not matter.
	maxChecks = 4

	// checkEvery is how long an answer is waited for before the check is sent again. The viewer's own checks and
	// its repeated hello are the clock.
	checkEvery = 200 * time.Millisecond
)

// A check is a connectivity check of the edge's own: on its way to an address of a viewer, or answered.
type check struct {
	id       [12]byte // the same each time it is sent, so that a late answer is one
	to       netip.AddrPort
	sent     mono
	open     bool
	answered bool
	moves    bool // the viewer nominated the address and goes there when it has answered
}

// A checkList is the checks of one viewer's addresses.
type checkList struct {
	list [maxChecks]check
	next uint8 // the place to give away when all are taken
}

// of returns the check of address a, nil where there is none.
func (l *checkList) of(a netip.AddrPort) *check {
	for i := range l.list {
		if c := &l.list[i]; c.to == a {
			return c
		}
	}
	return nil
}

// passed says whether a has answered a check.
func (l *checkList) passed(a netip.AddrPort) bool {
	c := l.of(a)
	return c != nil && c.answered
}

// spare returns a place for another address, but never that of stay. What stood in it is forgotten.
func (l *checkList) spare(stay netip.AddrPort) *check {
	for {
		c := &l.list[l.next%maxChecks]
		l.next++
		if !stay.IsValid() || c.to != stay {
			return c
		}
	}
}

// checkOf returns the check of v at address a, a new one where there is none.
func (s *Shard) checkOf(v *viewer, a netip.AddrPort) *check {
	if c := v.checks.of(a); c != nil {
		return c
	}
	c := v.checks.spare(v.to.addr)
	if c.open {
		delete(s.ice.checks, c.id)
	}
	*c = check{to: a}
	return c
}

// uncheck forgets v's open checks.
func (s *Shard) uncheck(v *viewer) {
	for i := range v.checks.list {
		if c := &v.checks.list[i]; c.open {
			delete(s.ice.checks, c.id)
		}
	}
}
