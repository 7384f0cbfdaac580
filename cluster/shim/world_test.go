package shim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"
)

const ms = int64(time.Millisecond)

// A world is nodes that send to each other in a time of its own: whole Conns without sockets or goroutines.
type world struct {
	t     testing.TB
	now   int64
	order int
	queue mails
	nodes map[netip.AddrPort]*node
	delay int64
	rnd   *rand.Rand
	// path tells what becomes of a packet: how much later than delay it comes, or that it is lost.
	path func(from, to netip.AddrPort, b []byte) (later int64, lost bool)
}

// A node's up is what QUIC would get.
type node struct {
	*Conn
	w     *world
	addr  netip.AddrPort
	up    func(from netip.AddrPort, b []byte)
	sent  map[kind]int // packets, by kind
	bytes int
	calls int
	oob   []byte // of the last packet
}

type mail struct {
	at       int64
	order    int
	from, to netip.AddrPort
	b        []byte
}

type mails []mail

func (m mails) Len() int { return len(m) }
func (m mails) Less(i, j int) bool {
	return m[i].at < m[j].at || m[i].at == m[j].at && m[i].order < m[j].order
}
func (m mails) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *mails) Push(x any)   { *m = append(*m, x.(mail)) }
func (m *mails) Pop() any {
	x := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return x
}

// newWorld has a one-way delay.
func newWorld(t testing.TB, delay time.Duration) *world {
	return &world{t: t, now: ms, nodes: map[netip.AddrPort]*node{}, delay: int64(delay), rnd: rand.New(rand.NewPCG(1, 2)),
		path: func(_, _ netip.AddrPort, _ []byte) (int64, bool) { return 0, false }}
}

func (w *world) node(addr string) *node {
	n := &node{w: w, addr: netip.MustParseAddrPort(addr), sent: map[kind]int{}, up: func(netip.AddrPort, []byte) {}}
	n.Conn = newConn(n)
	n.running.Store(true)
	w.nodes[n.addr] = n
	return n
}

// WriteMsgUDPAddrPort implements writer: it takes a batch apart, as the kernel does.
func (n *node) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (int, int, error) {
	n.calls++
	n.oob = append(n.oob[:0], oob...)
	var a ancillary
	a.parse(oob)
	size := a.segment
	if size == 0 {
		size = len(b)
	}
	for rest := b; len(rest) > 0; rest = rest[min(size, len(rest)):] {
		p := rest[:min(size, len(rest))]
		n.sent[kind(p[0])]++
		n.bytes += len(p)
		n.w.mail(n.addr, addr, p)
	}
	return len(b), len(oob), nil
}

func (w *world) mail(from, to netip.AddrPort, b []byte) {
	later, lost := w.path(from, to, b)
	if lost {
		return
	}
	w.order++
	heap.Push(&w.queue, mail{w.now + w.delay + later, w.order, from, to, append([]byte(nil), b...)})
}

// write is QUIC sending a packet.
func (n *node) write(to *node, b []byte) {
	if err := n.Conn.write(b, nil, net.UDPAddrFromAddrPort(to.addr), n.w.now); err != nil {
		n.w.t.Fatal(err)
	}
}

// receive is a packet that comes from anywhere.
func (n *node) receive(from netip.AddrPort, b []byte) (up bool) {
	var head [headerLen]byte
	copy(head[:], b)
	buf := make([]byte, 1452)
	if len(b) > headerLen {
		copy(buf, b[headerLen:])
	}
	size, _ := n.take(&arrival{head: &head, n: len(b), from: from}, buf, n.w.now)
	n.ask(n.w.now)
	if size > 0 {
		n.up(from, buf[:size])
	}
	return size > 0
}

// peer is n's state for the other.
func (n *node) peer(o *node) *peer { return n.table.find(o.addr) }

// run lets time pass until d later.
func (w *world) run(d time.Duration) { w.until(w.now + int64(d)) }

func (w *world) until(end int64) {
	for {
		next := end + 1
		if len(w.queue) > 0 {
			next = w.queue[0].at
		}
		for _, n := range w.nodes {
			if at, ok := n.wheel.next(); ok {
				next = min(next, max(at, w.now))
			}
		}
		if next > end {
			w.now = end
			return
		}
		w.now = max(w.now, next)
		for len(w.queue) > 0 && w.queue[0].at <= w.now {
			m := heap.Pop(&w.queue).(mail)
			if n := w.nodes[m.to]; n != nil {
				n.receive(m.from, m.b)
			}
		}
		for _, n := range w.nodes {
			for _, t := range n.turn(w.now, nil) {
				n.schedule(t.p, t.p.tick(w.now), w.now)
			}
		}
	}
}

// introduce has a and b write to each other until both are proven.
func (w *world) introduce(a, b *node) {
	w.t.Helper()
	a.write(b, make([]byte, 1200))
	w.run(time.Duration(w.delay) + time.Millisecond)
	b.write(a, make([]byte, 1200))
	for range 100 {
		if p, q := a.peer(b), b.peer(a); p != nil && q != nil && p.standing() == standProven && q.standing() == standProven {
			return
		}
		w.run(10 * time.Millisecond)
	}
	w.t.Fatal("the nodes did not prove each other")
}

// loses has each packet lost with chance p, in runs of n, in both directions.
func (w *world) loses(p float64, n int) {
	runs := map[netip.AddrPort]int{}
	w.path = func(from, _ netip.AddrPort, _ []byte) (int64, bool) {
		if runs[from] == 0 && w.rnd.Float64() < p/float64(n) {
			runs[from] = n
		}
		if runs[from] > 0 {
			runs[from]--
			return 0, true
		}
		return 0, false
	}
}

// count is the sum of a's peers.
func (n *node) count() totals {
	t, _ := n.table.totals()
	return t
}

func (n *node) dropped(why dropReason) uint64 { return n.metrics.dropped[why].Load() }

// Two nodes exchange media and acknowledgements through loss; everything arrives, once, and nearly all of what
// was lost within a round trip and a little.
func TestWorldLoss(t *testing.T) {
	for _, row := range []struct {
		loss float64
		run  int
		rtt  time.Duration
		late float64 // share of all packets that may come after 1.5 round trips
	}{
		{0, 1, 100 * time.Millisecond, 0},
		{.01, 1, 100 * time.Millisecond, .0001},
		{.02, 1, 100 * time.Millisecond, .0001},
		{.02, 5, 100 * time.Millisecond, .002},
		{.05, 1, 200 * time.Millisecond, .002},
		{.10, 1, 50 * time.Millisecond, .02},
	} {
		t.Run(fmt.Sprintf("%v in %d, %v", row.loss, row.run, row.rtt), func(t *testing.T) {
			w := newWorld(t, row.rtt/2)
			a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
			w.introduce(a, b)
			w.loses(row.loss, row.run)
			const n = 20000
			sent := make([]int64, n)
			came, late := 0, 0
			seen := make([]bool, n)
			b.up = func(_ netip.AddrPort, m []byte) {
				i := int(m[0])<<16 | int(m[1])<<8 | int(m[2])
				if seen[i] {
					t.Fatalf("packet %d came twice", i)
				}
				seen[i] = true
				came++
				if w.now-sent[i] > int64(row.rtt)*2 { // half a round trip is the way, 1.5 are what is allowed
					late++
				}
				if came%2 == 0 {
					b.write(a, make([]byte, 40))
				}
			}
			before := a.bytes
			for i := range n {
				sent[i] = w.now
				a.write(b, append([]byte{byte(i >> 16), byte(i >> 8), byte(i)}, make([]byte, 1100)...))
				w.run(2 * time.Millisecond)
			}
			w.run(3 * time.Second)
			got, gave := b.count(), a.count()
			t.Logf("late %d, %.1f %% more bytes, %d missing, %d repaired at once, %d later, %d given up",
				late, 100*float64(a.bytes-before-n*1103)/(n*1103), got.missing, got.repaired, got.repairedLate, got.gaveUp)
			if came != n || got.gaveUp != 0 {
				t.Errorf("%d of %d packets came, %d given up", came, n, got.gaveUp)
			}
			if float64(late) > row.late*n {
				t.Errorf("%d packets late, want at most %v", late, row.late*n)
			}
			if got.missing != got.repaired+got.repairedLate+got.reordered {
				t.Errorf("%d missing, %d + %d repaired, %d reordered", got.missing, got.repaired, got.repairedLate, got.reordered)
			}
			if gave.refused != 0 {
				t.Errorf("%d resends over the budget", gave.refused)
			}
			if back := a.count(); back.gaveUp != 0 {
				t.Errorf("%d acknowledgements given up", back.gaveUp)
			}
		})
	}
}
