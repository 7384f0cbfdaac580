package relay

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"freshet/cluster/identity"
	"freshet/cluster/ring"
	"freshet/cluster/shim"
	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second // for a state that must come; tests do not wait for nothing

// mesh is what the nodes of one test share.
type mesh struct {
	t   testing.TB
	ca  *identity.CA
	log *slog.Logger
}

func newMesh(t testing.TB) *mesh {
	ca, err := identity.OpenCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &mesh{t, ca, slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// node is a relay that runs.
type node struct {
	*Relay
	table *stream.Table
	reg   *prometheus.Registry
	stop  func()
}

type nodeConfig struct {
	role   string // default edge, origin for a node without upstreams
	listen string // default 127.0.0.1:0
	linger time.Duration
	behind time.Duration // default: nothing is skipped
	guide  Guide
	idle   time.Duration                       // of links that the guide does not name any more
	wrap   func(net.PacketConn) net.PacketConn // above the repair layer
	old    bool                                // speaks version 1
}

func (m *mesh) node(name string, c nodeConfig, upstreams ...Upstream) *node {
	m.t.Helper()
	if c.role == "" {
		c.role = identity.RoleEdge
		if len(upstreams) == 0 {
			c.role = identity.RoleOrigin
		}
	}
	if c.listen == "" {
		c.listen = "127.0.0.1:0"
	}
	id, err := m.ca.Issue(name, c.role)
	if err != nil {
		m.t.Fatal(err)
	}
	n := &node{table: stream.NewTable(), reg: prometheus.NewRegistry()}
	var sock net.PacketConn
	var repair *shim.Conn
	if c.old {
		sock, err = net.ListenPacket("udp", c.listen)
	} else {
		repair, err = listen(c.listen, n.reg)
		sock = repair
	}
	if err != nil {
		m.t.Fatal(err)
	}
	if c.wrap != nil {
		sock = c.wrap(sock)
	}
	n.Relay, err = newRelay(Config{Node: name, Role: c.role, Region: "yul", Upstreams: upstreams, Linger: c.linger},
		Deps{Log: m.log.With("node", name), Metrics: n.reg, Identity: id, Table: n.table, Guide: c.guide}, sock, repair)
	if err != nil {
		m.t.Fatal(err)
	}
	n.behind = cmp.Or(c.behind, time.Hour)
	n.ways.idle = cmp.Or(c.idle, waysIdle)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				m.t.Errorf("%s: %v", name, err)
			}
		case <-time.After(patience):
			m.t.Errorf("%s does not stop", name)
		}
	})
	m.t.Cleanup(func() {
		n.stop()
		if m.t.Failed() {
			m.t.Logf("%s: %v", name, n.counted())
		}
	})
	return n
}

// up names n as an upstream.
func (n *node) up() Upstream { return Upstream{n.cfg.Node, n.Addr().String()} }

// metric returns the value of a counter or gauge, summed over its labels.
func (n *node) metric(name string) float64 {
	families, err := n.reg.Gather()
	if err != nil {
		panic(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "freshet_relay_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// counted returns the counters that are not zero.
func (n *node) counted() (all []string) {
	families, err := n.reg.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if v := m.GetCounter().GetValue(); v != 0 {
				all = append(all, fmt.Sprint(strings.TrimPrefix(f.GetName(), "freshet_relay_"), m.GetLabel(), v))
			}
		}
	}
	return all
}

// eventually waits for ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("within %v: not %s", patience, what)
		}
	}
}

func pullNow(t testing.TB, n *node, id string) *Lease {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	l, err := n.Pull(ctx, id)
	if err != nil {
		t.Fatalf("%s: %v", n.cfg.Node, err)
	}
	return l
}

var (
	audioFormat = stream.Format{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}}
	videoFormat = stream.Format{Track: "v", Kind: stream.Video, Codec: stream.Codec{Name: "VP8", ClockRate: 90000}}
)

// publisher writes a stream at its origin, as an ingest does.
type publisher struct {
	*stream.Stream
	asked atomic.Int64 // key frames asked for
}

func publish(n *node, id string, epoch uint64, formats ...stream.Format) *publisher {
	p := &publisher{}
	p.Stream = stream.New(id, epoch, nil, formats, func(*stream.Flow) { p.asked.Add(1) })
	if !n.table.Put(p.Stream) {
		panic("stream refused")
	}
	return p
}

const payloadSize = 1000

// write adds the packets first up to end to flow; every key-th begins a key frame.
func write(f *stream.Flow, first, end, key int) {
	for i := first; i < end; i++ {
		if _, err := f.Write(packet(f, i, key > 0 && i%key == 0, payloadSize), time.Now()); err != nil {
			panic(err)
		}
	}
}

// packet returns packet i of f, whose payload says i.
func packet(f *stream.Flow, i int, key bool, size int) []byte {
	p := rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: rtpq.TypeVideo, SequenceNumber: uint16(i), Timestamp: uint32(i) * 3000, SSRC: 1, Marker: true},
		Payload: make([]byte, size),
	}
	if f.Format.Kind == stream.Audio {
		p.PayloadType = rtpq.TypeOpus
	}
	p.Payload[0] = 0x10 // VP8 descriptor: start of a partition
	if !key {
		p.Payload[1] = 1 // VP8 frame header: not a key frame
	}
	binary.BigEndian.PutUint64(p.Payload[16:], uint64(i))
	b, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// number returns the i of packet.
func number(b []byte) int { return int(binary.BigEndian.Uint64(b[12+16:])) }

// has says whether f's ring holds the packets first up to end, each as it was written.
func has(f *stream.Flow, first, end int) bool {
	for i := first; i < end; i++ {
		p := f.Ring.Get(f.Ring.Near(uint16(i)))
		if p == nil || number(p.Data) != i {
			return false
		}
	}
	return true
}

// lossy loses what drop says of the packets that come in. It hides that it is a UDP socket, so that
// QUIC reads by ReadFrom.
type lossy struct {
	net.PacketConn
	drop func(b []byte) bool
}

func (l *lossy) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, a, err := l.PacketConn.ReadFrom(b)
		if err != nil || !l.drop(b[:n]) {
			return n, a, err
		}
	}
}

// drops loses one packet of media when told to.
type drops struct{ next atomic.Bool }

func (d *drops) one(b []byte) bool { return len(b) > 500 && d.next.CompareAndSwap(true, false) }

// A recorder notes when each packet of a flow came.
type recorder struct {
	mu sync.Mutex
	at map[int]time.Time
}

func record(f *stream.Flow) *recorder {
	r := &recorder{at: map[int]time.Time{}}
	f.Ring.Watch(r)
	for i := range f.Ring.Head() {
		r.Wake(f.Ring, f.Ring.At(i))
	}
	return r
}

func (r *recorder) Wake(_ *ring.Ring, p *ring.Packet) {
	if p != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.at[number(p.Data)] = p.At
	}
}

// below returns how many packets with a number below n came.
func (r *recorder) below(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := 0
	for i := range r.at {
		if i < n {
			sum++
		}
	}
	return sum
}

func (r *recorder) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.at)
}
