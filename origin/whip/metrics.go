package whip

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type refusal string

const (
	refusedKey   refusal = "key"
	refusedOffer refusal = "offer"
	refusedSeat  refusal = "seat"
	refusedSSRCs refusal = "ssrcs"
)

type metrics struct {
	sessions   prometheus.Gauge
	refusals   *prometheus.CounterVec // reason
	nacks      prometheus.Counter
	resends    prometheus.Counter
	plis       prometheus.Counter
	firs       prometheus.Counter
	garbage    prometheus.Counter
	candidates prometheus.Counter
	stuck      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &metrics{
		sessions: f.NewGauge(prometheus.GaugeOpts{Name: "freshet_whip_sessions", Help: "Publishers' sessions open."}),
		refusals: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_whip_refusals_total",
			Help: "Offers refused and sessions ended by a rule."}, []string{"reason"}),
		nacks:      counter("freshet_whip_nacks_total", "Requests to resend sent to publishers."),
		resends:    counter("freshet_whip_nacked_packets_total", "Packets that publishers were asked to resend, each time counted."),
		plis:       counter("freshet_whip_plis_total", "Key-frame requests sent as PLI."),
		firs:       counter("freshet_whip_firs_total", "Key-frame requests sent as FIR."),
		garbage:    counter("freshet_whip_garbage_packets_total", "Packets of publishers that are no RTP or RTCP that was agreed on."),
		candidates: counter("freshet_whip_refused_candidates_total", "Candidates of publishers that could not be used."),
		stuck:      counter("freshet_whip_stuck_sessions_total", "Sessions that did not close in time."),
	}
}

func (m *metrics) nack(packets int) {
	m.nacks.Inc()
	m.resends.Add(float64(packets))
}
