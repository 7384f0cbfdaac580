package store

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	commits   prometheus.Counter   // transactions of which what was acknowledged is kept
	conflicts prometheus.Counter   // attempts that others' changes undid
	shared    prometheus.Histogram // transactions in one commit
	away      prometheus.Counter   // calls that a server did not answer, or could do nothing about
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		commits: prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_store_commits_total",
			Help: "Transactions that were kept."}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_store_conflicts_total",
			Help: "Attempts of a transaction that ran again, because others had changed what it had read."}),
		shared: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "freshet_store_commit_size",
			Help: "Transactions that one commit of SQLite kept.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		away: prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_store_away_total",
			Help: "Calls that CockroachDB or PostgreSQL did not answer, or could do nothing about."}),
	}
	reg.MustRegister(m.commits, m.conflicts, m.shared, m.away)
	return m
}
