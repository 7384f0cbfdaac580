package egress

import (
	"crypto/rand"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/stun"
)

// iceScratch is reused from one STUN message to the next.
type iceScratch struct {
	in, out stun.Message
	checks  map[[stun.TransactionIDSize]byte]*viewer // open checks of our own; at most maxChecks a viewer
	doubted []*viewer                                // those that must answer a check to stay
}

// datagram takes what came from a viewer's address: STUN, DTLS or SRTCP (RFC 7983).
func (s *Shard) datagram(b []byte, from netip.AddrPort) {
	switch {
	case len(b) < 2:
		s.m.hostile(hostileShort)
	case b[0] < 4:
		s.stun(b, from)
	case b[0] >= 20 && b[0] < 64:
		s.dtls(b, from)
	case b[0] >= 128 && b[0] < 192:
		s.srtcp(b, from)
	default:
		s.m.hostile(hostileUnknown)
	}
}

// stun answers connectivity checks as an ICE-lite agent does (RFC 8445), and takes the answer to the
// check of its own that it sends to each new address. Only authentic messages have any effect.
func (s *Shard) stun(b []byte, from netip.AddrPort) {
	m := &s.ice.in
	m.Raw = append(m.Raw[:0], b...) // pion's integrity check writes behind the message
	if err := m.Decode(); err != nil {
		s.m.hostile(hostileSTUN)
		return
	}
	switch m.Type {
	case stun.BindingRequest:
		s.checked(m, from)
	case stun.BindingSuccess:
		s.answered(m, from)
	default:
		s.m.hostile(hostileSTUN)
	}
}

// checked takes a binding request.
func (s *Shard) checked(m *stun.Message, from netip.AddrPort) {
	name, err := m.Get(stun.AttrUsername)
	if err != nil {
		s.m.hostile(hostileSTUN)
		return
	}
	ufrag, _, _ := strings.Cut(string(name), ":")
	v := s.byUfrag[ufrag]
	if v == nil {
		s.m.hostile(hostileUfrag)
		return
	}
	local := v.locals[0]
	if ufrag != local.Ufrag {
		local = v.locals[1]
	}
	key := stun.NewShortTermIntegrity(local.Pwd)
	if key.Check(m) != nil {
		s.m.hostile(hostileIntegrity)
		return
	}
	if other := s.byAddr[from]; other != nil && other != v && other.seal != nil {
		s.m.hostile(hostileTaken) // nobody takes over the address of a viewer who is there
		s.doubt(other)            // is it?
		return
	}
	s.alive(v)
	nominated := m.Contains(stun.AttrUseCandidate)
	if s.accept(m, key, from) != nil {
		return
	}
	begun := v.seal != nil || v.conn != nil
	moves := nominated && begun && v.to.addr != from
	switch {
	case v.to.addr == from:
		s.byAddr[from] = v // another session may have claimed the address and never finished
	case !begun && (nominated || !v.to.addr.IsValid()):
		s.move(v, from) // nothing goes there before it has answered
	}
	// What goes to v follows once the new address has answered, or it could be aimed at anyone.
	if moves || v.seal == nil && !v.checks.passed(from) {
		s.check(v, from, moves)
	}
	s.begin(v)
}

// accept answers the request m from a viewer whose password is key.
func (s *Shard) accept(m *stun.Message, key stun.MessageIntegrity, from netip.AddrPort) error {
	out := &s.ice.out
	err := out.Build(m, stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IP(from.Addr().AsSlice()), Port: int(from.Port())}, key, stun.Fingerprint)
	if err != nil {
		return err
	}
	e := s.socket.endpoint(from)
	return s.socket.write(out.Raw, &e)
}

// move sets where v is.
func (s *Shard) move(v *viewer, to netip.AddrPort) {
	if s.byAddr[v.to.addr] == v {
		delete(s.byAddr, v.to.addr)
	}
	v.to = s.socket.endpoint(to)
	s.byAddr[to] = v
	s.repath(v)
	if v.conn != nil {
		v.conn.move(v.to)
	}
}

// check sends v a binding request of our own. An ICE-lite agent need not, but full agents then nominate
// the pair at once instead of at their next tick, and its answer proves that v is at that address. moves says
// that v goes there when it has answered.
func (s *Shard) check(v *viewer, to netip.AddrPort, moves bool) {
	c := s.checkOf(v, to)
	c.moves = c.moves || moves
	if !c.open {
		c.open = true
		_, _ = rand.Read(c.id[:]) // never fails
		s.ice.checks[c.id] = v
	} else if s.now-c.sent < checkEvery {
		return
	}
	c.sent = s.now
	var controlled [8]byte
	_, _ = rand.Read(controlled[:])
	out := &s.ice.out
	err := out.Build(stun.NewTransactionIDSetter(c.id), stun.BindingRequest,
		stun.NewUsername(v.peer.Ufrag+":"+v.locals[0].Ufrag),
		stun.RawAttribute{Type: stun.AttrICEControlled, Value: controlled[:]},
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 0x1e, 0xff}}, // peer reflexive, RFC 8445 section 5.1.2
		stun.NewShortTermIntegrity(v.peer.Pwd), stun.Fingerprint)
	if err != nil {
		return
	}
	e := s.socket.endpoint(to)
	_ = s.socket.write(out.Raw, &e) // lost like any datagram
}

// answered takes the answer to a check. Its XOR-MAPPED-ADDRESS is never decoded: nobody needs it, and
// pion/stun v0.6.1 panics on one of zero length.
func (s *Shard) answered(m *stun.Message, from netip.AddrPort) {
	v := s.ice.checks[m.TransactionID]
	if v == nil {
		s.m.hostile(hostileSTUN)
		return
	}
	c := v.checks.of(from)
	if c == nil || c.id != m.TransactionID {
		s.m.hostile(hostileSTUN)
		return
	}
	if stun.NewShortTermIntegrity(v.peer.Pwd).Check(m) != nil {
		s.m.hostile(hostileIntegrity)
		return
	}
	delete(s.ice.checks, c.id)
	moves := c.moves
	c.open, c.moves, c.answered = false, false, true
	s.alive(v)
	if moves && v.to.addr != from {
		s.move(v, from)
		if v.seal != nil {
			s.m.moves.Inc()
		}
	}
	s.begin(v)
}

// restart gives v new credentials; the old ones stay good until the next restart, since checks with
// them may be on their way.
func (s *Shard) restart(v *viewer, local, peer Credentials) {
	if old := v.locals[1].Ufrag; s.byUfrag[old] == v {
		delete(s.byUfrag, old)
	}
	v.locals[1], v.locals[0], v.peer = v.locals[0], local, peer
	s.byUfrag[local.Ufrag] = v
}

// alive notes an authentic packet of v.
func (s *Shard) alive(v *viewer) { v.seen, v.probing = s.now, 0 }

// doubt checks whether v is still there. DTLS is dropped after the handshake, so its goodbye cannot be
// authenticated: it is only a reason to ask.
func (s *Shard) doubt(v *viewer) {
	if v.probing > 0 {
		return
	}
	v.probing, v.probeAt = probes+1, s.now
	if !v.doubted {
		v.doubted = true
		s.ice.doubted = append(s.ice.doubted, v)
	}
}

// probe asks those in doubt, and ends those that have not answered.
func (s *Shard) probe(at mono) {
	left := s.ice.doubted[:0]
	for _, v := range s.ice.doubted {
		if v.place < 0 || v.probing == 0 {
			v.doubted = false
			continue
		}
		if at >= v.probeAt {
			v.probing--
			v.probeAt = at + probeEvery
			if v.probing == 0 {
				v.doubted = false
				s.end(v, ReasonLeft)
				continue
			}
			s.check(v, v.to.addr, false)
		}
		left = append(left, v)
	}
	clear(s.ice.doubted[len(left):])
	s.ice.doubted = left
}
