package relay

import (
	"time"

	"freshet/proto/rtpq"
)

// watchVersion is the first version of the protocol with watch and have.idle.
const watchVersion = rtpq.Version

// speaks says whether both ends of the link know version v.
func (l *link) speaks(v uint32) bool { return l.version >= v }

// signs says how long ago anything came from the upstream node, and how long ago it last answered; 0 where
// it speaks plain QUIC, which has no answers.
func (s *source) signs(now time.Time) (heard, answered time.Duration) {
	heard, answered = s.link.signs(now)
	if p, ok := s.link.path(); !ok || p.Plain {
		answered = 0
	}
	return min(heard, now.Sub(time.Unix(0, s.heard.Load()))), answered
}
