package quorum

import (
	"context"
	"net"

	"github.com/hashicorp/raft"

	pb "freshet/proto"
)

// Join makes node, which other control nodes reach at addr, a part of the quorum. It keeps a copy of the ledger from then
// on, and votes when it has all of it and a vote more is of use. Who is in already may come with another address. Any
// node may ask, the one that joins too, whose Seeds lead to the leader. Errors: ErrRemoved, ErrFull, and those of ctx.
func (q *Quorum) Join(ctx context.Context, node, addr string) error {
	_, err := q.ask(ctx, &pb.QuorumCall{Body: &pb.QuorumCall_Join{Join: &pb.JoinCall{Node: node, Address: addr}}})
	return err
}

// Leave takes node out of the quorum. It may join again. The error is ErrLastVoters where those that are left and answer
// would be no majority. A node that only stops need not leave: Run hands over.
func (q *Quorum) Leave(ctx context.Context, node string) error {
	_, err := q.ask(ctx, &pb.QuorumCall{Body: &pb.QuorumCall_Leave{Leave: &pb.LeaveCall{Node: node}}})
	return err
}

// admit does what Join asks, if this node leads.
func (q *Quorum) admit(ctx context.Context, j *pb.JoinCall) error {
	r := q.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return errNotLeader
	}
	if _, ok := q.leads(r); !ok {
		return errBusy
	}
	if _, _, err := net.SplitHostPort(j.Address); err != nil || j.Node == "" {
		return errMalformed
	}
	if q.State().IsRemoved(j.Node) {
		return ErrRemoved
	}
	id, addr, all := raft.ServerID(j.Node), raft.ServerAddress(j.Address), servers(r)
	voter := false
	for _, s := range all {
		switch {
		case s.ID == id && s.Address == addr:
			return nil
		case s.ID == id:
			voter = s.Suffrage == raft.Voter
		case s.Address == addr:
			return errMalformed // somebody else's
		}
	}
	if len(all) >= maxServers && !member(r, j.Node) {
		return ErrFull
	}
	q.log.InfoContext(ctx, "a control node joins", "peer", j.Node, "remote", j.Address)
	return q.change(ctx, func() raft.IndexFuture {
		if voter {
			return r.AddVoter(id, addr, 0, changeWait)
		}
		return r.AddNonvoter(id, addr, 0, changeWait)
	})
}

// release does what Leave asks, if this node leads. A leader that is to leave has another lead first, which is asked then.
func (q *Quorum) release(ctx context.Context, node string) error {
	r := q.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return errNotLeader
	}
	if _, ok := q.leads(r); !ok {
		return errBusy
	}
	switch {
	case !member(r, node):
		return nil
	case !mayLose(q.judge(r), node):
		return ErrLastVoters
	case node == q.cfg.Node:
		q.handOver(ctx, r, nil)
		return errNotLeader
	}
	q.log.InfoContext(ctx, "a control node leaves", "peer", node)
	return q.change(ctx, func() raft.IndexFuture { return r.RemoveServer(raft.ServerID(node), 0, changeWait) })
}
