package live

import "github.com/prometheus/client_golang/prometheus"

// An end is why a stream ended, or was not begun.
type end string

const (
	endLeft    end = "left"    // the page
	endSlow    end = "slow"    // it took nothing for writeTime
	endGone    end = "gone"    // the event is no longer shown
	endStopped end = "stopped" // the node stops
	endFull    end = "full"    // not begun: too many of the node
	endMany    end = "many"    // not begun: too many of the network
)

var ends = []end{endLeft, endSlow, endGone, endStopped, endFull, endMany}

type metrics struct {
	ends *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, streams func() float64) *metrics {
	m := &metrics{ends: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_live_ended_streams_total", Help: "Streams of events that ended or were refused, by the reason.",
	}, []string{"reason"})}
	for _, e := range ends {
		m.ends.WithLabelValues(string(e)) // shown from the start
	}
	reg.MustRegister(m.ends, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "freshet_live_streams", Help: "Pages that follow an event now.",
	}, streams))
	return m
}
