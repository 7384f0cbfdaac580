package port

import "github.com/prometheus/client_golang/prometheus"

// A refusal is why a connection was not served.
type refusal string

const (
	refusedAccept    refusal = "accept"    // the system gave no connection
	refusedFull      refusal = "full"      // too many handshakes are under way
	refusedHandshake refusal = "handshake" // no certificate of the cluster, another role, a removed node, or garbage
	refusedProtocol  refusal = "protocol"  // none of ours
)

type metrics struct{ refused *prometheus.CounterVec }

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_port_refused_total", Help: "Connections of other nodes that were refused before they spoke.",
	}, []string{"reason"})}
	for _, r := range []refusal{refusedAccept, refusedFull, refusedHandshake, refusedProtocol} {
		m.refused.WithLabelValues(string(r))
	}
	reg.MustRegister(m.refused)
	return m
}
