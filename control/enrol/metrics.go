package enrol

import (
	"github.com/prometheus/client_golang/prometheus"

	pb "freshet/proto"
)

// Reasons of connections that came to no answer; the others are codes of refusals.
const (
	notServed = "full"      // maxAtOnce
	notTLS    = "handshake" // garbage, another protocol, or too slow
	notRead   = "message"   // none in 5 s, too large, or garbage
)

const (
	byToken   = "join"
	byRenewal = "renewal"
)

type metrics struct {
	certificates *prometheus.CounterVec
	refused      *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		certificates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_enrol_certificates_total", Help: "Certificates signed for nodes.",
		}, []string{"by"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_enrol_refused_total", Help: "Requests for a certificate that were refused.",
		}, []string{"reason"}),
	}
	for _, by := range []string{byToken, byRenewal} {
		m.certificates.WithLabelValues(by)
	}
	for _, reason := range []string{notServed, notTLS, notRead} {
		m.refused.WithLabelValues(reason)
	}
	for code := range pb.EnrolCode_name {
		if code != 0 {
			m.refused.WithLabelValues(reasonOf(pb.EnrolCode(code)))
		}
	}
	reg.MustRegister(m.certificates, m.refused)
	return m
}
