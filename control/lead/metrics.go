package lead

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	placed prometheus.Counter
	moved  prometheus.Counter
	took   prometheus.Histogram
	short  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		placed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_lead_placements_total", Help: "Origins and standbys that this node gave to streams.",
		}),
		moved: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_lead_moves_total", Help: "Streams that were given another origin because their publisher did not reach theirs.",
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_lead_decision_seconds", Help: "Time to decide on all placements and trees.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .025, .05, .1, .25, .5, 1},
		}),
		short: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_lead_short", Help: "Regions of streams that no hub can serve, at the last decision.",
		}),
	}
	reg.MustRegister(m.placed, m.moved, m.took, m.short)
	return m
}
