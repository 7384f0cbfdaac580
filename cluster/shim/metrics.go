package shim

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// A dropReason says why a packet from the network was not taken.
type dropReason int

const (
	dropNot     dropReason = iota
	dropLength             // shorter or longer than its kind can be
	dropKind               // no kind of this protocol
	dropLong               // longer than QUIC's buffer
	dropNoState            // of the layer itself, from an address to which nothing was written
	dropForeign            // names a stream that is not the peer's, or not ours
	dropUnsent             // asks for what was never sent
	dropPong               // answers no PING
	dropJump               // a TAIL or PING whose number is too far ahead
	dropFlood              // a PING too many
	dropReasons
)

var dropNames = [dropReasons]string{
	dropLength: "length", dropKind: "kind", dropLong: "long", dropNoState: "no_state", dropForeign: "foreign",
	dropUnsent: "unsent", dropPong: "pong", dropJump: "jump", dropFlood: "flood",
}

// totals are sums over peers.
type totals struct {
	sendCounts
	receiveCounts
}

// add adds what p counted.
func (t *totals) add(p *peer) {
	p.sendMu.Lock()
	s := p.send.sendCounts
	p.sendMu.Unlock()
	p.recvMu.Lock()
	r := p.recv.receiveCounts
	p.recvMu.Unlock()
	t.sent += s.sent
	t.sentBytes += s.sentBytes + p.plainSent.Load()
	t.asked += s.asked
	t.resent += s.resent
	t.refused += s.refused
	t.paused += s.paused
	t.received += r.received
	t.receivedBytes += r.receivedBytes + p.plainRecv.Load()
	t.missing += r.missing
	t.reordered += r.reordered
	t.repaired += r.repaired
	t.repairedLate += r.repairedLate
	t.gaveUp += r.gaveUp
	t.duplicates += r.duplicates
}

// metrics are counted where they happen only if that is rare; the rest is added up when asked for.
type metrics struct {
	dropped  [dropReasons]atomic.Uint64
	unproven atomic.Uint64 // packets of the layer's own not sent: the address had not shown that it receives
	evicted  atomic.Uint64
}

func (c *Conn) drop(why dropReason) {
	if why != dropNot {
		c.metrics.dropped[why].Add(1)
	}
}

// A column is a counter made of totals.
type column struct {
	desc   *prometheus.Desc
	labels []string
	value  func(t *totals) uint64
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("freshet_shim_"+name, help, labels, nil)
}

var (
	descPeers    = desc("peers", "Addresses with state, by what is known of them.", "standing")
	descDropped  = desc("dropped_packets_total", "Packets from the network not taken, by reason.", "reason")
	descUnproven = desc("withheld_packets_total", "Packets of the layer's own not sent to addresses that have not shown that they receive.")
	descEvicted  = desc("evicted_peers_total", "Peers forgotten to make room for others.")
	descRepaired = desc("repaired_packets_total", "Packets missed that came by a resend, by round of asking.", "round")
	descUnsent   = desc("unanswered_packets_total", "Packets asked for and not sent again, by reason.", "reason")

	standNames = [standings]string{standUnproven: "unproven", standProven: "proven", standPlain: "plain"}

	columns = []column{
		{desc("sent_packets_total", "QUIC packets sent with a number, each once."), nil, func(t *totals) uint64 { return t.sent }},
		{desc("sent_bytes_total", "Bytes of QUIC sent, each once."), nil, func(t *totals) uint64 { return t.sentBytes }},
		{desc("asked_packets_total", "Packets that peers asked for, each once."), nil, func(t *totals) uint64 { return t.asked }},
		{desc("resent_packets_total", "Packets sent again, copies included."), nil, func(t *totals) uint64 { return t.resent }},
		{descUnsent, []string{"budget"}, func(t *totals) uint64 { return t.refused }},
		{descUnsent, []string{"paused"}, func(t *totals) uint64 { return t.paused }},
		{desc("received_packets_total", "Numbered QUIC packets handed up."), nil, func(t *totals) uint64 { return t.received }},
		{desc("received_bytes_total", "Bytes of QUIC handed up."), nil, func(t *totals) uint64 { return t.receivedBytes }},
		{desc("missing_packets_total", "Packets that did not come in their turn."), nil, func(t *totals) uint64 { return t.missing }},
		{desc("reordered_packets_total", "Packets missed that came by themselves."), nil, func(t *totals) uint64 { return t.reordered }},
		{descRepaired, []string{"first"}, func(t *totals) uint64 { return t.repaired }},
		{descRepaired, []string{"later"}, func(t *totals) uint64 { return t.repairedLate }},
		{desc("abandoned_packets_total", "Packets missed and left to QUIC and the ring."), nil, func(t *totals) uint64 { return t.gaveUp }},
		{desc("duplicate_packets_total", "Packets that had come before."), nil, func(t *totals) uint64 { return t.duplicates }},
	}
)

// A collector shows a Conn's counters.
type collector struct{ c *Conn }

func (m collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descPeers, descDropped, descUnproven, descEvicted} {
		ch <- d
	}
	for _, col := range columns {
		ch <- col.desc
	}
}

func (m collector) Collect(ch chan<- prometheus.Metric) {
	sum, peers := m.c.table.totals()
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for i, n := range peers {
		ch <- prometheus.MustNewConstMetric(descPeers, prometheus.GaugeValue, float64(n), standNames[i])
	}
	for why := dropNot + 1; why < dropReasons; why++ {
		counter(descDropped, m.c.metrics.dropped[why].Load(), dropNames[why])
	}
	counter(descUnproven, m.c.metrics.unproven.Load())
	counter(descEvicted, m.c.metrics.evicted.Load())
	for _, col := range columns {
		counter(col.desc, col.value(&sum), col.labels...)
	}
}

// totals adds up all peers, those forgotten included, and counts those there are.
func (t *table) totals() (sum totals, peers [standings]int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	sum = t.past
	for _, p := range t.byAddr {
		sum.add(p)
	}
	for i := range t.byStand {
		peers[i] = len(t.byStand[i])
	}
	return sum, peers
}
