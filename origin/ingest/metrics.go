package ingest

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"freshet/cluster/stream"
)

type refusal string

const (
	refusedThird   refusal = "third publisher"
	refusedFormats refusal = "other formats"
	refusedBitrate refusal = "bitrate"
	refusedKey     refusal = "key"    // revoked or renewed while its publisher was here
	refusedClosed  refusal = "closed" // the stream was
	refusedMoved   refusal = "moved"  // to another origin
	refusedLost    refusal = "silent" // a backup, and another came
)

type drop string

const (
	dropQueue     drop = "queue"     // the slot was behind
	dropWaiting   drop = "keyframe"  // a takeover waits for a key frame
	dropDuplicate drop = "duplicate" // came before, or is past the ring
	dropOld       drop = "old"       // from before the publisher was on the air
	dropJump      drop = "jump"      // a number out of the row
	dropReport    drop = "report"    // a sender report that cannot be
)

type metrics struct {
	publishers  prometheus.Gauge
	streams     prometheus.Gauge
	packets     *prometheus.CounterVec // kind, layer
	bytes       *prometheus.CounterVec // kind, layer
	missing     *prometheus.CounterVec // kind
	repaired    *prometheus.CounterVec // kind
	dropped     *prometheus.CounterVec // reason
	keyframes   prometheus.Counter
	keyRequests prometheus.Counter
	takeovers   prometheus.Counter
	refusals    *prometheus.CounterVec // reason
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		publishers: f.NewGauge(prometheus.GaugeOpts{Name: "freshet_ingest_publishers",
			Help: "Publishers seated, backups included."}),
		streams: f.NewGauge(prometheus.GaugeOpts{Name: "freshet_ingest_streams",
			Help: "Streams on the air or waiting for their publisher to return."}),
		packets: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_ingest_packets_total",
			Help: "RTP packets of publishers on the air, by kind and rank of the layer."}, []string{"kind", "layer"}),
		bytes: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_ingest_bytes_total",
			Help: "RTP bytes of publishers on the air, by kind and rank of the layer."}, []string{"kind", "layer"}),
		missing: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_ingest_missing_packets_total",
			Help: "Packets that did not come in their turn."}, []string{"kind"}),
		repaired: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_ingest_late_packets_total",
			Help: "Packets that came after their turn: resent, reordered or doubled."}, []string{"kind"}),
		dropped: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_ingest_dropped_total",
			Help: "Packets and reports of publishers not used, by reason."}, []string{"reason"}),
		keyframes: f.NewCounter(prometheus.CounterOpts{Name: "freshet_ingest_keyframes_total",
			Help: "Key frames written, of all layers."}),
		keyRequests: f.NewCounter(prometheus.CounterOpts{Name: "freshet_ingest_keyframe_requests_total",
			Help: "Key frames asked of publishers."}),
		takeovers: f.NewCounter(prometheus.CounterOpts{Name: "freshet_ingest_takeovers_total",
			Help: "Backups that went on the air."}),
		refusals: f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_ingest_refusals_total",
			Help: "Publishers refused or ended by a rule."}, []string{"reason"}),
	}
}

// A flowCounter is the counters of one flow, looked up once.
type flowCounter struct{ packets, bytes, missing, repaired prometheus.Counter }

func (m *metrics) flow(f stream.Format) flowCounter {
	kind, layer := f.Kind.String(), strconv.Itoa(f.Rank)
	return flowCounter{
		packets: m.packets.WithLabelValues(kind, layer), bytes: m.bytes.WithLabelValues(kind, layer),
		missing: m.missing.WithLabelValues(kind), repaired: m.repaired.WithLabelValues(kind),
	}
}

func (c flowCounter) arrived(bytes int, missing int64, late bool) {
	c.packets.Inc()
	c.bytes.Add(float64(bytes))
	if missing > 0 {
		c.missing.Add(float64(missing))
	}
	if late {
		c.repaired.Inc()
	}
}
