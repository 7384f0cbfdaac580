package node

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type refusal string

const (
	refusedFull      refusal = "full"      // maxConns
	refusedHandshake refusal = "handshake" // no certificate of a node
	refusedHello     refusal = "hello"     // another name or role than the certificate's
)

type metrics struct {
	facts   prometheus.Counter
	refused *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, fleet *Fleet) *metrics {
	m := &metrics{
		facts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "freshet_node_facts_total", Help: "Facts heard from nodes.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_node_refused_total", Help: "Connections of agents that were refused.",
		}, []string{"reason"}),
	}
	for _, r := range []refusal{refusedFull, refusedHandshake, refusedHello} {
		m.refused.WithLabelValues(string(r))
	}
	reg.MustRegister(m.facts, m.refused)
	for _, role := range []string{"origin", "edge"} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "freshet_node_nodes", Help: "Nodes heard in the last 5 s.", ConstLabels: prometheus.Labels{"role": role},
		}, func() float64 { return float64(fleet.Count(role, time.Now())) }))
	}
	return m
}
