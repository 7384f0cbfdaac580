package egress

import (
	"github.com/prometheus/client_golang/prometheus"
)

type dropReason string

const (
	dropBehind    dropReason = "behind"    // more than 500 ms late: on to the next key frame
	dropHole      dropReason = "hole"      // missing in the cached group
	dropKernel    dropReason = "kernel"    // the kernel took no more
	dropGone      dropReason = "gone"      // asked for again when the ring had let go of it
	dropBudget    dropReason = "budget"    // asked for again beyond the viewer's share, or while its path is narrow
	dropHandshake dropReason = "handshake" // queue of handshakes full
)

type hostileCause string

const (
	hostileShort     hostileCause = "short"
	hostileUnknown   hostileCause = "unknown"
	hostileSTUN      hostileCause = "stun"
	hostileUfrag     hostileCause = "ufrag"
	hostileIntegrity hostileCause = "integrity"
	hostileTaken     hostileCause = "taken"
	hostileAddress   hostileCause = "address"
	hostileSRTCP     hostileCause = "srtcp"
	hostileRTCP      hostileCause = "rtcp"
)

// metrics are shared by all shards.
type metrics struct {
	opened, plis, nacks, resent           prometheus.Counter
	moves, switches, shed, replays, given prometheus.Counter
	packets, bytes                        prometheus.Counter
	calls, messages, segmented            prometheus.Counter
	feedbacks, unknown, probes, stalled   prometheus.Counter
	ended, droppedPackets, hostilePackets *prometheus.CounterVec
	handshake, join, wait, frameWait      prometheus.Histogram
	turnWait                              prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_egress_" + name, Help: help})
	}
	labelled := func(name, label, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "freshet_egress_" + name, Help: help}, []string{label})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "freshet_egress_" + name, Help: help, Buckets: buckets})
	}
	waits := prometheus.ExponentialBuckets(50e-6, 1.5, 24) // 50 µs to 0.56 s
	joins := prometheus.ExponentialBuckets(5e-3, 2, 12)    // 5 ms to 10 s
	m := &metrics{
		opened:         counter("sessions_opened_total", "Sessions taken in."),
		ended:          labelled("sessions_ended_total", "reason", "Sessions that ended."),
		plis:           counter("keyframe_requests_total", "PLI and FIR of viewers."),
		replays:        counter("keyframe_replays_total", "PLI and FIR that were answered with the cached group; the others came too soon."),
		nacks:          counter("nacks_total", "Packets that viewers asked for again."),
		resent:         counter("resent_packets_total", "Packets sent again."),
		moves:          counter("moves_total", "Viewers that changed their address."),
		switches:       counter("layer_switches_total", "Viewers that went over to another layer."),
		given:          counter("catch_ups_given_up_total", "Viewers whose path did not carry the cached group, so that they wait for a key frame."),
		shed:           counter("shed_switches_total", "Viewers that went down because upstream holds their layer back."),
		packets:        counter("sent_packets_total", "Packets handed to the kernel."),
		bytes:          counter("sent_bytes_total", "UDP payload handed to the kernel."),
		calls:          counter("send_calls_total", "System calls that send."),
		messages:       counter("send_messages_total", "Messages in those calls."),
		segmented:      counter("segmented_packets_total", "Packets that the kernel cut out of a larger message (UDP_SEGMENT)."),
		feedbacks:      counter("feedbacks_total", "Transport-wide feedbacks of viewers."),
		unknown:        counter("feedback_unknown_packets_total", "Packets that such feedback told of and that were never sent, or long ago."),
		probes:         counter("probe_packets_total", "Packets of padding, sent to find out what a path carries."),
		droppedPackets: labelled("dropped_packets_total", "reason", "Packets not sent."),
		hostilePackets: labelled("hostile_packets_total", "cause", "Datagrams dropped for what they are."),
		handshake:      histogram("handshake_seconds", "From the answer to the keys.", joins),
		join:           histogram("join_seconds", "From the answer until the viewer is live.", joins),
		stalled:        counter("handshakes_stalled_total", "Handshakes that had stalled and were ended to make room."),
		turnWait:       histogram("handshake_turn_wait_seconds", "How long a step of a handshake waited for its turn to compute.", waits),
		wait:           histogram("wait_seconds", "From the first packet of a batch in the ring to the last one in the kernel.", waits),
		frameWait:      histogram("frame_wait_seconds", "The part of wait_seconds spent waiting for the end of the frame.", waits),
	}
	reg.MustRegister(m.opened, m.ended, m.plis, m.replays, m.nacks, m.resent, m.moves, m.switches, m.shed, m.given, m.packets, m.bytes,
		m.calls, m.messages, m.segmented, m.feedbacks, m.unknown, m.probes, m.droppedPackets, m.hostilePackets, m.handshake, m.join, m.wait, m.frameWait, m.stalled, m.turnWait)
	return m
}

func (m *metrics) dropped(why dropReason, n int) {
	if n > 0 {
		m.droppedPackets.WithLabelValues(string(why)).Add(float64(n))
	}
}

func (m *metrics) hostile(cause hostileCause) { m.hostilePackets.WithLabelValues(string(cause)).Inc() }

func (m *metrics) switched(l *lane) {
	if l.src != nil {
		m.switches.Inc()
	}
}

// count moves what a batch did into the metrics.
func (m *metrics) count(c *sent) {
	if c.packets == 0 {
		return
	}
	m.packets.Add(float64(c.packets))
	m.bytes.Add(float64(c.bytes))
	m.calls.Add(float64(c.calls))
	m.messages.Add(float64(c.messages))
	m.segmented.Add(float64(c.segmented))
	m.dropped(dropKernel, c.dropped)
	*c = sent{}
}

// measure notes how long the packets of batches waited. It runs once the kernel has them.
func (s *Shard) measure(due ...*source) {
	done := s.egress.deps.Now()
	for _, src := range due {
		s.m.wait.Observe(done.Sub(src.since).Seconds())
		s.work.batch(done.Sub(src.ended))
		s.m.frameWait.Observe(max(0, src.ended.Sub(src.since).Seconds()))
	}
}
