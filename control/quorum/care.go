package quorum

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	pb "freshet/proto"
)

const (
	careEvery = time.Second
	probeWait = 800 * time.Millisecond // of one peer; less than careEvery
	// A change of who is in the quorum is an entry like others. It waits this long for a majority.
	changeWait = 5 * time.Second
)

// care looks at disk and peers each second. The node that leads brings the quorum back to health, one step at a time.
func (q *Quorum) care(ctx context.Context, r *raft.Raft) error {
	tick := time.NewTicker(careEvery)
	defer tick.Stop()
	for {
		was := q.disk.trouble()
		if err := q.disk.look(); err != nil {
			q.log.Warn("how full the disk is, is not known", "err", err)
		} else if is := q.disk.trouble(); is != nil && was == nil {
			q.log.Error("no writes here", "err", is)
		}
		q.probe(ctx, r)
		if _, ok := q.leads(r); ok {
			q.tend(ctx, r)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// probe asks all peers together how they are.
func (q *Quorum) probe(ctx context.Context, r *raft.Raft) {
	ctx, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	var all sync.WaitGroup
	for _, p := range q.peers.keep(servers(r), q.cfg.Node, q.d.Now()) {
		all.Go(func() {
			a, err := q.pool.call(ctx, p.Addr, &pb.QuorumCall{Body: &pb.QuorumCall_Probe{Probe: &pb.ProbeCall{}}})
			if err != nil {
				a = nil
			}
			q.peers.heard(p.Node, a.GetProbe(), q.d.Now())
		})
	}
	all.Wait()
}

// tend does the next step of plan. Who leads and cannot go on hands over.
func (q *Quorum) tend(ctx context.Context, r *raft.Raft) {
	all := q.judge(r)
	if err := q.unable(); err != nil {
		for _, s := range all {
			if !s.leader && s.voter && s.healthy {
				q.log.Warn("another has to lead", "err", err)
				q.handOver(ctx, r, &raft.Server{ID: raft.ServerID(s.node), Address: address(r, s.node)})
				return
			}
		}
	}
	step, node := plan(all)
	var err error
	switch step {
	case stepNone:
		return
	case stepYield:
		q.handOver(ctx, r, nil)
		return
	case stepPromote:
		q.log.Info("a control node votes from now on", "peer", node)
		err = q.change(ctx, func() raft.IndexFuture {
			return r.AddVoter(raft.ServerID(node), address(r, node), 0, changeWait)
		})
	case stepRemove:
		q.log.Warn("a control node is taken out: it was removed, or silent for a day", "peer", node)
		err = q.change(ctx, func() raft.IndexFuture { return r.RemoveServer(raft.ServerID(node), 0, changeWait) })
		if err == nil {
			q.m.removed.Inc()
		}
	}
	if err != nil {
		q.log.Warn("the quorum is as it was", "err", err)
	}
}

// unable returns why this node should not lead.
func (q *Quorum) unable() error {
	if err := q.machine.trouble(); err != nil {
		return err
	}
	return q.disk.trouble()
}

// judge returns all control nodes as this node sees them.
func (q *Quorum) judge(r *raft.Raft) []server {
	now, last, state := q.d.Now(), r.LastIndex(), q.State()
	known := map[string]Peer{}
	for _, p := range q.peers.list() {
		known[p.Node] = p
	}
	var out []server
	for _, s := range servers(r) {
		one := server{node: string(s.ID), voter: s.Suffrage == raft.Voter, removed: state.IsRemoved(string(s.ID))}
		if one.node == q.cfg.Node {
			one.leader, one.healthy, one.caught = true, true, true
		} else if p, ok := known[one.node]; ok {
			one.healthy = p.Answers && p.Trouble == ""
			one.caught = p.Last+maxLag >= last
			if !p.Answers { // whatever a clock says
				one.silent = now.Sub(p.Heard)
			}
		}
		out = append(out, one)
	}
	return out
}

func address(r *raft.Raft, node string) raft.ServerAddress {
	for _, s := range servers(r) {
		if string(s.ID) == node {
			return s.Address
		}
	}
	return ""
}

func (q *Quorum) change(ctx context.Context, begin func() raft.IndexFuture) error {
	ctx, cancel := context.WithTimeout(ctx, changeWait)
	defer cancel()
	return await(ctx, q.gate, begin)
}
