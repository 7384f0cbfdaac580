package relay

import (
	"maps"
	"time"
)

// watchVersion is the first version of the protocol with watch and have.idle.
const watchVersion = 2

// speaks says whether both ends of the link know version v.
func (l *link) speaks(v uint32) bool { return l.version >= v }

// signs says how long ago anything came from the upstream node, and how long ago it last answered; 0 where
// it speaks plain QUIC, which has no answers.
func (s *source) signs(now time.Time) (heard, answered time.Duration) {
	heard, answered = s.link.signs(now)
	return min(heard, now.Sub(time.Unix(0, s.heard.Load()))), answered
}

// judge has the pullers hear of another standing, and says whether it is one.
func (s *source) judge(got standing, now time.Time) (changed bool) {
	old := standing(s.stand.Swap(int32(got)))
	switch {
	case old == got:
		return false
	case got == suspect:
		s.link.m.suspects.Inc()
	case got == alive:
		s.since.Store(now.UnixNano())
		s.up.r.tellChanged()
	}
	s.mu.Lock()
	feeds := maps.Clone(s.feeds)
	s.mu.Unlock()
	s.tell(event{kind: eventSigns}, feeds)
	return true
}

func (s *source) tell(e event, feeds map[uint64]*feed) {
	for _, f := range feeds {
		e.feed = f
		f.pull.post(e)
	}
}

// leaves says whether the upstream node drains.
func (u *uplink) leaves() bool {
	s := u.source()
	return s != nil && s.leaving.Load()
}

func (s *source) standing() standing { return standing(s.stand.Load()) }

// well says since when the upstream node has been alive without a break; ok is false while it is not.
func (s *source) well() (since time.Time, ok bool) {
	return time.Unix(0, s.since.Load()), s.standing() == alive
}
