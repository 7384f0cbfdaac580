package relay

import (
	"github.com/prometheus/client_golang/prometheus"

	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// A dropReason says why a packet or message did not go on.
type dropReason string

const (
	dropLate     dropReason = "late"      // waited longer than maxBehind for the link
	dropAwaitKey dropReason = "await_key" // behind a late one and of no use before the next key frame
	dropEvicted  dropReason = "evicted"   // left the ring before the link took it
	dropControl  dropReason = "control"   // control datagram: the queue was full
	dropResend   dropReason = "resend"    // asked for again: the queue was full
	dropLarge    dropReason = "large"     // too large for a datagram, and too many such
	dropGroup    dropReason = "group"     // cached group: no stream, or too slow
	dropEarly    dropReason = "early"     // of a flow that is not known, and too many such
	dropPuller   dropReason = "puller"    // arrived faster than its puller takes
	dropPacket   dropReason = "packet"    // arrived, and is no RTP
	dropShed     dropReason = "shed"      // held back for want of room on the path
	dropGone     dropReason = "gone"      // runs of numbers not told as gone: too many waited
	dropUnknown  dropReason = "unknown"   // flow in a pause that no subscription has
)

// direction tells links that this node dialled from those that dialled it.
type direction string

const (
	up   direction = "up"
	down direction = "down"
)

type metrics struct {
	links      *prometheus.GaugeVec
	dials      *prometheus.CounterVec
	closes     *prometheus.CounterVec
	refused    *prometheus.CounterVec
	pulls      prometheus.Gauge
	subs       prometheus.Gauge
	rtt        prometheus.Histogram
	wait       [classes]prometheus.Observer
	packetsIn  prometheus.Counter
	bytesIn    prometheus.Counter
	packetsOut prometheus.Counter
	bytesOut   prometheus.Counter
	drops      *prometheus.CounterVec
	missing    prometheus.Counter
	repaired   prometheus.Counter
	duplicates prometheus.Counter
	gone       prometheus.Counter
	nacksOut   prometheus.Counter
	nacksIn    prometheus.Counter
	resent     prometheus.Counter
	large      prometheus.Counter
	groupBytes prometheus.Counter
	keysOut    prometheus.Counter
	keysIn     prometheus.Counter
	switches   prometheus.Counter
	poor       prometheus.Counter
	changes    *prometheus.CounterVec
	suspects   prometheus.Counter
	late       prometheus.Counter
	copies     prometheus.Counter
	renewed    prometheus.Counter
	held       prometheus.Gauge
	sheds      prometheus.Counter
	returns    prometheus.Counter
	probes     prometheus.Counter
	pauses     prometheus.Counter
	repeats    prometheus.Counter
	strangers  prometheus.Counter
	below      *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	count := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_relay_" + name, Help: help})
	}
	counts := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "freshet_relay_" + name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "freshet_relay_" + name, Help: help})
	}
	wait := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "freshet_relay_wait_seconds", Help: "From a live packet's arrival on this node until QUIC took it for a downstream node, by class.",
		Buckets: []float64{.00005, .0001, .0002, .0005, .001, .002, .005, .01, .05, .1, .15, .25, .5},
	}, []string{"class"})
	m := &metrics{
		links:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "freshet_relay_links", Help: "Links to other nodes, by direction."}, []string{"direction"}),
		dials:   counts("dials_total", "Links dialled, by how it went.", "result"),
		closes:  counts("closes_total", "Links this node closed, by code.", "code"),
		refused: counts("refused_total", "Subscriptions refused to downstream nodes, by reason.", "reason"),
		pulls:   gauge("pulled_streams", "Streams this node takes from upstream."),
		subs:    gauge("subscriptions", "Subscriptions of downstream nodes."),
		rtt: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_relay_rtt_seconds", Help: "Smoothed round trip of each link, sampled five times a second.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .4, 1},
		}),
		packetsIn:  count("received_packets_total", "RTP packets received in datagrams and on streams."),
		bytesIn:    count("received_bytes_total", "Bytes of RTP received."),
		packetsOut: count("sent_packets_total", "RTP packets sent in datagrams."),
		bytesOut:   count("sent_bytes_total", "Bytes of RTP sent in datagrams."),
		drops:      counts("dropped_packets_total", "Packets and control datagrams dropped, by reason.", "reason"),
		missing:    count("missing_packets_total", "Packets found missing and asked for again."),
		repaired:   count("repaired_packets_total", "Missing packets that came after all."),
		duplicates: count("duplicate_packets_total", "Packets that the ring had already, or was past."),
		gone:       count("gone_packets_total", "Missing packets given up."),
		nacksOut:   count("nacked_packets_total", "Packets asked for, each time counted."),
		nacksIn:    count("asked_packets_total", "Packets that downstream nodes asked for."),
		resent:     count("resent_packets_total", "Packets sent again."),
		large:      count("oversize_packets_total", "Packets too large for a datagram, sent on a stream."),
		groupBytes: count("group_bytes_total", "Bytes of cached groups sent."),
		keysOut:    count("keyframe_requests_sent_total", "Key-frame requests sent upstream."),
		keysIn:     count("keyframe_requests_received_total", "Key-frame requests from downstream nodes."),
		poor:       count("poor_upstreams_total", "Streams for which another upstream was sought, since the way from the first lost too much."),
		switches:   count("upstream_losses_total", "Streams that lost their upstream."),
		renewed:    count("renewed_connections_total", "Connections of a link that another took the place of."),
		changes:    counts("upstream_changes_total", "Streams that went from one upstream to another without a break, by reason.", "reason"),
		suspects:   count("suspect_upstreams_total", "Times that an upstream was not heard of."),
		late:       count("late_packets_total", "Packets that came half a round trip, 5 ms at least, behind one that overtook them."),
		copies:     count("audio_copies_received_total", "Audio packets that came a second time, as they should."),
		held:       gauge("shed_flows", "Flows held back from downstream nodes for want of room on the path."),
		sheds:      count("sheds_total", "Flows held back, each time counted."),
		returns:    count("returns_total", "Flows that went on after that."),
		probes:     count("probes_total", "Paths asked for more room."),
		pauses:     count("repair_pauses_total", "Paths so full that the repair layer stopped resending."),
		repeats:    count("audio_copies_sent_total", "Audio packets sent once more beside the next."),
		strangers:  count("unknown_flows_total", "Flows that a downstream node named, and that it does not have."),
		below:      counts("downstream_packets_total", "What downstream nodes report, by what became of a packet.", "what"),
	}
	reg.MustRegister(m.links, m.dials, m.closes, m.refused, m.pulls, m.subs, m.rtt, wait, m.packetsIn, m.bytesIn, m.packetsOut, m.bytesOut,
		m.drops, m.missing, m.repaired, m.duplicates, m.gone, m.nacksOut, m.nacksIn, m.resent, m.large, m.groupBytes, m.keysOut, m.keysIn,
		m.poor, m.switches, m.changes, m.suspects, m.late, m.copies, m.renewed, m.below,
		m.held, m.sheds, m.returns, m.probes, m.pauses, m.repeats, m.strangers)
	for c, name := range [classes]string{classAudio: "audio", classBase: "base", classLayer: "layer"} {
		m.wait[c] = wait.WithLabelValues(name)
	}
	return m
}

func (m *metrics) dropped(why dropReason, n int) {
	m.drops.WithLabelValues(string(why)).Add(float64(n))
}

// reported counts by what a downstream node's report of a flow grew.
func (m *metrics) reported(old, now *pb.FlowStats) {
	for _, row := range []struct {
		what     string
		old, now uint64
	}{
		{"missing", old.GetMissing(), now.GetMissing()},
		{"repaired", old.GetRepaired(), now.GetRepaired()},
		{"gone", old.GetGone(), now.GetGone()},
	} {
		if row.now > row.old {
			m.below.WithLabelValues(row.what).Add(float64(row.now - row.old))
		}
	}
}

func (m *metrics) closed(c rtpq.Code) { m.closes.WithLabelValues(codeName(c)).Inc() }

// codeName keeps the label's values a closed set.
func codeName(c rtpq.Code) string {
	switch c {
	case rtpq.CodeNone:
		return "none"
	case rtpq.CodePacket:
		return "packet"
	case rtpq.CodeStream:
		return "stream"
	case rtpq.CodeFlow:
		return "flow"
	case rtpq.CodeVersion:
		return "version"
	case rtpq.CodeIdentity:
		return "identity"
	case rtpq.CodeTooLarge:
		return "too_large"
	case rtpq.CodeSilent:
		return "silent"
	case rtpq.CodeFull:
		return "full"
	case rtpq.CodeReplaced:
		return "replaced"
	case rtpq.CodeDrain:
		return "drain"
	}
	return "general"
}
