package shim

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
)

func packet(k kind, id, seq uint32, rest ...byte) []byte {
	b := make([]byte, headerLen, headerLen+len(rest))
	header{k, id, seq}.put(b)
	return append(b, rest...)
}

func nackOf(id uint32, s ...span) []byte {
	b := packet(kindNack, id, 0)
	for _, q := range s {
		b = q.append(b)
	}
	return b
}

// What nobody asked for leaves no state, draws no answer larger than itself, and is counted.
func TestHostile(t *testing.T) {
	const id = 0x777777
	zeros := make([]byte, 24)
	type expect struct {
		up   bool
		why  dropReason
		most int // bytes of answer
	}
	for _, row := range []struct {
		name     string
		b        []byte
		stranger expect // from an address nothing was written to
		unproven expect // from one QUIC answered
		proven   expect
	}{
		{"nothing", nil, expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"one byte", []byte{8}, expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"half a header", []byte{8, 0, 0, 0}, expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"kind 0", packet(0, id, 0, 1), expect{why: dropKind}, expect{why: dropKind}, expect{why: dropKind}},
		{"kind 7", packet(7, id, 0, 1), expect{why: dropKind}, expect{why: dropKind}, expect{why: dropKind}},
		{"kind 15", packet(15, id, 0, 1), expect{why: dropKind}, expect{why: dropKind}, expect{why: dropKind}},
		{"kind 3F", packet(0x3f, id, 0, 1), expect{why: dropKind}, expect{why: dropKind}, expect{why: dropKind}},
		{"empty DATA", packet(kindData, id, 0), expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"DATA", packet(kindData, id, 9, 1, 2), expect{up: true}, expect{up: true}, expect{up: true}},
		{"RTX", packet(kindResent, id, 9, 1, 2), expect{up: true}, expect{up: true}, expect{up: true}},
		{"empty NACK", nackOf(id), expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"cut NACK", nackOf(id, span{0, 1})[:13], expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"foreign NACK", nackOf(id, span{0, 1}), expect{why: dropNoState}, expect{why: dropForeign}, expect{why: dropForeign}},
		{"TAIL too long", packet(kindTail, id, 5, 1), expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"TAIL", packet(kindTail, id, 5), expect{why: dropNoState}, expect{why: dropNot}, expect{why: dropForeign}},
		{"short PING", packet(kindPing, id, 0, zeros[1:]...), expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"PING", packet(kindPing, id, 500, zeros...), expect{why: dropNoState}, expect{why: dropNot, most: 32}, expect{why: dropNot, most: 32}},
		{"long PONG", packet(kindPong, id, 0, append(zeros, 0)...), expect{why: dropLength}, expect{why: dropLength}, expect{why: dropLength}},
		{"forged PONG", packet(kindPong, id, 0, zeros...), expect{why: dropNoState}, expect{why: dropPong}, expect{why: dropPong}},
		{"PAD", packet(kindPad, id, 0, zeros...), expect{why: dropNoState}, expect{}, expect{}},
		{"too long", packet(kindData, id, 0, make([]byte, 1460)...), expect{why: dropLong}, expect{why: dropLong}, expect{why: dropLong}},
		{"too long QUIC", append([]byte{0x40}, make([]byte, 1452)...), expect{why: dropLong}, expect{why: dropLong}, expect{why: dropLong}},
		{"QUIC", []byte{0x40, 1, 2}, expect{up: true}, expect{up: true}, expect{up: true}},
		{"one byte of QUIC", []byte{0xc0}, expect{up: true}, expect{up: true}, expect{up: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, time.Millisecond)
			n, friend, half := w.node("10.0.0.1:1"), w.node("10.0.0.2:2"), netip.MustParseAddrPort("10.0.0.3:3")
			w.introduce(n, friend)
			n.write(&node{addr: half}, make([]byte, 500))
			w.run(200 * time.Millisecond) // TAILs and first PINGs are over, or withheld
			_, peers := n.table.totals()
			check := func(from netip.AddrPort, e expect) {
				t.Helper()
				before, calls := n.bytes, n.calls
				var drops [dropReasons]uint64
				for i := range drops {
					drops[i] = n.dropped(dropReason(i))
				}
				if up := n.receive(from, row.b); up != e.up {
					t.Errorf("from %v: up is %v, want %v", from, up, e.up)
				}
				if got := n.bytes - before; got > e.most || got > len(row.b) {
					t.Errorf("from %v: %d bytes in %d packets answer %d", from, got, n.calls-calls, len(row.b))
				}
				for i := range drops {
					want := drops[i]
					if dropReason(i) == e.why && e.why != dropNot {
						want++
					}
					if got := n.dropped(dropReason(i)); got != want {
						t.Errorf("from %v: %d dropped as %s, want %d", from, got, dropNames[i], want)
					}
				}
			}
			check(netip.MustParseAddrPort("10.9.9.9:9"), row.stranger)
			check(half, row.unproven)
			check(friend.addr, row.proven)
			if _, now := n.table.totals(); now[standUnproven]+now[standPlain] != peers[standUnproven] || now[standProven] != 1 {
				t.Errorf("peers are %v, were %v", now, peers)
			}
		})
	}
}

// To an address that never shows that it receives, no more of the layer's own goes than came from it, whatever
// it claims to miss and however long it goes on.
func TestNoAmplification(t *testing.T) {
	w := newWorld(t, time.Millisecond)
	n := w.node("10.0.0.1:1")
	victim := netip.MustParseAddrPort("10.0.0.66:66") // no node: what goes there is lost
	got, quic := 0, 0
	for i := range 4000 {
		seq := uint32(i * 7) // gaps, to be asked for
		b := packet(kindData, 0x123456, seq, 1, 2, 3, 4)
		switch i % 5 {
		case 1:
			b = packet(kindPing, 0x123456, seq, make([]byte, 24)...)
		case 2:
			b = packet(kindTail, 0x123456, seq)
		case 3:
			b = nackOf(w.rnd.Uint32()&(1<<24-1), span{0, 60})
		case 4:
			b = packet(kindPong, 0x123456, seq, make([]byte, 24)...)
		}
		got += len(b)
		n.receive(victim, b)
		if i%100 == 0 {
			n.write(&node{addr: victim}, make([]byte, 100))
			quic += 108
		}
		w.run(time.Millisecond)
		if sent := n.bytes - quic; sent > got {
			t.Fatalf("%d bytes sent after %d came", sent, got)
		}
	}
	if n.sent[kindResent] != 0 {
		t.Errorf("%d packets resent", n.sent[kindResent])
	}
	if n.metrics.unproven.Load() == 0 {
		t.Error("nothing was withheld: the test does not test")
	}
}

// A NACK is answered within the budget and not again within a round trip, however often it comes; one that
// names all numbers there are costs no more than what is kept.
func TestNackFlood(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:2")
	w.introduce(a, b)
	for range 5000 {
		a.write(b, make([]byte, 1200))
	}
	w.run(time.Millisecond)
	id, next := a.peer(b).send.id, a.peer(b).send.next
	all := nackOf(id)
	for range 200 {
		all = span{next - 4096, 4096}.append(all)
	}
	before := a.sent[kindResent]
	for range 1000 {
		a.receive(b.addr, all)
		w.run(100 * time.Microsecond)
	}
	sum := a.count()
	if got := a.sent[kindResent] - before; got*1208 > maxBudget+5000*1208/budgetShare {
		t.Errorf("%d packets resent, over the budget", got)
	}
	if sum.refused == 0 {
		t.Error("nothing was refused")
	}
	if sum.asked > sum.sent {
		t.Errorf("%d asked for of %d sent", sum.asked, sum.sent)
	}
	unsent := a.dropped(dropUnsent)
	for _, q := range []span{{next, 1}, {next - 1, 2}, {next + 1000, 1}, {0, 0}, {next - 10, 65535}} {
		a.receive(b.addr, nackOf(id, q))
		if unsent++; a.dropped(dropUnsent) != unsent {
			t.Errorf("NACK of %v was not dropped", q)
		}
	}
}

// Ten thousand forged addresses that QUIC answers take the room of their kind, no more, and a peer that
// is known stays.
func TestFlood(t *testing.T) {
	w := newWorld(t, time.Millisecond)
	n, friend := w.node("10.0.0.1:1"), w.node("10.0.0.2:2")
	w.introduce(n, friend)
	known := n.peer(friend)
	var m0, m1 runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m0)
	for i := range 10000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, byte(i >> 16), byte(i >> 8), byte(i)}), uint16(1000+i%7))
		first := packet(kindData, uint32(i), 0, make([]byte, 1200)...)
		if i%3 == 0 {
			first = append([]byte{0xc0}, make([]byte, 1200)...)
		}
		n.receive(from, first)
		for range 3 {
			n.write(&node{addr: from}, make([]byte, 1200))
		}
		if i%500 == 0 {
			friend.write(n, make([]byte, 100))
			n.write(friend, make([]byte, 100))
			w.run(5 * time.Millisecond)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&m1)
	if grown := int64(m1.HeapAlloc) - int64(m0.HeapAlloc); grown > 24<<20 {
		t.Errorf("%d kB for state", grown>>10)
	}
	_, peers := n.table.totals()
	for i, have := range peers {
		if have > maxPeers[i] {
			t.Errorf("%d %s peers, at most %d", have, standNames[i], maxPeers[i])
		}
	}
	if n.peer(friend) != known {
		t.Error("the known peer was forgotten")
	}
	if n.metrics.evicted.Load() == 0 {
		t.Error("nobody was evicted")
	}
	w.run(6 * time.Second)
	if _, peers = n.table.totals(); peers[standUnproven] != 0 {
		t.Errorf("%d unproven peers after 6 s", peers[standUnproven])
	}
	w.run(31 * time.Second)
	if _, peers = n.table.totals(); peers != [standings]int{} {
		t.Errorf("peers %v after half a minute of silence", peers)
	}
	if _, ok := n.wheel.next(); ok {
		t.Error("timers without peers")
	}
}

// Proven peers have a bound too: who was silent longest goes.
func TestProvenFlood(t *testing.T) {
	w := newWorld(t, time.Millisecond)
	n := w.node("10.0.0.1:1")
	var first *node
	for i := range maxPeers[standProven] + 10 {
		o := w.node(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5).String())
		if first == nil {
			first = o
		}
		w.introduce(n, o)
		delete(w.nodes, o.addr) // falls silent
	}
	_, peers := n.table.totals()
	if peers[standProven] != maxPeers[standProven] || n.peer(first) != nil {
		t.Errorf("peers are %v; the first is %v", peers, n.peer(first))
	}
}

// FuzzConn feeds a node with whatever packets, among QUIC's writes and the passing of time. It must not panic,
// and not send more to an unproven address than came from it.
func FuzzConn(f *testing.F) {
	f.Add([]byte{0, 12, 8, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 200, 10, 0, 14, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 240, 9, 0, 8, 11, 0, 0, 1, 0, 0, 1, 0})
	f.Add(append([]byte{200, 100, 1, 32}, packet(kindPing, 1, 3, make([]byte, 24)...)...))
	f.Add(append([]byte{200, 100, 1, 32}, packet(kindPong, 1, 3, make([]byte, 24)...)...))
	f.Add([]byte{1, 3, 0x40, 1, 2, 200, 1, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t, time.Millisecond)
		n := w.node("10.0.0.1:1")
		var addrs [4]netip.AddrPort
		var got [4]int
		for i := range addrs {
			addrs[i] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), 1)
		}
		sent := map[netip.AddrPort]int{}
		w.path = func(_, to netip.AddrPort, b []byte) (int64, bool) {
			if k := kind(b[0]); k >= kindNack && k <= kindPad {
				sent[to] += len(b)
			}
			return 0, true
		}
		for len(b) >= 2 {
			op, size := b[0], int(b[1])
			b = b[2:]
			who := int(op & 3)
			switch {
			case op >= 240:
				w.run(time.Duration(size) * 3 * time.Millisecond)
			case op >= 200:
				n.write(&node{addr: addrs[who]}, make([]byte, 1+4*size))
			default:
				size = min(size, len(b))
				got[who] += size
				n.receive(addrs[who], b[:size])
				b = b[size:]
			}
			for i, a := range addrs {
				if sent[a] > got[i] {
					t.Fatalf("%d bytes to %v, from which %d came", sent[a], a, got[i])
				}
			}
		}
		if sum, _ := n.table.totals(); sum.resent > 4*(unproven/headerLen) {
			t.Fatalf("%d resent", sum.resent)
		}
	})
}

// FuzzHeader: what parses is put together again as it was.
func FuzzHeader(f *testing.F) {
	f.Add(packet(kindData, 1, 2, 3))
	f.Add(packet(kindPing, 1<<24-1, 1<<32-1, make([]byte, 24)...))
	f.Add(nackOf(5, span{1, 2}, span{1<<32 - 1, 65535}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var head [headerLen]byte
		copy(head[:], b)
		h, why := parseHeader(head[:], len(b))
		if why != dropNot {
			return
		}
		again := make([]byte, headerLen)
		h.put(again)
		switch rest := b[headerLen:]; h.kind {
		case kindNack:
			for len(rest) > 0 {
				var s span
				s, rest = parseSpan(rest)
				again = s.append(again)
			}
		case kindPing, kindPong:
			again = append(again, make([]byte, pingLen-headerLen)...)
			parseEcho(rest).put(again)
		default:
			again = append(again, rest...)
		}
		if string(again) != string(b) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}

// A forged number far ahead makes all that follows look old. It does so until the next PONG, and a TAIL or PING
// cannot do it at all.
func TestForgedNumber(t *testing.T) {
	for _, row := range []struct {
		name  string
		k     kind
		ahead uint32
		rest  []byte
		lost  int // packets of the chat that may be taken for old
	}{
		{"DATA", kindData, 1 << 30, []byte{1}, 8},
		{"RTX", kindResent, 1 << 30, []byte{1}, 8},
		{"DATA, just too far to be true", kindData, maxAhead + 100, []byte{1}, 8},
		{"TAIL", kindTail, 1 << 30, nil, 0},
		{"TAIL, just too far", kindTail, maxMissing + 1, nil, 0},
		{"PING", kindPing, 1 << 30, make([]byte, 24), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, 10*time.Millisecond)
			a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
			w.introduce(a, b)
			w.chat(a, b, 1500*time.Millisecond)
			up := 0
			r := a.peer(b).recv
			a.receive(b.addr, packet(row.k, r.id, r.next+row.ahead, row.rest...))
			a.up = func(netip.AddrPort, []byte) { up++ }
			w.chat(a, b, time.Second)
			w.run(50 * time.Millisecond)
			if up < 100-row.lost {
				t.Errorf("%d of 100 packets went up", up)
			}
			if r.next != b.peer(a).send.next {
				t.Errorf("next is %d, want %d", r.next, b.peer(a).send.next)
			}
			if n := a.dropped(dropJump); (n == 1) != (row.lost == 0) {
				t.Errorf("%d dropped as jump", n)
			}
		})
	}
}

// So it is with a number of the stream that a peer begins anew, before a PONG vouches for that.
func TestForgedNumberOfForeign(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	w.introduce(a, b)
	b = w.restart(b)
	b.write(a, make([]byte, 600))
	a.receive(b.addr, packet(kindData, b.peer(a).send.id, 1<<30, 1))
	up := 0
	a.up = func(netip.AddrPort, []byte) { up++ }
	w.chat(a, b, time.Second)
	w.run(50 * time.Millisecond)
	if r := a.peer(b).recv; up < 93 || r.next != b.peer(a).send.next {
		t.Errorf("%d of 101 packets went up; next is %d, want %d", up, r.next, b.peer(a).send.next)
	}
}

// A flood of PINGs draws a hundred PONGs a second. Where they are forged, with an id that is guessed, the peer's
// own are still all answered.
func TestPingFlood(t *testing.T) {
	w := newWorld(t, 10*time.Millisecond)
	a, b := w.node("10.0.0.1:1"), w.node("10.0.0.2:1")
	w.introduce(a, b)
	flood := func(id uint32) (pongs int, dropped uint64) {
		pongs, dropped = a.sent[kindPong], a.dropped(dropFlood)
		for range 200 {
			for range 50 {
				a.receive(b.addr, packet(kindPing, id, 0, make([]byte, 24)...))
			}
			b.write(a, make([]byte, 600))
			w.run(5 * time.Millisecond)
		}
		return a.sent[kindPong] - pongs, a.dropped(dropFlood) - dropped
	}
	id := a.peer(b).recv.id
	asked := b.sent[kindPing]
	pongs, dropped := flood(id ^ 5)
	asked = b.sent[kindPing] - asked
	if asked < 18 || pongs < 99+pongBurst+asked-2 || pongs > 101+pongBurst+asked || int(dropped) < 10000-130 {
		t.Errorf("%d PONGs to %d PINGs, %d dropped", pongs, asked, dropped)
	}
	if p, _ := b.Path(a.addr); w.now-b.peer(a).proof.Load() > 80*ms {
		t.Errorf("the peer's own PINGs are not answered: %+v", p)
	}
	if pongs, dropped = flood(id); pongs < 99 || pongs > 101+pongBurst || int(dropped) < 10000-130 {
		t.Errorf("with the right id: %d PONGs, %d dropped", pongs, dropped)
	}
}
