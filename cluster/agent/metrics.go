package agent

import "github.com/prometheus/client_golang/prometheus"

type connectResult string

const (
	connectDone   connectResult = "done"
	connectFailed connectResult = "failed"
)

type metrics struct {
	connected   prometheus.Gauge
	streams     prometheus.Gauge
	connects    *prometheus.CounterVec
	cacheErrors prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_agent_connected", Help: "1 while control answers.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_agent_streams", Help: "Streams the node knows of.",
		}),
		connects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_agent_connects_total", Help: "Connections to control that were tried.",
		}, []string{"result"}),
		cacheErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_agent_cache_errors_total", Help: "Snapshots that could not be read from disk or written to it.",
		}),
	}
	for _, r := range []connectResult{connectDone, connectFailed} {
		m.connects.WithLabelValues(string(r))
	}
	reg.MustRegister(m.connected, m.streams, m.connects, m.cacheErrors)
	return m
}
