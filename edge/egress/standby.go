package egress

import (
	"context"
	"errors"
	"time"
)

const (
	// standbyReport is how often a session that stands by hears from its edge: often enough that its viewer takes
	// another within some seconds, and two packets where a viewer gets a hundred.
	standbyReport = 500 * time.Millisecond
	// playEvery is how often a session may begin to play: it costs a key frame and what follows.
	playEvery = 250 * time.Millisecond
)

// ErrTooOften says that a session was told to play just before.
var ErrTooOften = errors.New("told to play too often")

// Play has a session that stands by get media at once, from the cached group. ErrTooOften: nothing has changed.
// net.ErrClosed: there is no such session any more.
func (s *Shard) Play(ctx context.Context, session string) error {
	var err error
	if gone := s.with(ctx, session, func(v *viewer, at mono) { err = s.play(v, at) }); gone != nil {
		return gone
	}
	return err
}

// Pause has a session stand by. Its numbers go on from there when it plays again. net.ErrClosed as of Play.
func (s *Shard) Pause(ctx context.Context, session string) error {
	return s.with(ctx, session, func(v *viewer, _ mono) { s.pause(v) })
}

func (s *Shard) play(v *viewer, at mono) error {
	if !v.standby {
		return nil
	}
	if v.playedAt != 0 && at-v.playedAt < playEvery {
		return ErrTooOften
	}
	v.standby, v.urgent, v.playedAt = false, true, at
	v.join.Turned(true)
	if v.seat >= 0 {
		s.tune(v, at)
	}
	return nil
}

func (s *Shard) pause(v *viewer) {
	if v.standby {
		return
	}
	v.standby = true
	v.join.Turned(false)
	if v.seat >= 0 {
		s.leave(v, &v.video)
		s.leave(v, &v.audio)
	}
}

// quietFor is how long v may hear nothing before it is sent a report.
func (v *viewer) quietFor() time.Duration {
	if v.standby {
		return standbyReport
	}
	return quiet / 2
}
