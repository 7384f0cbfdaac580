package admit

import (
	"net/netip"
	"sync"
	"time"

	"freshet/cluster/limit"
)

// The reasons for which one bearer, or one address, is refused (RELIABILITY, section 4).
const (
	TokenLive       Reason = "token_live"       // as many sessions get media as one token may have
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
	unfinished, live int
	on               map[string]int // live, by stream
}

// NewQuota returns a quota of which nothing is used.
func NewQuota() *Quota {
	return &Quota{strangers: limit.New(strangerRate), bearers: map[string]*bearer{}}
}

// A Seat is one session of a token. Its methods may be called from any goroutine, in any order and more than once; those
// of nil, the seat of a session without a token, do nothing.
type Seat struct {
	q               *Quota
	session, stream string
	live, left      bool // under q.mu
}

// Take keeps a seat for one more session on stream of the token of session, or says why there is none. Who gets one must
// call Leave.
func (q *Quota) Take(session, stream string) (*Seat, Reason) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.bearers[session]
	switch {
	case b == nil:
		b = &bearer{on: map[string]int{}}
		q.bearers[session] = b
	case b.live >= liveInAll || b.on[stream] >= liveOnStream:
		return nil, TokenLive
	case b.unfinished >= unfinished:
		return nil, TokenUnfinished
	}
	b.unfinished++
	return &Seat{q: q, session: session, stream: stream}, Open
}

// Live says that the session gets media. It returns false where that makes more than there may be, since several were
// connecting: the session is to be closed then.
func (s *Seat) Live() bool {
	if s == nil {
		return true
	}
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if s.live || s.left {
		return true
	}
	b := s.q.bearers[s.session]
	s.live = true
	b.unfinished--
	b.live++
	b.on[s.stream]++
	return b.live <= liveInAll && b.on[s.stream] <= liveOnStream
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
	if s.live {
		b.live--
		if b.on[s.stream]--; b.on[s.stream] == 0 {
			delete(b.on, s.stream)
		}
	} else {
		b.unfinished--
	}
	if b.live == 0 && b.unfinished == 0 {
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
