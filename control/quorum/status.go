package quorum

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// A Status is the quorum as one node sees it.
type Status struct {
	Node    string
	State   string // leader, follower, candidate; empty before Run
	Leader  string // node, empty: not known
	Term    uint64
	Commit  uint64 // index of the newest entry known to be kept by a majority
	Last    uint64 // of this node's log
	Applied uint64 // of its ledger: of entries of ours alone, so mostly below Commit
	Trouble string // why it is not ready, empty: it is
	Peers   []Peer // the other control nodes, by name
}

// A Peer is another control node, as it answered last.
type Peer struct {
	Node, Addr    string
	Voter         bool
	Heard         time.Time // of its last answer; before the first, when it was first known of
	Answers       bool      // the last time it was asked, less than 2 s ago
	Last, Applied uint64
	Version       uint32 // of the entries it reads
	Trouble       string
}

// Status tells what this node knows, asking nobody: its peers are asked each second.
func (q *Quorum) Status() Status {
	s := Status{Node: q.cfg.Node, Applied: q.machine.index(), Peers: q.peers.list()}
	s.Leader, _, _ = q.leader.get()
	if err := q.Ready(); err != nil {
		s.Trouble = err.Error()
	}
	if r := q.raft.Load(); r != nil {
		s.State, s.Term, s.Commit, s.Last = strings.ToLower(r.State().String()), r.CurrentTerm(), r.CommitIndex(), r.LastIndex()
	}
	return s
}

// Ready returns why this node cannot do its part now, nil where it can: it follows or leads, reads all entries, and its
// disk has room.
func (q *Quorum) Ready() error {
	if err := q.machine.trouble(); err != nil {
		return err
	}
	if err := q.disk.trouble(); err != nil {
		return err
	}
	r := q.raft.Load()
	switch node, _, _ := q.leader.get(); {
	case r == nil || r.State() == raft.Shutdown:
		return errors.New("not running")
	case !member(r, q.cfg.Node):
		return errors.New("not joined to a quorum")
	case node == "":
		return errNotLeader
	}
	return nil
}

// probed is the answer to a probe.
func (q *Quorum) probed() *pb.ProbeAnswer {
	a := &pb.ProbeAnswer{Node: q.cfg.Node, Applied: q.machine.index(), Version: ledger.Version}
	if r := q.raft.Load(); r != nil {
		a.Last, a.Voters = r.LastIndex(), uint32(voters(r))
		_, a.Leads = q.leads(r)
	}
	err := q.machine.trouble()
	if err == nil {
		err = q.disk.trouble()
	}
	if err != nil {
		a.Trouble = err.Error()
	}
	return a
}

func member(r *raft.Raft, node string) bool {
	return slices.ContainsFunc(servers(r), func(s raft.Server) bool { return s.ID == raft.ServerID(node) })
}

// servers are all control nodes, as the newest configuration in this node's log has them.
func servers(r *raft.Raft) []raft.Server { return r.GetConfiguration().Configuration().Servers }

// peers are the other control nodes as they were probed. Its methods may be called from any goroutine.
type peers struct {
	mu  sync.Mutex
	all map[string]Peer
}

func newPeers() *peers { return &peers{all: map[string]Peer{}} }

func (p *peers) list() []Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Peer, 0, len(p.all))
	for _, one := range p.all {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Peer) int { return strings.Compare(a.Node, b.Node) })
	return out
}

// keep forgets who is not in list, gets to know who is new at now, and returns all.
func (p *peers) keep(list []raft.Server, self string, now time.Time) []Peer {
	p.mu.Lock()
	was := p.all
	p.all = make(map[string]Peer, len(list))
	for _, s := range list {
		if string(s.ID) == self {
			continue
		}
		one, ok := was[string(s.ID)]
		if !ok {
			one = Peer{Node: string(s.ID), Heard: now}
		}
		one.Addr, one.Voter = string(s.Address), s.Suffrage == raft.Voter
		p.all[one.Node] = one
	}
	p.mu.Unlock()
	return p.list()
}

// heard notes that node has answered a, or has not: nil.
func (p *peers) heard(node string, a *pb.ProbeAnswer, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.all[node]
	if !ok {
		return
	}
	one.Answers = a != nil && a.Node == node
	if one.Answers {
		one.Heard, one.Last, one.Applied, one.Version, one.Trouble = now, a.Last, a.Applied, a.Version, a.Trouble
	}
	p.all[node] = one
}
