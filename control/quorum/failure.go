package quorum

import (
	"errors"
	"fmt"
	"net"

	"github.com/hashicorp/raft"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// Errors of calls. ErrDiskFull is another. Where one wraps ErrUnknown, what was asked may have been done, or may still be.
var (
	ErrUnknown    = errors.New("whether it was done is not known")
	ErrTooNew     = ledger.ErrTooNew // an entry that this node, or the leader, cannot read
	ErrLastVoters = errors.New("without that node no quorum would be left")
	ErrRemoved    = errors.New("that node was removed for good")
	ErrFull       = errors.New("there are as many control nodes as there may be")

	errClosed    = fmt.Errorf("quorum: %w", net.ErrClosed)
	errMalformed = errors.New("malformed")
	errNotLeader = errors.New("no control node leads")
	errBusy      = errors.New("the leader is busy")
	errStopped   = errors.New("the leader follows no further")
)

// failures are the errors that go over the line, and come out of it as they were.
var failures = map[pb.Failure]error{
	pb.Failure_FAILURE_NOT_LEADER:  errNotLeader,
	pb.Failure_FAILURE_UNKNOWN:     ErrUnknown,
	pb.Failure_FAILURE_TOO_NEW:     ErrTooNew,
	pb.Failure_FAILURE_DISK_FULL:   ErrDiskFull,
	pb.Failure_FAILURE_LAST_VOTERS: ErrLastVoters,
	pb.Failure_FAILURE_REMOVED:     ErrRemoved,
	pb.Failure_FAILURE_FULL:        ErrFull,
	pb.Failure_FAILURE_BUSY:        errBusy,
	pb.Failure_FAILURE_MALFORMED:   errMalformed,
	pb.Failure_FAILURE_STOPPED:     errStopped,
}

func failureOf(err error) pb.Failure {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return pb.Failure_FAILURE_NOT_LEADER
	case errors.Is(err, ledger.ErrMalformed):
		return pb.Failure_FAILURE_MALFORMED
	case errors.Is(err, errStopped): // before the error that stopped it
		return pb.Failure_FAILURE_STOPPED
	}
	for f, e := range failures { // err is one of them at most
		if errors.Is(err, e) {
			return f
		}
	}
	return pb.Failure_FAILURE_UNKNOWN
}

// retried says whether a call that failed so is worth another attempt: somebody else may lead, or it sooner or later.
func retried(f pb.Failure) bool {
	switch f {
	case pb.Failure_FAILURE_NOT_LEADER, pb.Failure_FAILURE_UNKNOWN, pb.Failure_FAILURE_BUSY, pb.Failure_FAILURE_STOPPED:
		return true
	}
	return false
}

// errorOf is failureOf the other way round.
func errorOf(f pb.Failure) error {
	switch err := failures[f]; {
	case f == pb.Failure_FAILURE_STOPPED:
		return errors.Join(errStopped, ErrTooNew, ErrUnknown) // it may have been stopped by just this entry
	case err != nil:
		return err
	}
	return ErrUnknown // a failure of a newer node
}
