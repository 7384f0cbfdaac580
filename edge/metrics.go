package edge

import (
	"github.com/prometheus/client_golang/prometheus"

	"freshet/edge/admit"
)

type refusal string

const (
	refusedAccess     refusal = "access"
	refusedUnknown    refusal = "unknown"
	refusedNotLive    refusal = "not_live"
	refusedDraining   refusal = "draining" // or cordoned
	refusedNoUpstream refusal = "no_upstream"
	refusedCodec      refusal = "codec"
	refusedStandby    refusal = "standby" // no room for one more that stands by
	refusedTooOften   refusal = "too_often"
)

type metrics struct {
	viewers  prometheus.Gauge
	standbys prometheus.Gauge
	refused  *prometheus.CounterVec
	open     prometheus.Histogram
	trickled prometheus.Counter

	capacityPackets, capacityBits, sentPackets, sentBits, joiningPackets prometheus.Gauge
	busy, late                                                           prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, gate *admit.Gate) *metrics {
	m := &metrics{
		viewers:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "freshet_edge_viewers", Help: "Viewers that get media now."}),
		standbys: prometheus.NewGauge(prometheus.GaugeOpts{Name: "freshet_edge_standbys", Help: "Sessions that are connected and get no media before they are told to play."}),
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
	gauge := func(to *prometheus.Gauge, name, help string) {
		*to = prometheus.NewGauge(prometheus.GaugeOpts{Name: "freshet_edge_" + name, Help: help})
		reg.MustRegister(*to)
	}
	gauge(&m.capacityPackets, "capacity_packets", "Packets a second that the edge can send; 0: not known.")
	gauge(&m.capacityBits, "capacity_bits", "Bits a second of UDP payload that the edge can send; 0: not known.")
	gauge(&m.sentPackets, "load_packets", "Packets a second sent, over the last second.")
	gauge(&m.sentBits, "load_bits", "Bits a second of UDP payload sent, over the last second.")
	gauge(&m.joiningPackets, "joining_packets", "Packets a second expected of viewers who do not get them yet.")
	gauge(&m.busy, "loop_busy_ratio", "Share of the last second for which the busiest shard's loop worked.")
	gauge(&m.late, "late_batches_ratio", "Share of the batches of the last second that left over 100 ms late.")
	full := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "freshet_edge_full", Help: "1 while viewers are refused because the edge is full.",
	}, func() float64 {
		if gate.Full() != admit.Open {
			return 1
		}
		return 0
	})
	reg.MustRegister(m.viewers, m.standbys, m.refused, m.open, m.trickled, full)
	return m
}

func (m *metrics) capacityOf(r admit.Rate) {
	r = r.Completed()
	m.capacityPackets.Set(float64(r.Packets))
	m.capacityBits.Set(float64(r.Bits))
}

func (m *metrics) load(l admit.Load) {
	m.sentPackets.Set(float64(l.Sent.Packets))
	m.sentBits.Set(float64(l.Sent.Bits))
	m.joiningPackets.Set(float64(l.Joining.Packets))
	m.busy.Set(l.Busy)
	m.late.Set(l.Late)
}
