package admit

import (
	"net/netip"
	"sync"
	"time"

	"freshet/cluster/limit"
)

// The reasons for which one bearer, or one address, is refused (RELIABILITY, section 4).
const (
	TokenLive       Reason = "token_live"       // as many sessions get media as one token may have, or stand by
	TokenUnfinished Reason = "token_unfinished" // as many are still connecting
	Stranger        Reason = "stranger"         // too many joins without a valid token come from there
)

const (
	liveOnStream = 2 // of one token: the next edge is opened before this one is closed
	liveInAll    = 8 // floor, interpreters, a second screen
	unfinished   = 4
)

// strangerRate is for those who come without a valid token.
var strangerRate = limit.Rate{Name: "strangers", N: 10, Per: time.Second, Burst: 50}

// A Quota holds each token to its share of this edge, and those who come without one to a rate. Its methods may be
// called from any goroutine.
type Quota struct {
	strangers *limit.Limiter // by network

	mu      sync.Mutex
	bearers map[string]*bearer // by the session of the token; those with a seat alone
}

// A bearer is who has a token.
type bearer struct {
	unfinished int
	live       tally
	standing   tally // without media; bounded as if they had it, since any may be told to play
}

// A tally is how many of a bearer's sessions do the same.
type tally struct {
	all int
	on  map[string]int // by stream
}

func (t *tally) add(stream string) {
	if t.on == nil {
		t.on = map[string]int{}
	}
	t.all++
	t.on[stream]++
}

func (t *tally) remove(stream string) {
	t.all--
	if t.on[stream]--; t.on[stream] == 0 {
		delete(t.on, stream)
	}
}

// room says whether there may be one more on stream.
func (t *tally) room(stream string) bool { return t.all < liveInAll && t.on[stream] < liveOnStream }

// within says whether there are no more than may be, stream's included.
func (t *tally) within(stream string) bool { return t.all <= liveInAll && t.on[stream] <= liveOnStream }

// NewQuota returns a quota of which nothing is used.
func NewQuota() *Quota {
	return &Quota{strangers: limit.New(strangerRate), bearers: map[string]*bearer{}}
}

// A Seat is one session of a token. Its methods may be called from any goroutine, in any order and more than once; those
// of nil, the seat of a session without a token, do nothing.
type Seat struct {
	q               *Quota
	session, stream string

	// Under q.mu.
	standby, connected, left bool
}

// Take keeps a seat for one more session on stream of the token of session, or says why there is none. Who gets one must
// call Leave.
func (q *Quota) Take(session, stream string) (*Seat, Reason) {
	return q.take(&Seat{q: q, session: session, stream: stream})
}

// Stand is Take for a session that stands by.
func (q *Quota) Stand(session, stream string) (*Seat, Reason) {
	return q.take(&Seat{q: q, session: session, stream: stream, standby: true})
}

func (q *Quota) take(s *Seat) (*Seat, Reason) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.bearers[s.session]
	if b == nil {
		b = &bearer{}
	}
	switch {
	case !s.tallyOf(b).room(s.stream):
		return nil, TokenLive
	case b.unfinished >= unfinished:
		return nil, TokenUnfinished
	}
	q.bearers[s.session] = b
	b.unfinished++
	return s, Open
}

// tallyOf returns the tally of b that s counts in once it is connected.
func (s *Seat) tallyOf(b *bearer) *tally {
	if s.standby {
		return &b.standing
	}
	return &b.live
}

// Live says that the session is connected. It returns false where that makes more than there may be, since several were
// connecting: the session is to be closed then.
func (s *Seat) Live() bool {
	if s == nil {
		return true
	}
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if s.connected || s.left {
		return true
	}
	b := s.q.bearers[s.session]
	s.connected = true
	b.unfinished--
	s.tallyOf(b).add(s.stream)
	return s.tallyOf(b).within(s.stream)
}

// Play says that the session stands by no longer, or why that may not be.
func (s *Seat) Play() Reason { return s.turn(false) }

// Pause says that the session stands by from now on, or why that may not be.
func (s *Seat) Pause() Reason { return s.turn(true) }

func (s *Seat) turn(standby bool) Reason {
	if s == nil {
		return Open
	}
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if s.standby == standby || s.left {
		return Open
	}
	b := s.q.bearers[s.session]
	from := s.tallyOf(b)
	s.standby = standby
	to := s.tallyOf(b)
	if !to.room(s.stream) {
		s.standby = !standby
		return TokenLive
	}
	if s.connected {
		from.remove(s.stream)
		to.add(s.stream)
	}
	return Open
}

// Leave gives the seat back.
func (s *Seat) Leave() {
	if s == nil {
		return
	}
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if s.left {
		return
	}
	s.left = true
	b := s.q.bearers[s.session]
	if s.connected {
		s.tallyOf(b).remove(s.stream)
	} else {
		b.unfinished--
	}
	if b.live.all == 0 && b.standing.all == 0 && b.unfinished == 0 {
		delete(s.q.bearers, s.session)
	}
}

// Knock counts a join without a valid token from an address at now. It returns how long whoever is there has to wait, 0
// where that is not so. Loopback never waits.
func (q *Quota) Knock(from netip.Addr, now time.Time) (wait time.Duration) {
	if from.Unmap().IsLoopback() {
		return 0
	}
	if v := q.strangers.Take(limit.Network(from), now); !v.OK {
		return max(time.Millisecond, v.Again)
	}
	return 0
}
