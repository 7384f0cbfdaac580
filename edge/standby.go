package edge

import (
	"context"
	"errors"
	"net/http"
	"time"

	"freshet/edge/admit"
	"freshet/edge/egress"
	"freshet/proto/problem"
)

// Relations under which a session announces where it is told to play and to pause. An offer to {stream}?standby=warm opens
// one that begins paused: connected, without media. Both are posted without a body, so that a page of any site needs no
// preflight.
const (
	PlayLink  = "urn:ietf:params:whep:ext:freshet:play"
	PauseLink = "urn:ietf:params:whep:ext:freshet:pause"
)

// standbyWarm is the one kind of standby: connected, and nothing sent.
const standbyWarm = "warm"

// playRetry is when a session that was told to play too often may be told again.
const playRetry = time.Second

// play has s get media, as far as there is room for one more viewer. It answers 204 once the shard has begun, as it does
// where s plays already.
func (s *session) play(w http.ResponseWriter, q *http.Request) error {
	return s.alone(w, q, func(ctx context.Context) error {
		if p := s.edge.leaving(s.stream); p != nil {
			s.edge.m.refused.WithLabelValues(string(refusedDraining)).Inc()
			return p
		}
		if why := s.place.Play(); why != admit.Open {
			s.edge.m.refused.WithLabelValues(string(why)).Inc()
			return s.edge.full(s.stream, why)
		}
		if why := s.share.Play(); why != admit.Open {
			s.place.Pause()
			s.edge.m.refused.WithLabelValues(string(why)).Inc()
			return tooManySessions()
		}
		err := s.shard.Play(ctx, s.id)
		if errors.Is(err, egress.ErrTooOften) {
			s.place.Pause()
			s.share.Pause()
			s.edge.m.refused.WithLabelValues(string(refusedTooOften)).Inc()
			return often("this session began to play just before", playRetry)
		}
		return err
	})
}

// pause has s get no media until it is told to play. It answers 204 where s stands by already, too: who asks so keeps the
// connection open by which it will ask for media.
func (s *session) pause(w http.ResponseWriter, q *http.Request) error {
	return s.alone(w, q, func(ctx context.Context) error {
		if why := s.share.Pause(); why != admit.Open {
			s.edge.m.refused.WithLabelValues(string(why)).Inc()
			return tooManySessions()
		}
		s.place.Pause()
		return s.shard.Pause(ctx, s.id)
	})
}

// alone runs f while nobody else turns s, and answers 204 where it returns nil.
func (s *session) alone(w http.ResponseWriter, q *http.Request, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(q.Context(), shardTimeout)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return busy()
	}
	err := f(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return busy()
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func busy() *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "busy", "Edge is busy", "the session was not told in time")
	p.RetryAfter = playRetry
	return p
}
