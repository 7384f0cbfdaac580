package shim

import (
	"net/netip"
	"testing"
	"time"
)

// restart gives n's address to a new process.
func (w *world) restart(n *node) *node { return w.node(n.addr.String()) }

// chat has a and b write to each other each 10 ms.
func (w *world) chat(a, b *node, d time.Duration) {
	for end := w.now + int64(d); w.now < end; {
		a.write(b, make([]byte, 600))
		b.write(a, make([]byte, 600))
		w.run(10 * time.Millisecond)
	}
}

func TestPings(t *testing.T) {
	w := newWorld(t, 20*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("[2001:db8::2]:1")
	w.introduce(a, b)
	w.chat(a, b, time.Second)
	before := a.sent[kindPing]
	w.chat(a, b, time.Second)
	if n := a.sent[kindPing] - before; n < 18 || n > 21 {
		t.Errorf("%d PINGs in a second, want 20", n)
	}
	p, ok := a.Path(b.addr)
	if !ok || p.RTT < 40*time.Millisecond || p.RTT > 42*time.Millisecond || p.MinRTT < 40*time.Millisecond || p.LastRTT < p.MinRTT {
		t.Errorf("path is %+v", p)
	}
	if p.Answered.Before(a.base) || p.Heard.Before(p.Answered) || p.RTTAt != p.Answered || !p.ProbedAt.IsZero() {
		t.Errorf("times are %+v", p)
	}
	if want := uint64(200 * 608); p.Delivered < want || p.Delivered > uint64(a.bytes) || p.Plain || p.Loss != 0 {
		t.Errorf("path is %+v; %d bytes sent", p, a.bytes)
	}
	silence := w.now
	w.run(3100 * time.Millisecond)
	before = a.sent[kindPing]
	w.run(10 * time.Second)
	if n := a.sent[kindPing] - before; n != 0 {
		t.Errorf("%d PINGs to who is silent", n)
	}
	if a.peer(b) == nil {
		t.Error("forgotten too soon")
	}
	w.until(silence + forgetAfter + 2*int64(time.Second))
	if a.peer(b) != nil {
		t.Error("not forgotten")
	}
	if _, ok := a.Path(b.addr); ok {
		t.Error("a path to who is forgotten")
	}
	if got := a.count(); got.sent != 201 {
		t.Errorf("sent %d in all, want 201", got.sent)
	}
}

// Who only receives from this node keeps its state; who only sends to it does not, and gets no PINGs.
func TestOneWay(t *testing.T) {
	w := newWorld(t, time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	w.introduce(a, b)
	start := w.now
	id := b.peer(a).send.id
	for i := range 100 {
		a.receive(b.addr, packet(kindData, id, uint32(5+i), 1, 2, 3))
		a.receive(b.addr, packet(kindPing, id, uint32(5+i), make([]byte, 24)...))
		if i == 40 {
			a.sent[kindPing] = 0
		}
		w.run(100 * time.Millisecond)
	}
	if n := a.sent[kindPing]; n != 0 {
		t.Errorf("%d PINGs to whom QUIC has not written for 4 s", n)
	}
	for w.now < start+forgetAfter+int64(time.Second) {
		a.receive(b.addr, packet(kindTail, id, 200))
		w.run(time.Second)
	}
	if a.peer(b) != nil {
		t.Error("kept alive by who is not written to")
	}
	w.introduce(a, b)
	for range 40 {
		a.write(b, make([]byte, 100))
		w.run(time.Second)
	}
	if a.peer(b) == nil {
		t.Error("forgotten while QUIC writes")
	}
}

// The padding of a probe fills the queue of a narrow path, and the round trip behind it tells.
func TestProbePath(t *testing.T) {
	w := newWorld(t, 20*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	if a.probe(b.addr, 1000, time.Second, w.now) {
		t.Error("probed nobody")
	}
	w.introduce(a, b)
	free := int64(0)
	w.path = func(from, _ netip.AddrPort, m []byte) (int64, bool) {
		if from != a.addr {
			return 0, false
		}
		free = max(free, w.now) + int64(len(m))*8*int64(time.Second)/4_000_000
		return free - w.now, false
	}
	w.chat(a, b, 500*time.Millisecond)
	for _, bad := range []int{-1, 0, maxProbe + 1} {
		if a.probe(b.addr, bad, time.Second, w.now) {
			t.Errorf("probed with %d bytes", bad)
		}
	}
	before, _ := b.Path(a.addr)
	got := b.peer(a).received.Load()
	if !a.probe(b.addr, 100_000, 100*time.Millisecond, w.now) || a.probe(b.addr, 100_000, 100*time.Millisecond, w.now) {
		t.Error("one probe at a time")
	}
	w.chat(a, b, 500*time.Millisecond)
	after, _ := b.Path(a.addr)
	if n := b.peer(a).received.Load() - got; n < 100_000 || after.ReceivedBytes-before.ReceivedBytes > 50_000 {
		t.Errorf("%d bytes came, %d of QUIC", n, after.ReceivedBytes-before.ReceivedBytes)
	}
	p, _ := a.Path(b.addr)
	if p.ProbedAt.IsZero() {
		t.Errorf("not probed: %+v", p)
	}
	if q := a.peer(b); q.clock.probing {
		t.Error("still probing")
	}
	// A remainder shorter than a header is a header, and a PING stands behind that too.
	before, _ = a.Path(b.addr)
	if !a.probe(b.addr, padLen+3, 0, w.now) {
		t.Error("no second probe")
	}
	w.chat(a, b, 500*time.Millisecond)
	if q, _ := a.Path(b.addr); !q.ProbedAt.After(before.ProbedAt) {
		t.Error("the second probe was not answered")
	}
	// 100 kB in 100 ms through 4 Mbit/s leave a queue of 100 ms and more.
	if p.ProbeRTT < 140*time.Millisecond || p.ProbeRTT > 200*time.Millisecond {
		t.Errorf("the round trip behind the padding took %v", p.ProbeRTT)
	}
}

// A peer that starts again at the same address has other ids. Its packets go up at once, and are followed as
// soon as a PONG vouches for them; who merely claims another id changes nothing.
func TestRestart(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	w.introduce(a, b)
	w.chat(a, b, 200*time.Millisecond)
	id := a.peer(b).recv.id
	for i := range 50 {
		if !a.receive(b.addr, packet(kindData, id^5, uint32(i*3), 1)) {
			t.Fatal("a packet with a foreign id did not go up")
		}
		a.receive(b.addr, packet(kindTail, id^5, uint32(i*3)))
	}
	w.chat(a, b, 200*time.Millisecond)
	if q := a.peer(b).recv; q.id != id || q.missing != 0 {
		t.Errorf("id %x, was %x; %d missing", q.id, id, q.missing)
	}
	b = w.restart(b)
	up := 0
	a.up = func(netip.AddrPort, []byte) { up++ }
	w.chat(a, b, 200*time.Millisecond)
	w.run(100 * time.Millisecond)
	if q := a.peer(b).recv; q.id != b.peer(a).send.id || q.missing != 0 {
		t.Errorf("id %x, want %x; %d missing", q.id, b.peer(a).send.id, q.missing)
	}
	if up != 20 {
		t.Errorf("%d packets went up, want 20", up)
	}
	w.loses(.1, 1)
	w.chat(a, b, time.Second)
	w.loses(0, 1)
	w.run(time.Second)
	if q := a.count(); q.repaired == 0 || up != 120 {
		t.Errorf("%d repaired, %d went up", q.repaired, up)
	}
}

// The id of a stream is that of the first DATA, or of the TAIL behind it where that was lost, but not a PING's.
func TestStreamID(t *testing.T) {
	for _, row := range []struct {
		name  string
		first []byte
		want  bool
	}{
		{"DATA", packet(kindData, 5, 0, 1), true},
		{"RTX", packet(kindResent, 5, 0, 1), true},
		{"TAIL", packet(kindTail, 5, 1), true},
		{"PING", packet(kindPing, 5, 1, make([]byte, 24)...), false},
		{"NACK", nackOf(5, span{0, 1}), false},
		{"PAD", packet(kindPad, 5, 0), false},
	} {
		w := newWorld(t, 10*time.Millisecond)
		a, from := w.node("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.7:7")
		a.write(&node{addr: from}, []byte{0x40})
		a.receive(from, row.first)
		a.receive(from, packet(kindData, 6, 0, 1))
		if r := a.table.find(from).recv; !r.known || (r.id == 5) != row.want {
			t.Errorf("after %s the id is %x", row.name, r.id)
		}
	}
}

// Behind a new address the same peer is a new one: what was lost is asked for there, and the old state ages.
func TestRebinding(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	w.introduce(a, b)
	w.chat(a, b, 200*time.Millisecond)
	old := a.addr
	delete(w.nodes, old)
	a.addr = netip.MustParseAddrPort("10.0.0.1:2")
	w.nodes[a.addr] = a
	up := 0
	b.up = func(netip.AddrPort, []byte) { up++ }
	w.loses(.05, 1)
	w.chat(a, b, 2*time.Second)
	w.loses(0, 1)
	w.run(time.Second)
	p := b.peer(a)
	if p == nil || p.standing() != standProven {
		t.Fatalf("the new address is %+v", p)
	}
	if p.recv.missing == 0 || p.recv.gaveUp != 0 || up < 198 {
		t.Errorf("%d of 200 came; %+v", up, p.recv.receiveCounts)
	}
	if q := b.table.find(old); q == nil {
		t.Error("the old address was forgotten at once")
	}
	w.chat(a, b, 31*time.Second)
	if q := b.table.find(old); q != nil {
		t.Error("the old address is still known")
	}
}

// A peer with plain QUIC is answered plainly, and gets nothing of the layer's own but a PING now and then, within
// what came from it.
func TestPlain(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	n := w.node("10.0.0.1:1")
	old := netip.MustParseAddrPort("10.0.0.7:7")
	listens := netip.MustParseAddrPort("10.0.0.8:8")
	n.receive(old, []byte{0xc0, 1, 2})
	n.SetPlain(listens, true)
	for _, a := range []netip.AddrPort{old, listens} {
		n.write(&node{addr: a}, []byte{0xc1, 9})
		w.run(100 * time.Millisecond)
		n.write(&node{addr: a}, []byte{0x41, 9})
		w.run(time.Second)
		if p, ok := n.Path(a); !ok || !p.Plain || p.SentBytes != 4 || p.Sent != 0 {
			t.Errorf("path to %v: %+v", a, p)
		}
	}
	if n.sent[0xc1] != 2 || n.sent[0x41] != 2 || n.calls != 4 {
		t.Errorf("sent %v", n.sent)
	}
	if p, _ := n.Path(old); p.ReceivedBytes != 3 || p.Heard.IsZero() {
		t.Errorf("path from %v: %+v", old, p)
	}
	n.SetPlain(listens, false)
	n.write(&node{addr: listens}, []byte{0x41, 9})
	if n.sent[0x41] != 2 || n.sent[kindData] != 1 {
		t.Errorf("no longer plain: sent %v", n.sent)
	}
	n.SetPlain(listens, true)
	n.write(&node{addr: listens}, []byte{0x41, 9})
	if n.sent[0x41] != 3 {
		t.Errorf("plain again: sent %v", n.sent)
	}
	friend := w.node("10.0.0.2:1")
	w.introduce(n, friend)
	n.setPlain(friend.addr, true, w.now)
	if n.peer(friend).standing() != standProven {
		t.Error("a proven peer became plain")
	}
	// It went back to an older version. QUIC's dials keep the state alive, and the dialler finds out.
	delete(w.nodes, friend.addr)
	for range 5 {
		n.write(friend, []byte{0xc0})
		w.run(500 * time.Millisecond)
	}
	n.sent[0xc0] = 0
	n.setPlain(friend.addr, true, w.now)
	n.write(friend, []byte{0xc0})
	if n.sent[0xc0] != 1 {
		t.Errorf("a peer that went back to plain QUIC is not spoken to plainly: sent %v", n.sent)
	}
	w.run(31 * time.Second)
	if n.table.find(old) != nil || n.table.find(listens) != nil {
		t.Error("not forgotten")
	}
}

// One plain packet that comes before a dial, forged or of a process that is no more, makes the new link plain on
// both sides. They find out.
func TestStrayPlain(t *testing.T) {
	for _, row := range []struct {
		name  string
		first [][]byte
		spoke bool
	}{
		{"plain", [][]byte{{0x40}}, false},
		{"numbered, then plain", [][]byte{packet(kindData, 5, 3, 0x40), {0x40}}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, 10*time.Millisecond)
			a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
			for _, m := range row.first {
				a.receive(b.addr, m)
			}
			quic := append([]byte{0x40}, make([]byte, 600)...)
			a.write(b, quic)
			if a.sent[0x40] != 1 {
				t.Fatal("the stray packet had no effect")
			}
			if p := a.peer(b); p.spoke.Load() != row.spoke || p.recv.known != row.spoke {
				t.Errorf("spoke: %v, its stream is known: %v; want %v", p.spoke.Load(), p.recv.known, row.spoke)
			}
			for range 150 {
				w.run(10 * time.Millisecond)
				b.write(a, quic)
				a.write(b, quic)
			}
			for _, p := range []*peer{a.peer(b), b.peer(a)} {
				if p.standing() != standProven {
					t.Errorf("%v is %s", p.addr, standNames[p.standing()])
				}
			}
		})
	}
	// A peer that has no layer gets a PING a second, and stays plain.
	w := newWorld(t, 10*time.Millisecond)
	n, old := w.node("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.7:7")
	for range 500 {
		n.receive(old, append([]byte{0xc0}, make([]byte, 100)...))
		n.write(&node{addr: old}, []byte{0xc1})
		w.run(10 * time.Millisecond)
	}
	if n.sent[kindPing] < 5 || n.sent[kindPing] > 6 || n.calls != 500+n.sent[kindPing] {
		t.Errorf("sent %v, want five PINGs in 5 s", n.sent)
	}
}

// State of an unproven address ends 5 s after QUIC last wrote to it: not while QUIC dials a silent one, however
// it stood before, and not later for who floods this node from it.
func TestUnprovenEnd(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	n, silent, loud := w.node("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.7:7"), netip.MustParseAddrPort("10.0.0.8:8")
	n.setPlain(silent, true, w.now)
	w.run(25 * time.Second)
	n.setPlain(silent, true, w.now)
	w.run(25 * time.Second)
	n.setPlain(silent, false, w.now)
	p := n.table.find(silent)
	n.write(&node{addr: loud}, []byte{0xc0})
	for range 16 {
		w.run(500 * time.Millisecond)
		n.receive(loud, packet(kindTail, 5, 0))
		if n.table.find(silent) != p {
			t.Fatal("forgotten in mid-dial")
		}
		n.write(&node{addr: silent}, []byte{0xc0})
	}
	if n.table.find(loud) != nil {
		t.Error("kept by who only sends")
	}
	w.run(6 * time.Second)
	if n.table.find(silent) != nil {
		t.Error("not forgotten")
	}
}

// What is held back for a peer goes out when that is forgotten, and is counted; who found it just before holds
// nothing back any more. To whom QUIC has just written is not forgotten.
func TestForgetHeld(t *testing.T) {
	w := newWorld(t, 50*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	w.introduce(a, b)
	w.run(40 * time.Second)
	w.introduce(a, b)
	p, before, sum := a.peer(b), a.sent[kindData], a.count().sent
	a.write(b, make([]byte, 40))
	if a.sent[kindData] != before {
		t.Fatal("not held back")
	}
	if a.forget(p, w.now+forgetAfter-1) || a.peer(b) != p {
		t.Fatal("forgotten too soon")
	}
	if !a.forget(p, w.now+forgetAfter) || a.peer(b) != nil {
		t.Fatal("not forgotten")
	}
	if n := a.sent[kindData] - before; n != 1 || a.count().sent != sum+1 {
		t.Errorf("%d sent, %d counted, want 1", n, a.count().sent-sum)
	}
	if err := p.write(make([]byte, 40), nil, w.now); err != nil || a.sent[kindData] != before+2 {
		t.Errorf("%d sent of 2; %v", a.sent[kindData]-before, err)
	}
}

// Where packets overtake each other a repair comes later, by as long as a gap waits before it is asked for. An
// acknowledgement of what came after the gap must not be there before it, so it waits as long on top.
func TestHoldBehindReordering(t *testing.T) {
	w := newWorld(t, 50*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	w.introduce(a, b)
	held := func() (d time.Duration) {
		before := a.sent[kindData]
		a.write(b, make([]byte, 40))
		for ; a.sent[kindData] == before && d < time.Second; d += time.Millisecond {
			w.run(time.Millisecond)
		}
		return d
	}
	if got := held(); got < 9*time.Millisecond || got > 12*time.Millisecond {
		t.Errorf("held for %v, want 10ms", got)
	}
	p := a.peer(b)
	next := p.recv.next
	for _, late := range []uint32{1, 0} { // the first comes 8 ms behind the second
		head := make([]byte, headerLen+40)
		header{kindData, p.recv.id, next + late}.put(head)
		a.receive(b.addr, head)
		w.run(8 * time.Millisecond)
	}
	if got := held(); got < 18*time.Millisecond || got > 23*time.Millisecond {
		t.Errorf("held for %v behind reordering by 8ms, want 20ms", got)
	}
}

// A forged byte does not take the layer from peers that have it: not at all once they are proven, and not for
// longer than a round trip or two before.
func TestForgedPlain(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	a.write(b, make([]byte, 1200))
	a.receive(b.addr, []byte{0x40})
	if a.peer(b).standing() != standPlain {
		t.Fatal("the byte had no effect")
	}
	w.run(time.Millisecond)
	w.chat(a, b, 500*time.Millisecond)
	for _, p := range []*peer{a.peer(b), b.peer(a)} {
		if p.standing() != standProven {
			t.Errorf("%v is %s", p.addr, standNames[p.standing()])
		}
	}
	if !a.receive(b.addr, []byte{0x40}) {
		t.Error("a plain packet of a proven peer did not go up")
	}
	if a.peer(b).standing() != standProven {
		t.Error("a proven peer became plain")
	}
	// One that answers no more went back to an older version, and would never hear us otherwise.
	delete(w.nodes, b.addr)
	for range 30 {
		a.receive(b.addr, []byte{0xc0})
		a.write(b, []byte{0xc0})
		w.run(100 * time.Millisecond)
	}
	if s := a.peer(b).standing(); s != standPlain {
		t.Errorf("a peer that went back to plain QUIC is %s", standNames[s])
	}
	w.nodes[b.addr] = b
	w.chat(a, b, 500*time.Millisecond)
	if s := a.peer(b).standing(); s != standProven {
		t.Errorf("a peer that has the layer again is %s", standNames[s])
	}
	// And the reverse: forged packets with a header do not give it to who has it not.
	c := netip.MustParseAddrPort("10.0.0.9:9")
	a.receive(c, []byte{0x40})
	a.write(&node{addr: c}, []byte{0x40})
	for i := range 10 {
		a.receive(c, packet(kindData, 1, uint32(i), make([]byte, 100)...))
		w.run(50 * time.Millisecond)
	}
	a.sent[0x40] = 0
	a.write(&node{addr: c}, []byte{0x40})
	if a.sent[0x40] != 1 {
		t.Errorf("a plain peer got a header: %v", a.sent)
	}
}

// Of a handshake's first packets, each that is lost comes back without waiting for QUIC, and nothing is asked
// for that came before there was state.
func TestYoung(t *testing.T) {
	for lost := range 6 {
		w := newWorld(t, 50*time.Millisecond)
		a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
		seen := 0
		w.path = func(_, _ netip.AddrPort, m []byte) (int64, bool) {
			if kind(m[0]) != kindData {
				return 0, false
			}
			seen++
			return 0, seen == lost
		}
		var ups, downs int
		b.up = func(netip.AddrPort, []byte) {
			if ups++; ups == 1 { // QUIC answers the first packet it sees
				for range 3 {
					b.write(a, make([]byte, 1280))
				}
			}
		}
		a.up = func(netip.AddrPort, []byte) {
			if downs++; downs == 3 {
				a.write(b, make([]byte, 600))
			}
		}
		a.write(b, make([]byte, 1280))
		a.write(b, make([]byte, 1280))
		w.run(450 * time.Millisecond)
		if ups != 3 || downs != 3 {
			t.Errorf("packet %d lost: %d of 3 came up, %d of 3 came down", lost, ups, downs)
		}
		want := uint64(min(lost, 1))
		if got := a.count().missing + b.count().missing; got != want {
			t.Errorf("packet %d lost: %d missing", lost, got)
		}
	}
}

// What was delivered is what the answer to the latest PING says, also where that is less: PONGs overtake each
// other, and a peer that starts again counts from 0.
func TestDelivered(t *testing.T) {
	var c clock
	first, second, third := c.ping(ms), c.ping(2*ms), c.ping(3*ms)
	for _, row := range []struct{ opaque, bytes, want uint64 }{{second, 2000, 2000}, {first, 1000, 2000}, {third, 7, 7}} {
		if !c.pong(echo{opaque: row.opaque, bytes: row.bytes}, 10*ms) || c.delivered != row.want {
			t.Errorf("a PONG with %d: %d delivered, want %d", row.bytes, c.delivered, row.want)
		}
	}
}

// Least round trips are of one to two minutes.
func TestMinRTT(t *testing.T) {
	var c clock
	now := ms
	sample := func(at time.Duration, rtt int64) {
		now = int64(at)
		o := c.ping(now)
		if !c.pong(echo{opaque: o}, now+rtt) || c.pong(echo{opaque: o}, now+rtt) {
			t.Fatal("a PONG is good once")
		}
	}
	for _, row := range []struct {
		at   time.Duration
		rtt  int64
		want int64
	}{
		{time.Second, 50 * ms, 50 * ms},
		{2 * time.Second, 40 * ms, 40 * ms},
		{50 * time.Second, 90 * ms, 40 * ms},
		{62 * time.Second, 80 * ms, 40 * ms},
		{90 * time.Second, 70 * ms, 40 * ms},
		{123 * time.Second, 75 * ms, 70 * ms},
		{500 * time.Second, 99 * ms, 99 * ms},
	} {
		sample(row.at, row.rtt)
		if got := c.least(); got != row.want {
			t.Errorf("after %v: %d ms, want %d", row.at, got/ms, row.want/ms)
		}
	}
	o := c.ping(now)
	for range pings {
		c.ping(now)
	}
	if c.pong(echo{opaque: o}, now+ms) {
		t.Error("a PONG to a PING long ago")
	}
	if c.pong(echo{opaque: c.ping(now)}, now+maxRTT+1) {
		t.Error("a PONG after more than 10 s")
	}
}
