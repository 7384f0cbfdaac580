package member

import "github.com/prometheus/client_golang/prometheus"

// A reason is why something that came was dropped.
type reason string

const (
	taken       reason = ""
	known       reason = "known"      // a copy of what is held: gossip brings several
	older       reason = "older"      // boot or version is below the one held
	stranger    reason = "stranger"   // signed by a certificate that has not come yet
	foreign     reason = "foreign_ca" // the certificate is not of this cluster, or names no node
	expired     reason = "expired"    // the certificate has run out, or nothing was heard of the state for too long
	future      reason = "future"     // the certificate is not valid yet, by more than 30 s
	misnamed    reason = "name"       // the signer is not the node, or not in the role, that the state names
	forged      reason = "signature"  // not by the key of the certificate
	oversize    reason = "too_large"  // a message beyond its limit
	malformed   reason = "malformed"  // bytes that are no message
	removedNode reason = "removed"    // the node is of the cluster no more
	full        reason = "full"       // there are maxNodes already
	superseded  reason = "superseded" // of another process of this very node
)

var reasons = []reason{known, older, stranger, foreign, expired, future, misnamed, forged, oversize, malformed, removedNode, full, superseded}

// A refusal is why memberlist or the socket under it would not take a packet or a connection.
type refusal string

const (
	wrongKey  refusal = "key"        // encrypted with a key that is not on the ring
	clearText refusal = "clear"      // not encrypted
	banned    refusal = "removed"    // from the address of a removed node
	tooMany   refusal = "busy"       // more connections at once than maxConns
	badName   refusal = "name"       // a member whose name is not NODE/BOOT
	badFormat refusal = "malformed"  // of somebody who has the key
	queueFull refusal = "queue_full" // memberlist could not keep up
)

var refusals = []refusal{wrongKey, clearText, banned, tooMany, badName, badFormat, queueFull}

type metrics struct {
	nodes       *prometheus.GaugeVec
	dropped     *prometheus.CounterVec
	refused     *prometheus.CounterVec
	taken       prometheus.Counter
	told        prometheus.Counter
	untold      prometheus.Counter
	streamsOver prometheus.Gauge
	rejoins     *prometheus.CounterVec
	coordinates prometheus.Counter
	superseded  prometheus.Gauge
	unlogged    prometheus.Counter
	peerErrors  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "freshet_member_" + name, Help: help})
	}
	m := &metrics{
		nodes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "freshet_member_nodes", Help: "Nodes of the mesh as gossip sees them.",
		}, []string{"status"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_member_dropped_states_total", Help: "Gossiped states and certificates that were not taken.",
		}, []string{"reason"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_member_refused_total", Help: "Packets, connections and members that were refused before their content was looked at.",
		}, []string{"reason"}),
		taken:  counter("states_total", "States of other nodes that were taken."),
		told:   counter("told_total", "Parts of the node's own state that were signed and sent."),
		untold: counter("untold_total", "Parts of the node's own state that could not be signed or are too large to be sent."),
		streamsOver: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_member_streams_over", Help: "Streams that the node carries beyond those it can announce.",
		}),
		rejoins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_member_joins_total", Help: "Seeds and known peers that were asked to exchange states.",
		}, []string{"result"}),
		coordinates: counter("refused_coordinates_total", "Network coordinates of peers that cannot be."),
		superseded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_member_superseded", Help: "1 once a newer process runs under this node's name.",
		}),
		unlogged:   counter("unlogged_lines_total", "Lines that memberlist logged faster than they are written."),
		peerErrors: counter("peer_file_errors_total", "Times that the list of peers could not be read from disk or written to it."),
	}
	for _, s := range statuses {
		m.nodes.WithLabelValues(string(s))
	}
	for _, r := range reasons {
		m.dropped.WithLabelValues(string(r))
	}
	for _, r := range refusals {
		m.refused.WithLabelValues(string(r))
	}
	for _, r := range []string{"done", "failed"} {
		m.rejoins.WithLabelValues(r)
	}
	reg.MustRegister(m.nodes, m.dropped, m.refused, m.taken, m.told, m.untold, m.streamsOver, m.rejoins, m.coordinates, m.superseded, m.unlogged, m.peerErrors)
	return m
}

func (m *metrics) drop(r reason) { m.dropped.WithLabelValues(string(r)).Inc() }

func (m *metrics) refuse(r refusal) { m.refused.WithLabelValues(string(r)).Inc() }
