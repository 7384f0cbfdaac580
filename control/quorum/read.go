package quorum

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// Read returns a state that has all that was acknowledged before the call, on whichever node. Without a deadline it gives
// up after 15 s. The error wraps ErrTooNew where this node follows no further.
func (q *Quorum) Read(ctx context.Context) (*ledger.State, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	a, err := q.ask(ctx, &pb.QuorumCall{Body: &pb.QuorumCall_Read{Read: &pb.ReadCall{}}})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	index := a.GetRead().GetIndex()
	for {
		changed := q.machine.changes()
		if q.machine.index() >= index {
			return q.machine.view(), nil
		}
		if err := q.machine.trouble(); err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("read: index %d: %w", index, ctx.Err())
		case <-q.closed:
			return nil, errClosed
		}
	}
}

// readIndex returns from which index on a ledger has all that was acknowledged before, if this node leads: it takes the
// newest entry that is committed, and then asks a majority whether it still leads. Without the second, another could
// have acknowledged more by now.
func (q *Quorum) readIndex(ctx context.Context) (uint64, error) {
	s := q.store.Load()
	if s == nil || s.raft.State() != raft.Leader {
		return 0, errNotLeader
	}
	term, ok := q.leads(s.raft)
	if !ok {
		return 0, errBusy // it does not know yet what was acknowledged before its term
	}
	committed := s.raft.CommitIndex()
	if err := await(ctx, q.gate, s.raft.VerifyLeader); err != nil {
		return 0, err
	}
	if again, ok := q.leads(s.raft); !ok || again != term {
		return 0, errNotLeader
	}
	return q.newest(s, committed)
}

// newest returns the index of the newest of our entries up to committed. Raft has entries of its own in between, which
// the ledger never sees.
func (q *Quorum) newest(s *store, committed uint64) (uint64, error) {
	for i := committed; ; i-- {
		if have := q.machine.index(); have >= i {
			return have, nil
		}
		var l raft.Log
		switch err := s.logs.GetLog(i, &l); {
		case errors.Is(err, raft.ErrLogNotFound):
			return q.machine.index(), nil // a snapshot has it, and so has the ledger
		case err != nil:
			return 0, err
		case l.Type == raft.LogCommand:
			return i, nil
		}
	}
}
