package ingest

import "time"

const (
	// apartAfter is how long a stream has had its standby, and two publishers here, before one is sent there.
	apartAfter = 10 * time.Second
	// changeRest is for the publisher that takes the place of the one to be sent: its key frame is waited for.
	changeRest = 2 * time.Second
)

// A spread is the way of one of two publishers to the stream's standby: here both would be gone at once.
type spread struct {
	node string    // that stands by
	due  time.Time // of the next step
	told *Seat     // to move
}

// part has one of two publishers go to the standby: the one that calls itself the second, since control sends no other there.
// Where that is the one on the air, the other takes its place first. It is told to move, and ended where it does not know how.
func (s *slot) part(now time.Time) {
	p, node := &s.spread, s.deps.Standby(s.id)
	if node == "" || s.moved || s.air == nil || s.reserve == nil || s.air.publisher.Backup() == s.reserve.publisher.Backup() {
		*p = spread{}
		return
	}
	if node != p.node {
		*p = spread{node: node, due: now.Add(apartAfter)}
	}
	switch {
	case now.Before(p.due), s.reserve.silent(now):
	case s.air.publisher.Backup():
		s.takeOver(now, "the other goes to the standby")
		p.due = now.Add(changeRest)
	case p.told != s.reserve:
		s.reserve.publisher.Move()
		p.told, p.due = s.reserve, now.Add(moveGrace)
	default:
		s.kick(s.reserve, refusedMoved, now)
	}
}
