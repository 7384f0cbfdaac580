package quorum

import (
	"time"

	"github.com/hashicorp/raft"
)

// again is how long a peer that did not answer is left alone.
const again = 100 * time.Millisecond

// A steadfast transport goes on sending entries to a peer that does not answer. Raft itself would wait for longer after
// each failure, 10 s in the end, and a node whose line has healed would be behind for as long, and with it the whole
// quorum where another has died. Beats are as they were: they tell Raft who is there.
type steadfast struct {
	*raft.NetworkTransport
	wanted func(id raft.ServerID, term uint64) bool // this node leads in term, and id is one of its followers
	closed <-chan struct{}
}

// AppendEntries sends req until the peer answers, or the answer would be of no use. To send it twice does no harm.
func (s *steadfast) AppendEntries(id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	for {
		err := s.NetworkTransport.AppendEntries(id, to, req, resp)
		if err == nil || beat(req) || !s.wanted(id, req.Term) {
			return err
		}
		select {
		case <-time.After(again):
		case <-s.closed:
			return err
		}
	}
}

// beat says whether req is a beat, as Raft's transport tells it from entries.
func beat(req *raft.AppendEntriesRequest) bool {
	return req.PrevLogEntry == 0 && req.PrevLogTerm == 0 && len(req.Entries) == 0 && req.LeaderCommitIndex == 0
}

func (q *Quorum) wanted(id raft.ServerID, term uint64) bool {
	r := q.raft.Load()
	if r == nil || r.State() != raft.Leader || r.CurrentTerm() != term {
		return false
	}
	return member(r, string(id))
}
