package egress

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun"
)

// newcomer is a viewer who has no keys yet, at a socket.
func (r *rig) newcomer(session string) *client {
	r.t.Helper()
	sock := socketOf(r.t)
	p := r.tape("floor", 1, "")
	r.s.now = r.now.Sub(r.s.started)
	r.s.admit(Join{Session: session, StreamID: "floor", Source: source1{p.s}, Log: slog.New(slog.DiscardHandler),
		Local: Credentials{session, "password-of-the-edge-side"}, Peer: Credentials{"peer", "password-of-the-viewer-side"},
		Ready: func() {}, Ended: func(Reason) {}}, r.s.now)
	return &client{r: r, v: r.s.bySess[session], sock: sock}
}

func socketOf(t testing.TB) *socket {
	t.Helper()
	s, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	return s
}

// answer hands the shard a viewer's answer to a check.
func (r *rig) answer(c *client, asked *stun.Message, from netip.AddrPort) {
	r.t.Helper()
	m, err := stun.Build(asked, stun.BindingSuccess, stun.NewShortTermIntegrity(c.v.peer.Pwd), stun.Fingerprint)
	if err != nil {
		r.t.Fatal(err)
	}
	r.s.datagram(m.Raw, from)
}

var nominate = stun.RawAttribute{Type: stun.AttrUseCandidate}

// The answer to a ClientHello is several times as large, and is repeated: it goes to no address that has not
// answered a check, whatever a viewer with the right password claims to send from there. Whether the hello or the
// answer comes first makes no difference.
func TestHelloWaitsForTheAnswer(t *testing.T) {
	hello, _ := clientHello(1<<10, profileGCM128)
	for _, row := range []struct {
		name       string
		helloFirst bool
		nominated  bool
	}{{"hello first", true, true}, {"answer first", false, true}, {"not nominated", true, false}} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t)
			c := r.newcomer("one")
			if row.nominated {
				r.s.datagram(request(t, c, nominate), c.sock.local)
			} else {
				r.s.datagram(request(t, c), c.sock.local)
			}
			asked := checks(c.sock)
			if len(asked) != 1 {
				t.Fatalf("%d checks, want 1", len(asked))
			}
			if row.helloFirst {
				r.s.datagram(append([]byte(nil), hello[0]...), c.sock.local)
			} else {
				r.answer(c, asked[0], c.sock.local)
			}
			if c.v.conn != nil || len(r.e.handshakes) != 0 {
				t.Fatal("a handshake began before there was a hello and an answer")
			}
			if row.helloFirst {
				r.answer(c, asked[0], c.sock.local)
			} else {
				r.s.datagram(append([]byte(nil), hello[0]...), c.sock.local)
			}
			if c.v.conn == nil || len(r.e.handshakes) != 1 {
				t.Fatalf("%d handshakes began, want 1", len(r.e.handshakes))
			}
			c.v.conn.detach()
		})
	}
}

// A spoofed source gets little more than what it is said to have sent, for as long as a viewer may be unfinished.
func TestUnansweredAddressGetsLittle(t *testing.T) {
	hello, _ := clientHello(1<<10, profileGCM128)
	r := newRig(t)
	c := r.newcomer("one")
	in, out, asked := 0, 0, 0
	for range 90 {
		for _, b := range [][]byte{request(t, c, nominate, stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}), hello[0]} {
			in += len(b)
			r.s.datagram(append([]byte(nil), b...), c.sock.local)
		}
		c.sock.receive(1<<10, func(b []byte, _ netip.AddrPort) {
			out += len(b)
			if b[0] < 4 && binary.BigEndian.Uint16(b) == stun.BindingRequest.Value() {
				asked++
			}
		})
		r.step(100*time.Millisecond, nil)
	}
	if c.v.conn != nil || len(r.e.handshakes) != 0 {
		t.Error("a handshake began")
	}
	if out == 0 || out > 2*in {
		t.Errorf("%d bytes went to an address that sent %d", out, in)
	}
	if want := 45; asked < want-1 || asked > want+1 {
		t.Errorf("%d checks in 9 s, want one in %v", asked, checkEvery)
	}
}

// A handshake that is under way follows to another address as media does: once that has answered.
func TestHandshakeMovesWithAnAnswer(t *testing.T) {
	hello, _ := clientHello(1<<10, profileGCM128)
	r := newRig(t)
	c := r.newcomer("one")
	victim := socketOf(t)
	r.s.datagram(request(t, c, nominate), c.sock.local)
	r.answer(c, checks(c.sock)[0], c.sock.local)
	r.s.datagram(append([]byte(nil), hello[0]...), c.sock.local)
	if c.v.conn == nil {
		t.Fatal("no handshake began")
	}
	defer c.v.conn.detach()
	r.s.datagram(request(t, c, nominate), victim.local)
	if at := c.v.conn.to.Load().addr; at != c.sock.local {
		t.Fatalf("the handshake goes to %v, which has answered nothing", at)
	}
	r.answer(c, checks(victim)[0], victim.local)
	if at := c.v.conn.to.Load().addr; at != victim.local || c.v.to.addr != victim.local {
		t.Errorf("the handshake goes to %v, want the address that has answered, %v", at, victim.local)
	}
}

// A viewer with several addresses asks from all of them at once. Each gets its check, and the answer of any counts,
// in any order; of more than are remembered the one that it is at is never forgotten.
func TestChecksOfSeveralAddresses(t *testing.T) {
	hello, _ := clientHello(1<<10, profileGCM128)
	r := newRig(t)
	c := r.newcomer("one")
	socks := []*socket{c.sock}
	for range maxChecks + 1 {
		socks = append(socks, socketOf(t))
	}
	for _, s := range socks {
		r.s.datagram(request(t, c), s.local)
	}
	if n := len(r.s.ice.checks); n != maxChecks {
		t.Errorf("%d checks are open, want %d", n, maxChecks)
	}
	for _, s := range socks {
		for _, asked := range checks(s) {
			r.answer(c, asked, s.local)
		}
	}
	r.s.datagram(append([]byte(nil), hello[0]...), c.sock.local)
	if c.v.conn == nil {
		t.Fatal("the first address has answered, and no handshake began")
	}
	if c.v.to.addr != c.sock.local {
		t.Errorf("moved to %v, which was not nominated", c.v.to.addr)
	}
	r.s.end(c.v, ReasonClosed)
	if n := len(r.s.ice.checks); n != 0 {
		t.Errorf("%d checks are left", n)
	}
}
