package egress

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v2"
	"github.com/pion/stun"
)

// clientHello makes the body of a ClientHello that offers SRTP profiles, in fragments of at most size.
func clientHello(size int, profiles ...uint16) (datagrams [][]byte, body []byte) {
	body = append([]byte{0xfe, 0xfd}, make([]byte, 32)...)
	body = append(body, 0, 0, 0, 2, 0xc0, 0x2b, 1, 0)
	ext := []byte{0, 10, 0, 2, 0, 0}
	ext = binary.BigEndian.AppendUint16(ext, extensionUseSRTP)
	ext = binary.BigEndian.AppendUint16(ext, uint16(2+2*len(profiles)+1))
	ext = binary.BigEndian.AppendUint16(ext, uint16(2*len(profiles)))
	for _, p := range profiles {
		ext = binary.BigEndian.AppendUint16(ext, p)
	}
	ext = append(ext, 0)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(ext))), ext...)
	for from := 0; from < len(body); from += size {
		part := body[from:min(from+size, len(body))]
		d := []byte{recordHandshake, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, byte(from)}
		d = binary.BigEndian.AppendUint16(d, uint16(handshakeHeader+len(part)))
		d = append(d, helloType, 0, byte(len(body)>>8), byte(len(body)), 0, 0, 0, byte(from>>8), byte(from), 0, byte(len(part)>>8), byte(len(part)))
		datagrams = append(datagrams, append(d, part...))
	}
	return datagrams, body
}

func TestHelloFromFragments(t *testing.T) {
	for _, row := range []struct {
		name string
		size int
		back bool // fragments in reverse order
	}{{"whole", 1 << 10, false}, {"fragments", 20, false}, {"reordered", 20, true}} {
		t.Run(row.name, func(t *testing.T) {
			all, body := clientHello(row.size, profileCM128SHA80, profileGCM128)
			var h hello
			whole := false
			for i := range all {
				d := all[i]
				if row.back {
					d = all[len(all)-1-i]
				}
				if whole {
					t.Fatal("complete before the last fragment")
				}
				h.add(d[:len(d):len(d)])
				whole = h.add(d) // twice: as when it was sent again
			}
			if !whole || string(h.body) != string(body) {
				t.Fatalf("whole %v, %d bytes, want %d", whole, len(h.body), len(body))
			}
			if !offers(h.body, profileGCM128) || !offers(h.body, profileCM128SHA80) || offers(h.body, 8) {
				t.Error("profiles are not the ones offered")
			}
		})
	}
}

// A datagram full of beginnings of large hellos costs no more than one.
func TestHelloManyInOneDatagram(t *testing.T) {
	var d []byte
	for i := range byte(70) {
		d = append(d, recordHandshake, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, i, 0, handshakeHeader+1)
		d = append(d, helloType, 0, 0x1f, i, 0, i, 0, 0, 0, 0, 0, 1, 0)
	}
	if got := testing.AllocsPerRun(10, func() { (&hello{}).add(d) }); got > 5 {
		t.Errorf("%.0f allocations for a datagram, want those of one hello", got)
	}
}

func FuzzHello(f *testing.F) {
	for _, size := range []int{30, 1 << 10} {
		all, body := clientHello(size, profileCM128SHA80, profileGCM128)
		f.Add(all[0], body)
	}
	f.Fuzz(func(t *testing.T, datagram, body []byte) {
		var h hello
		for range maxFragments + 2 {
			if h.add(datagram) && len(h.body) > maxHello {
				t.Fatalf("a hello of %d bytes", len(h.body))
			}
			if len(h.datagrams) > maxFragments {
				t.Fatalf("%d datagrams are kept", len(h.datagrams))
			}
		}
		offers(h.body, profileGCM128)
		offers(body, profileGCM128)
	})
}

// request makes a check as a viewer sends it.
func request(t testing.TB, c *client, setters ...stun.Setter) []byte {
	t.Helper()
	all := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.v.locals[0].Ufrag + ":peer")}, setters...)
	all = append(all, stun.NewShortTermIntegrity(c.v.locals[0].Pwd), stun.Fingerprint)
	m, err := stun.Build(all...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// checks returns the binding requests that came to a socket.
func checks(s *socket) (all []*stun.Message) {
	s.receive(1<<10, func(b []byte, _ netip.AddrPort) {
		m := &stun.Message{Raw: append([]byte(nil), b...)}
		if b[0] < 4 && m.Decode() == nil && m.Type == stun.BindingRequest {
			all = append(all, m)
		}
	})
	return all
}

// A viewer moves to another address only once that address has answered a check: a request can claim to
// come from anywhere, and media must not be aimed at a third party.
func TestMoveNeedsAnAnswer(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	other, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.close() })
	use := stun.RawAttribute{Type: stun.AttrUseCandidate}
	r.s.datagram(request(t, c, use), other.local)
	if c.v.to.addr != c.sock.local {
		t.Fatal("moved without an answer")
	}
	asked := checks(other)
	if len(asked) != 1 {
		t.Fatalf("checks to the new address: got %d, want 1", len(asked))
	}
	answer := func(from netip.AddrPort, pwd string, extra ...stun.Setter) {
		all := append([]stun.Setter{asked[0], stun.BindingSuccess}, extra...)
		m, err := stun.Build(append(all, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)...)
		if err != nil {
			t.Fatal(err)
		}
		r.s.datagram(m.Raw, from)
	}
	answer(c.sock.local, c.v.peer.Pwd)
	answer(other.local, "not the password of the viewer")
	if c.v.to.addr != c.sock.local {
		t.Fatal("moved by a false answer")
	}
	// The attribute on which pion/stun panics when it is decoded.
	answer(other.local, c.v.peer.Pwd, stun.RawAttribute{Type: stun.AttrXORMappedAddress})
	if c.v.to.addr != other.local {
		t.Error("not moved by the answer")
	}
}

// What cannot be authenticated gets no reply, or none that is larger than the request.
func TestRepliesAreNoAmplifier(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	r.step(500*time.Millisecond, nil)
	c.read()
	in := request(t, c, stun.RawAttribute{Type: stun.AttrPriority, Value: make([]byte, 4)}, stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)})
	r.s.datagram(append([]byte(nil), in...), c.sock.local)
	out := 0
	c.sock.receive(10, func(b []byte, _ netip.AddrPort) { out += len(b) })
	if out == 0 || out > len(in) {
		t.Errorf("answer of %d bytes to a request of %d", out, len(in))
	}
	stranger, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.close() })
	hello, _ := clientHello(1<<10, profileGCM128)
	bad := append([]byte(nil), in...)
	bad[len(bad)-20] ^= 1
	for _, b := range [][]byte{bad, hello[0], {}, {0}, {0, 1}, {255, 255}, {128, 200, 0, 1, 0, 0, 0, 0}, make([]byte, 1500)} {
		r.s.datagram(append([]byte(nil), b...), stranger.local)
	}
	stranger.receive(10, func(b []byte, _ netip.AddrPort) { t.Errorf("a stranger got %d bytes", len(b)) })
	// A viewer that is there cannot be pushed off its address by another's check.
	d := r.join(p.s, "two", Form{Type: 96}, Form{Type: 111})
	r.s.datagram(request(t, d, stun.RawAttribute{Type: stun.AttrUseCandidate}), c.sock.local)
	if r.s.byAddr[c.sock.local] != c.v {
		t.Error("the address was taken over")
	}
}

// An SRTCP packet that comes twice, or was changed, has no effect.
func TestFeedbackIsAuthentic(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1}, &rtcp.Goodbye{Sources: []uint32{1}}})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := c.out.EncryptRTCP(nil, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		forged := append([]byte(nil), sealed...)
		forged[i] ^= 0x40
		r.s.datagram(forged, c.sock.local)
	}
	if len(c.ended) != 0 {
		t.Fatal("a forged BYE ended the session")
	}
	quiet, err := c.out.EncryptRTCP(nil, b[:8], nil)
	if err != nil {
		t.Fatal(err)
	}
	r.s.datagram(append([]byte(nil), quiet...), c.sock.local)
	if _, err := c.v.seal.openControl(append([]byte(nil), quiet...)); !errors.Is(err, errReplay) {
		t.Errorf("the packet again: got %v, want %v", err, errReplay)
	}
	r.s.datagram(sealed, c.sock.local)
	if len(c.ended) != 1 || c.ended[0] != ReasonLeft {
		t.Errorf("ended: got %v, want %v once", c.ended, ReasonLeft)
	}
}

// Browsers send RTCP of each m-line under an SSRC of its own, and number each by itself.
func TestEachSenderHasItsOwnIndexes(t *testing.T) {
	for _, row := range []struct {
		name    string
		salt    int
		profile srtp.ProtectionProfile
		make    func(key, salt, peerKey, peerSalt []byte) (*sealer, error)
	}{
		{"gcm", 12, srtp.ProtectionProfileAeadAes128Gcm, newGCM},
		{"cm", 14, srtp.ProtectionProfileAes128CmHmacSha1_80, newCM},
	} {
		t.Run(row.name, func(t *testing.T) {
			k, salt := make([]byte, 16), make([]byte, row.salt)
			s, err := row.make(k, salt, k, salt)
			if err != nil {
				t.Fatal(err)
			}
			out, err := srtp.CreateContext(k, salt, row.profile)
			if err != nil {
				t.Fatal(err)
			}
			seal := func(ssrc uint32) []byte {
				b, err := out.EncryptRTCP(nil, binary.BigEndian.AppendUint32([]byte{0x80, 201, 0, 1}, ssrc), nil)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			for i := range uint32(1000) { // of no one: nothing is kept
				forged := seal(5000 + i)
				forged[len(forged)-20] ^= 1
				if _, err := s.openControl(forged); err == nil {
					t.Fatal("a forged packet was taken")
				}
			}
			if len(s.senders) != 0 {
				t.Fatalf("forged packets left %d senders", len(s.senders))
			}
			for ssrc := range uint32(maxSenders) {
				for range 2 {
					b := seal(ssrc)
					if _, err := s.openControl(append([]byte(nil), b...)); err != nil {
						t.Errorf("packet of sender %d: %v", ssrc, err)
					}
					if _, err := s.openControl(append([]byte(nil), b...)); err == nil {
						t.Errorf("packet of sender %d was taken twice", ssrc)
					}
				}
			}
			if _, err := s.openControl(seal(maxSenders)); err == nil || len(s.senders) != maxSenders {
				t.Errorf("sender %d was taken: %d are kept", maxSenders, len(s.senders))
			}
		})
	}
}

// A check that claims to come from the address of a quiet viewer does not make the edge deaf to that viewer;
// where the viewer is really gone, the newcomer gets the address.
func TestAddressOfAQuietViewer(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	r.step(3*time.Second, nil)
	admit := func(session string) *client {
		r.s.admit(Join{Session: session, StreamID: "floor", Source: source1{p.s}, Local: Credentials{session, "password of the edge side"},
			Peer: Credentials{"peer", "password of the viewer side"}, Ready: func() {}, Ended: func(Reason) {}}, r.s.now)
		return &client{v: r.s.bySess[session]}
	}
	d, e := admit("two"), admit("three")
	r.s.datagram(request(t, d), c.sock.local)
	if r.s.byAddr[c.sock.local] != c.v {
		t.Fatal("the address was taken over")
	}
	r.s.datagram(request(t, c), c.sock.local)
	r.step(4*time.Second, nil)
	if len(c.ended) != 0 {
		t.Fatalf("a viewer that goes on sending checks ended: %v", c.ended)
	}
	r.s.datagram(request(t, d), c.sock.local)
	r.step(4*time.Second, nil)
	if len(c.ended) != 1 || c.ended[0] != ReasonLeft {
		t.Fatalf("the viewer that is gone: got %v, want %v", c.ended, ReasonLeft)
	}
	r.s.datagram(request(t, d), c.sock.local)
	r.s.datagram(request(t, e), c.sock.local)
	r.s.datagram(request(t, d), c.sock.local)
	if r.s.byAddr[c.sock.local] != d.v {
		t.Error("a session cannot get the address back that another claimed and never used")
	}
}

// Who changes its choice without end gets no key frame for each change, and sees its last choice all the same.
func TestSelectingWithoutEnd(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	r.step(time.Second, c.read)
	before := len(c.packets)
	for i := range 100 {
		r.s.selected(c.v, Selection{AudioOnly: i%2 == 0}, r.s.now)
		r.step(5*time.Millisecond, c.read)
	}
	if n := len(c.packets) - before; n > 2*perFrame {
		t.Errorf("%d packets for 100 changes in half a second, want at most 2 frames of %d", n, perFrame)
	}
	r.s.selected(c.v, Selection{AudioOnly: true}, r.s.now)
	r.step(1200*time.Millisecond, c.read)
	if c.v.video.flow() != nil {
		t.Error("the last choice, sound alone, was not heeded")
	}
}

// Viewers that say nothing for 30 s are gone, and those that never finish their handshake after 10 s.
func TestExpiry(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	var never []Reason
	r.s.admit(Join{Session: "two", StreamID: "floor", Source: source1{p.s}, Local: Credentials{"two", "x"},
		Ready: func() {}, Ended: func(why Reason) { never = append(never, why) }}, r.now.Sub(r.s.started))
	r.step(9*time.Second, c.read)
	if len(never) != 0 {
		t.Error("the unfinished session ended early")
	}
	r.step(3*time.Second, c.read)
	if len(never) != 1 || never[0] != ReasonHandshake {
		t.Errorf("unfinished session: got %v, want %v", never, ReasonHandshake)
	}
	r.step(17*time.Second, c.read)
	if len(c.ended) != 0 {
		t.Errorf("ended early: %v", c.ended)
	}
	r.step(4*time.Second, c.read)
	if len(c.ended) != 1 || c.ended[0] != ReasonVanished {
		t.Errorf("silent viewer: got %v, want %v", c.ended, ReasonVanished)
	}
	if len(r.s.viewers) != 0 || len(r.s.feeds) != 0 || len(r.s.byAddr) != 0 || len(r.s.byUfrag) != 0 || len(r.s.ice.checks) != 0 {
		t.Errorf("something is left: %d viewers, %d feeds, %d addresses, %d names, %d checks",
			len(r.s.viewers), len(r.s.feeds), len(r.s.byAddr), len(r.s.byUfrag), len(r.s.ice.checks))
	}
}

// FuzzDatagram gives a shard bytes from outside: as they are, from a stranger and a viewer; and with the
// integrity of a viewer who means harm.
func FuzzDatagram(f *testing.F) {
	r := newRig(f)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	c := r.join(p.s, "one", Form{Type: 96}, Form{Type: 111})
	hello, _ := clientHello(1<<10, profileGCM128)
	f.Add(request(f, c))
	f.Add(hello[0])
	f.Add([]byte{recordAlert, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0})
	nack, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1}, &rtcp.TransportLayerNack{MediaSSRC: c.v.video.media.SSRC, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(nack)
	f.Add((&stun.Message{}).Raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		r.t = t
		stranger := netip.MustParseAddrPort("127.0.0.1:9")
		r.s.datagram(append([]byte(nil), b...), stranger)
		r.s.datagram(append([]byte(nil), b...), c.sock.local)
		m := &stun.Message{Raw: append([]byte(nil), b...)}
		if m.Decode() == nil {
			for _, pwd := range []string{c.v.locals[0].Pwd, c.v.peer.Pwd} {
				signed := *m
				signed.Raw = append([]byte(nil), m.Raw...)
				if signed.Decode() == nil && stun.NewShortTermIntegrity(pwd).AddTo(&signed) == nil {
					r.s.datagram(signed.Raw, c.sock.local)
				}
			}
		}
		if len(b) >= 8 && len(b) <= maxControl {
			r.s.heed(c.v, append([]byte(nil), b...))
		}
		r.s.batch.flush()
		c.sock.receive(1<<10, func([]byte, netip.AddrPort) {})
		if c.v.place < 0 { // a BYE
			c = r.joinAt(c.sock, p.s, "one", Form{Type: 96}, Form{Type: 111})
		}
		r.s.probe(r.s.now)
		if len(r.s.ice.checks) > 1 || len(r.s.ice.doubted) > 1 {
			t.Fatalf("%d checks and %d in doubt for one viewer", len(r.s.ice.checks), len(r.s.ice.doubted))
		}
	})
}
