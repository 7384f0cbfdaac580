package quorum

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"
)

// A leader is who leads, as this node knows it.
type leader struct {
	mu      sync.Mutex
	node    string // empty: nobody, or not known
	addr    string
	changed chan struct{} // closed and replaced with each change
}

func newLeader() *leader { return &leader{changed: make(chan struct{})} }

func (l *leader) get() (node, addr string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.node, l.addr, l.changed
}

// set says whether that is another than before.
func (l *leader) set(node, addr string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.node == node && l.addr == addr {
		return false
	}
	l.node, l.addr = node, addr
	close(l.changed)
	l.changed = make(chan struct{})
	return true
}

// follow keeps leader as Raft has it, until ctx ends.
func (q *Quorum) follow(ctx context.Context, r *raft.Raft) error {
	seen := make(chan raft.Observation, 1) // one that waits is as good as two: what it tells is asked anew
	o := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	r.RegisterObserver(o)
	defer r.DeregisterObserver(o)
	defer q.leader.set("", "")
	for {
		addr, id := r.LeaderWithID()
		if q.leader.set(string(id), string(addr)) {
			q.m.leaders.Inc()
			q.log.Info("leader", "peer", string(id), "term", r.CurrentTerm())
		}
		select {
		case <-seen:
		case <-ctx.Done():
			return nil
		}
	}
}

// settle applies what earlier leaders have written each time that this node begins to lead. Before that it cannot tell
// what was acknowledged.
func (q *Quorum) settle(ctx context.Context, r *raft.Raft) error {
	for {
		select {
		case leads := <-r.LeaderCh():
			for leads && ctx.Err() == nil && r.State() == raft.Leader {
				term := r.CurrentTerm()
				err := await(ctx, q.gate, func() raft.Future { return r.Barrier(exchangeWait) })
				if err == nil && r.CurrentTerm() == term {
					q.settled.Store(term)
					break
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// leads says whether this node leads and has settled, and in which term.
func (q *Quorum) leads(r *raft.Raft) (term uint64, ok bool) {
	term = r.CurrentTerm()
	return term, r.State() == raft.Leader && term == q.settled.Load()
}

func voters(r *raft.Raft) int {
	n := 0
	for _, s := range servers(r) {
		if s.Suffrage == raft.Voter {
			n++
		}
	}
	return n
}
