package relay

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// linkMetrics tells of each link, when it is asked. Its label peer is a node of this cluster; the series go
// when the link goes.
type linkMetrics struct {
	r     *Relay
	rows  []linkRow
	conns *prometheus.Desc
}

// A linkRow is one metric of a link.
type linkRow struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(LinkState) float64
}

func newLinkMetrics(r *Relay) *linkMetrics {
	m := &linkMetrics{r: r}
	name := func(s string) string { return "freshet_relay_link_" + s }
	labels := []string{"peer", "direction"}
	add := func(kind prometheus.ValueType, s, help string, value func(LinkState) float64) {
		m.rows = append(m.rows, linkRow{prometheus.NewDesc(name(s), help, labels, nil), kind, value})
	}
	gauge := func(s, help string, value func(LinkState) float64) { add(prometheus.GaugeValue, s, help, value) }
	count := func(s, help string, value func(LinkState) float64) { add(prometheus.CounterValue, s, help, value) }

	gauge("rtt_seconds", "Smoothed round trip.", func(s LinkState) float64 { return s.RTT.Seconds() })
	gauge("least_rtt_seconds", "Least round trip of the last minutes: what is above it is queueing.", func(s LinkState) float64 { return s.Path.MinRTT.Seconds() })
	gauge("loss_ratio", "Share of what this node lately sent that the peer missed.", func(s LinkState) float64 { return s.Path.Loss })
	gauge("room_bytes_per_second", "What the path to a downstream node is thought to carry; 0 while nothing has shown its end.", func(s LinkState) float64 { return float64(s.RoomBPS) / 8 })
	gauge("shed_flows", "Flows held back from a downstream node for want of room.", func(s LinkState) float64 { return float64(s.Shed) })
	gauge("version", "Version of the protocol spoken.", func(s LinkState) float64 { return float64(s.Version) })
	count("received_bytes_total", "Bytes of RTP received.", func(s LinkState) float64 { return float64(s.BytesIn) })
	count("sent_bytes_total", "Bytes of RTP sent.", func(s LinkState) float64 { return float64(s.BytesOut) })
	count("lost_packets_total", "UDP packets from the peer that got lost on the way.", func(s LinkState) float64 {
		return float64(s.Path.Missing - min(s.Path.Reordered, s.Path.Missing))
	})
	count("repaired_packets_total", "Of the lost, those that the repair layer brought.", func(s LinkState) float64 {
		return float64(s.Path.Repaired + s.Path.RepairedLate)
	})
	count("abandoned_packets_total", "Of the lost, those left to QUIC and to the asking by number.", func(s LinkState) float64 { return float64(s.Path.GaveUp) })
	count("asked_packets_total", "UDP packets to the peer that it asked for again.", func(s LinkState) float64 { return float64(s.Path.Asked) })
	count("resent_packets_total", "UDP packets sent again, copies included.", func(s LinkState) float64 { return float64(s.Path.Resent) })
	count("refused_packets_total", "Of the asked, those not sent again: over the budget, or the path is full.", func(s LinkState) float64 {
		return float64(s.Path.Refused + s.Path.Paused)
	})
	m.conns = prometheus.NewDesc(name("window_bytes"), "QUIC's congestion window, by connection.", append(labels, "connection"), nil)
	return m
}

// Describe implements prometheus.Collector.
func (m *linkMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, row := range m.rows {
		to <- row.desc
	}
	to <- m.conns
}

// Collect implements prometheus.Collector.
func (m *linkMetrics) Collect(to chan<- prometheus.Metric) {
	type end struct{ peer, direction string }
	newest := map[end]*link{} // the old link of a node that dialled anew may still be dying
	for _, l := range m.r.linksNow() {
		e := end{l.node, string(down)}
		if l.dialled {
			e.direction = string(up)
		}
		if other := newest[e]; other == nil || l.began.After(other.began) {
			newest[e] = l
		}
	}
	for e, l := range newest {
		s := l.state()
		for _, row := range m.rows {
			to <- prometheus.MustNewConstMetric(row.desc, row.kind, row.value(s), e.peer, e.direction)
		}
		for _, c := range s.Conns {
			to <- prometheus.MustNewConstMetric(m.conns, prometheus.GaugeValue, float64(c.Window), e.peer, e.direction, strconv.Itoa(c.Index))
		}
	}
}
