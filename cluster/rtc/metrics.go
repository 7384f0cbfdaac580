package rtc

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type refusal string

const (
	refusedFull       refusal = "full"
	refusedUnfinished refusal = "unfinished"
)

type metrics struct {
	requests   *prometheus.CounterVec // method, status
	refused    *prometheus.CounterVec // reason
	sessions   prometheus.Gauge
	unfinished prometheus.Gauge
	reaped     prometheus.Counter
	restarts   prometheus.Counter
	candidates prometheus.Counter
	opening    prometheus.Histogram
}

func newMetrics(kind string, reg prometheus.Registerer) *metrics {
	f := promauto.With(prometheus.WrapRegistererWith(prometheus.Labels{"kind": kind}, reg))
	return &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_rtc_requests_total",
			Help: "HTTP requests of WHIP or WHEP answered."}, []string{"method", "status"}),
		refused: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_rtc_refused_sessions_total",
			Help: "Sessions refused by a limit of the node."}, []string{"reason"}),
		sessions: f.NewGauge(prometheus.GaugeOpts{Name: "freshet_rtc_sessions",
			Help: "Sessions open."}),
		unfinished: f.NewGauge(prometheus.GaugeOpts{Name: "freshet_rtc_unfinished_sessions",
			Help: "Sessions open that have not connected yet."}),
		reaped: f.NewCounter(prometheus.CounterOpts{Name: "freshet_rtc_reaped_sessions_total",
			Help: "Sessions closed since they did not connect in time."}),
		restarts: f.NewCounter(prometheus.CounterOpts{Name: "freshet_rtc_ice_restarts_total",
			Help: "ICE restarts by PATCH."}),
		candidates: f.NewCounter(prometheus.CounterOpts{Name: "freshet_rtc_dropped_candidates_total",
			Help: "Candidates of peers beyond the limit of a session, ignored."}),
		opening: f.NewHistogram(prometheus.HistogramOpts{Name: "freshet_rtc_open_seconds",
			Help:    "From an offer read to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
	}
}

// method keeps the label's values a closed set whatever a peer sends.
func method(m string) string {
	switch m {
	case http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodHead, http.MethodGet:
		return m
	}
	return "other"
}
