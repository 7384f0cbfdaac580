package relay

import (
	"maps"
	"time"
)

// watchVersion is the first version of the protocol with watch and have.idle.
const watchVersion = 2

// speaks says whether both ends of the link know version v.
func (l *link) speaks(v uint32) bool { return l.version >= v }

// signs says how long ago anything came from the upstream node, and how long ago it last showed that the link is
// there at its end too: by an answer of its repair layer, which outlives a link, and by QUIC, which brings a beat
// each 50 ms.
func (s *source) signs(now time.Time) (heard, answered time.Duration) {
	heard, answered = s.link.signs(now)
	quic := now.Sub(time.Unix(0, s.heard.Load()))
	return min(heard, quic), max(answered, quic)
}

// judge has the pullers hear of another standing, and says whether it is one.
func (s *source) judge(got standing, now time.Time) (changed bool) {
	if s.standing() == got {
		return false
	}
	if got == alive {
		s.since.Store(now.UnixNano()) // first, for well
	}
	s.stand.Store(int32(got))
	switch got {
	case suspect:
		s.link.m.suspects.Inc()
		s.up.hushed()
	case alive:
		s.up.r.tellChanged()
	case dead:
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
	ok = s.standing() == alive // first: since is of now, or later
	return time.Unix(0, s.since.Load()), ok
}
