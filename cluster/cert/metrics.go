package cert

import "github.com/prometheus/client_golang/prometheus"

// What becomes of a request by plain HTTP.
const (
	plainChallenge   = "challenge"   // ACME's
	plainLed         = "led"         // to https
	plainMisdirected = "misdirected" // to a host that is not ours
)

type metrics struct {
	plain   *prometheus.CounterVec
	refused prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		plain: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_cert_plain_requests_total", Help: "Requests by plain HTTP, by what became of them.",
		}, []string{"result"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_cert_refused_handshakes_total", Help: "Handshakes for which there was no certificate: not yet, or never for that name.",
		}),
	}
	for _, r := range []string{plainChallenge, plainLed, plainMisdirected} {
		m.plain.WithLabelValues(r) // shown from the start
	}
	return m
}
