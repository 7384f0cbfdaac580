package quorum

import (
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
)

type writeResult string

const (
	writeDone    writeResult = "done"
	writeRefused writeResult = "refused" // by the ledger
	writeFailed  writeResult = "failed"  // unknown, or refused before
)

type refusal string

const (
	refusedAccept    refusal = "accept"    // the system gave no connection
	refusedFull      refusal = "full"      // maxIn
	refusedRaftFull  refusal = "raft_full" // maxRaftConns
	refusedMalformed refusal = "malformed" // no call, or a slow one
)

type metrics struct {
	writes  *prometheus.CounterVec
	took    prometheus.Histogram
	refused *prometheus.CounterVec
	leaders prometheus.Counter
	removed prometheus.Counter
	unsaid  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, q *Quorum) *metrics {
	m := &metrics{
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_quorum_writes_total", Help: "Entries that this node was asked to write.",
		}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_quorum_write_seconds", Help: "From the call to the outcome, on whichever node the leader is.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 15},
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_quorum_refused_total", Help: "Connections and calls of control nodes that were refused.",
		}, []string{"reason"}),
		leaders: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_quorum_leader_changes_total", Help: "Times that this node heard of another leader, or of none.",
		}),
		removed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_quorum_servers_removed_total", Help: "Control nodes that this node, leading, took out: silent for a day, or removed.",
		}),
		unsaid: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_quorum_unsaid_lines_total", Help: "Lines of Raft's log beyond 10 a second of one message.",
		}),
	}
	for _, r := range []writeResult{writeDone, writeRefused, writeFailed} {
		m.writes.WithLabelValues(string(r))
	}
	for _, r := range []refusal{refusedAccept, refusedFull, refusedRaftFull, refusedMalformed} {
		m.refused.WithLabelValues(string(r))
	}
	reg.MustRegister(m.writes, m.took, m.refused, m.leaders, m.removed, m.unsaid)
	gauge := func(name, help string, value func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	of := func(value func(r *raft.Raft) uint64) func() float64 {
		return func() float64 {
			if r := q.raft.Load(); r != nil {
				return float64(value(r))
			}
			return 0
		}
	}
	gauge("freshet_quorum_leader", "1 while this node leads.", truth(func() bool {
		r := q.raft.Load()
		return r != nil && r.State() == raft.Leader
	}))
	gauge("freshet_quorum_term", "Of the newest election heard of.", of((*raft.Raft).CurrentTerm))
	gauge("freshet_quorum_commit_index", "Of the newest entry known to be kept by a majority.", of((*raft.Raft).CommitIndex))
	gauge("freshet_quorum_ledger_index", "Of the newest entry in this node's ledger.", func() float64 { return float64(q.machine.index()) })
	gauge("freshet_quorum_voters", "Control nodes that vote.", of(func(r *raft.Raft) uint64 { return uint64(voters(r)) }))
	gauge("freshet_quorum_ready", "1 while this node follows or leads and can go on.", truth(func() bool { return q.Ready() == nil }))
	gauge("freshet_quorum_stopped", "1 while this node follows no further, as a newer release has written an entry that it cannot read.",
		truth(func() bool { return q.machine.trouble() != nil }))
	gauge("freshet_quorum_disk_full", "1 while the disk is too full for this node to lead.", truth(func() bool { return q.disk.trouble() != nil }))
	return m
}

// truth is 1 for what is so.
func truth(so func() bool) func() float64 {
	return func() float64 {
		if so() {
			return 1
		}
		return 0
	}
}
