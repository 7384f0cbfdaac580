package quorum

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// maxWrites are under way at the leader at once; who comes then asks again.
const maxWrites = 1024

// A Result is what became of an entry.
type Result struct {
	Verdict pb.Verdict
	Number  uint64 // the epoch after Place and Unplace, the version after SetTree; where they were stale, the one there is
	Index   uint64 // from which on State has the entry
}

// A Refusal is the error of a verdict other than done.
type Refusal pb.Verdict

func (r Refusal) Error() string { return "refused by the ledger: " + pb.Verdict(r).String() }

// Err returns nil where the entry was done, and a Refusal otherwise.
func (r Result) Err() error {
	if r.Verdict == pb.Verdict_VERDICT_DONE {
		return nil
	}
	return Refusal(r.Verdict)
}

// Apply writes e, whose version and request are filled in where they are missing, at the leader, and returns what every
// ledger says of it. An error that wraps ErrUnknown means that it may have been written, or may still be: who asks again
// with the same request gets the outcome of the first time, as long as not 10,000 other entries came in between. After
// any other (ErrTooNew, ErrDiskFull, malformed, of ctx, net.ErrClosed) it was not. Without a deadline it gives up after 15 s.
func (q *Quorum) Apply(ctx context.Context, e *pb.Entry) (Result, error) {
	begun := q.d.Now()
	e = &pb.Entry{Version: e.Version, Request: e.Request, Body: e.Body}
	if e.Version == 0 {
		e.Version = ledger.Version
	}
	if len(e.Request) == 0 {
		e.Request = make([]byte, 16)
		_, _ = rand.Read(e.Request) // never fails
	}
	if _, err := encoded(e); err != nil {
		return Result{}, err
	}
	a, err := q.ask(ctx, &pb.QuorumCall{Body: &pb.QuorumCall_Apply{Apply: e}})
	o := a.GetApplied()
	switch {
	case err == nil && o == nil:
		err = ErrUnknown
		fallthrough
	case err != nil:
		q.m.writes.WithLabelValues(string(writeFailed)).Inc()
		return Result{}, fmt.Errorf("write: %w", err)
	case o.Verdict != pb.Verdict_VERDICT_DONE:
		q.m.writes.WithLabelValues(string(writeRefused)).Inc()
	default:
		q.m.writes.WithLabelValues(string(writeDone)).Inc()
	}
	q.m.took.Observe(q.d.Now().Sub(begun).Seconds())
	return Result{Verdict: o.Verdict, Number: o.Number, Index: o.Index}, nil
}

// encoded returns the bytes of e, which every node that reads Version understands.
func encoded(e *pb.Entry) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err == nil {
		_, err = ledger.Read(b)
	}
	return b, err
}

// propose writes e, if this node leads.
func (q *Quorum) propose(ctx context.Context, e *pb.Entry) (*pb.Outcome, error) {
	r := q.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return nil, errNotLeader
	}
	if err := q.machine.trouble(); err != nil {
		return nil, fmt.Errorf("%w: %w", errStopped, err)
	}
	if err := q.disk.trouble(); err != nil {
		return nil, err
	}
	select {
	case q.slots <- struct{}{}:
	default:
		return nil, errBusy
	}
	e.AtUnixMs = q.d.Now().UnixMilli()
	b, err := encoded(e)
	if err != nil {
		<-q.slots
		return nil, err
	}
	var f raft.ApplyFuture
	err = await(ctx, q.gate, func() raft.Future {
		f = r.Apply(b, exchangeWait)
		return slotted{f, q.slots}
	})
	if errors.Is(err, errClosed) {
		<-q.slots // nobody was asked
	}
	if err != nil {
		return nil, err
	}
	o, err := outcome(f.Response())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStopped, err)
	}
	return o, nil
}

// A slotted future gives its slot back when it is done, however long its caller has waited.
type slotted struct {
	raft.Future
	slots <-chan struct{}
}

func (s slotted) Error() error {
	defer func() { <-s.slots }()
	return s.Future.Error()
}
