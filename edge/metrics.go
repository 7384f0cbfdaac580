package edge

import "github.com/prometheus/client_golang/prometheus"

type refusal string

const (
	refusedAccess     refusal = "access"
	refusedUnknown    refusal = "unknown"
	refusedNotLive    refusal = "not_live"
	refusedNoUpstream refusal = "no_upstream"
	refusedCodec      refusal = "codec"
)

type metrics struct {
	viewers  prometheus.Gauge
	refused  *prometheus.CounterVec
	open     prometheus.Histogram
	trickled prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		viewers: prometheus.NewGauge(prometheus.GaugeOpts{Name: "freshet_edge_viewers", Help: "Viewers that get media now."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_edge_refused_offers_total", Help: "Offers of viewers that were refused.",
		}, []string{"reason"}),
		open: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_edge_open_seconds", Help: "From an offer to its answer, pulling the stream included.",
			Buckets: prometheus.ExponentialBuckets(0.5e-3, 2, 14),
		}),
		trickled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_edge_trickled_candidates_total", Help: "Candidates of viewers by PATCH; ICE-lite does not need them.",
		}),
	}
	reg.MustRegister(m.viewers, m.refused, m.open, m.trickled)
	return m
}
