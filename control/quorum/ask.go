package quorum

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	pb "freshet/proto"
)

const (
	askWait     = 15 * time.Second       // of a call whose context says nothing
	attemptWait = 2 * time.Second        // for the leader's answer; a leader that is lost ends it sooner
	firstPause  = 5 * time.Millisecond   // before the second attempt
	maxPause    = 100 * time.Millisecond // between attempts; a new leader ends it
)

// ask has the leader do what c asks, whoever that is, and asks again while that is worth it and ctx allows. The error
// wraps ErrUnknown where one of the attempts may have been heard.
func (q *Quorum) ask(ctx context.Context, c *pb.QuorumCall) (*pb.QuorumAnswer, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askWait)
		defer cancel()
	}
	var unsure error // ErrUnknown, after the first attempt of which that is so
	pause, hint, last := firstPause, "", errNotLeader
	for turn := 0; ; turn++ {
		node, addr, changed := q.leader.get()
		if addr == "" {
			addr = hint
		}
		if addr == "" && q.outside() && len(q.cfg.Seeds) > 0 {
			addr = q.cfg.Seeds[turn%len(q.cfg.Seeds)]
		}
		a, err := q.attempt(ctx, node, addr, changed, c)
		r := a.GetRefused()
		if err == nil && r == nil {
			return a, nil
		}
		if err == nil {
			err = errorOf(r.Failure)
		}
		if errors.Is(err, ErrUnknown) {
			unsure = ErrUnknown
		}
		if r != nil && !retried(r.Failure) {
			return nil, errors.Join(err, unsure)
		}
		hint = r.GetLeader()
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-changed:
			pause = firstPause
		case <-time.After(pause/2 + rand.N(pause)):
			pause = min(2*pause, maxPause)
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), last, unsure)
		case <-q.closed:
			return nil, errors.Join(errClosed, unsure)
		}
	}
}

// attempt asks node at addr once. It ends when that does not lead any more.
func (q *Quorum) attempt(ctx context.Context, node, addr string, changed <-chan struct{}, c *pb.QuorumCall) (*pb.QuorumAnswer, error) {
	if addr == "" {
		return nil, errNotLeader
	}
	ctx, cancel := context.WithTimeout(ctx, attemptWait)
	defer cancel()
	go func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	if node == q.cfg.Node {
		return q.answer(ctx, c), nil
	}
	a, err := q.pool.call(ctx, addr, c)
	if err != nil {
		return nil, errors.Join(ErrUnknown, err)
	}
	return a, nil
}

// outside says whether this node has not been joined yet, and so will be told of no leader.
func (q *Quorum) outside() bool {
	r := q.raft.Load()
	return r == nil || !member(r, q.cfg.Node)
}
