package door

import (
	"errors"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/proto/problem"
)

type drop string

const (
	droppedEntry      drop = "entry"
	droppedRevocation drop = "revocation"
	droppedSeen       drop = "seen"
)

type metrics struct {
	entries *prometheus.CounterVec
	refused *prometheus.CounterVec
	dropped *prometheus.CounterVec
	waiting prometheus.Gauge
}

// refusals are the problems that a door has, as the label of a metric names them.
var refusals = []string{
	"event-unknown", "password-missing", "password-wrong", "pass-missing", "pass-wrong", "pass-in-use", "not-here", "invalid", "too-many", "error",
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_door_entries_total", Help: "People who were let in, by the way they came.",
		}, []string{"way"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_door_refused_total", Help: "Calls to come in that were refused.",
		}, []string{"reason"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_door_dropped_writes_total", Help: "What was to be written later and is lost.",
		}, []string{"what"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_door_waiting_entries", Help: "Entries that were being written, or could not be, when last looked at.",
		}),
	}
	for _, w := range []Way{ByNothing, ByPassword, ByPass, ByDirect} {
		m.entries.WithLabelValues(string(w))
	}
	for _, r := range refusals {
		m.refused.WithLabelValues(r)
	}
	for _, w := range []drop{droppedEntry, droppedRevocation, droppedSeen} {
		m.dropped.WithLabelValues(string(w))
	}
	reg.MustRegister(m.entries, m.refused, m.dropped, m.waiting)
	return m
}

// count counts what became of somebody who came to the door.
func (m *metrics) count(way Way, err error) {
	if err == nil {
		m.entries.WithLabelValues(string(way)).Inc()
		return
	}
	kind := "error"
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		kind = strings.TrimPrefix(p.Type, "/problems/")
	}
	m.refused.WithLabelValues(kind).Inc()
}
