package store

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	commits   prometheus.Counter   // transactions of which what was acknowledged is kept
	conflicts prometheus.Counter   // attempts that others' changes undid
	shared    prometheus.Histogram // transactions in one commit
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		commits: prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_store_commits_total",
			Help: "Transactions that were kept."}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_store_conflicts_total",
			Help: "Attempts of a transaction that ran again, because others had changed what it had read."}),
		shared: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "freshet_store_commit_size",
			Help: "Transactions that one commit of SQLite kept.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
	}
	reg.MustRegister(m.commits, m.conflicts, m.shared)
	return m
}
