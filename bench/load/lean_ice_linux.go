package load

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/stun"
	"golang.org/x/sys/unix"
)

// leanPriority is that of a peer-reflexive candidate (RFC 8445, section 7.1.1).
var leanPriority = []byte{0x6e, 0, 0xff, 0xff}

// ask sends v's next check: to all candidates while none has answered, to the one that did until it knows that it
// was chosen, and then to keep consent fresh (RFC 7675).
func (l *leanLoop) ask(v *leanViewer, now time.Time) {
	if v.nominated {
		_, _ = rand.Read(v.check[:])                                           // never fails
		v.checkAt = now.Add(consentEvery*8/10 + mathrand.N(consentEvery*4/10)) // RFC 7675, section 5.1
	} else {
		// The same transaction until it is answered: 50 ms, twice as long each time, 500 ms at most.
		if v.checks == 0 {
			_, _ = rand.Read(v.check[:])
		}
		v.checkAt = now.Add(min(50*time.Millisecond<<min(v.checks, 4), 500*time.Millisecond))
		v.checks++
	}
	if l.request(v) != nil {
		return
	}
	if v.connected {
		_, _ = unix.Write(v.fd, l.out.Raw) // lost like any datagram
		return
	}
	for _, to := range v.answer.candidates {
		_ = unix.Sendto(v.fd, l.out.Raw, unix.MSG_DONTWAIT, sockaddr(to))
	}
}

// request builds a check into l.out. The viewer made the offer, so it controls: it nominates the candidate that
// answered first, and no other, or a full agent might choose another than the socket is connected to.
func (l *leanLoop) request(v *leanViewer) error {
	var tie [8]byte
	copy(tie[:], v.own.pwd)
	set := append(l.setters[:0], stun.NewTransactionIDSetter(v.check), stun.BindingRequest,
		stun.NewUsername(v.answer.peer.ufrag+":"+v.own.ufrag),
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: tie[:]},
		stun.RawAttribute{Type: stun.AttrPriority, Value: leanPriority})
	if v.connected {
		set = append(set, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	return l.out.Build(append(set, stun.NewShortTermIntegrity(v.answer.peer.pwd), stun.Fingerprint)...)
}

// stun takes a check of the server's, or the answer to one of v's. Only authentic messages have any effect.
func (l *leanLoop) stun(v *leanViewer, b []byte, from netip.AddrPort, now time.Time) {
	m := &l.in
	m.Raw = append(m.Raw[:0], b...) // pion's integrity check writes behind the message
	if m.Decode() != nil {
		v.seat.record.Forged++
		return
	}
	switch m.Type {
	case stun.BindingRequest:
		name, err := m.Get(stun.AttrUsername)
		key := stun.NewShortTermIntegrity(v.own.pwd)
		if ufrag, _, _ := strings.Cut(string(name), ":"); err != nil || ufrag != v.own.ufrag || key.Check(m) != nil {
			v.seat.record.Forged++
			return
		}
		l.reply(v, m, key, from)
	case stun.BindingSuccess: // its XOR-MAPPED-ADDRESS is never decoded: nobody needs it, and pion/stun v0.6.1 panics on one of zero length
		if m.TransactionID != v.check {
			return // of an earlier check
		}
		if stun.NewShortTermIntegrity(v.answer.peer.pwd).Check(m) != nil {
			v.seat.record.Forged++
			return
		}
		v.heard = now
		switch {
		case !v.connected:
			l.foundAt(v, from, now)
		case !v.nominated:
			v.nominated = true
			v.checkAt = now.Add(consentEvery)
		}
	}
}

// reply answers the check m, which came from there; invalid: from where v is connected to.
func (l *leanLoop) reply(v *leanViewer, m *stun.Message, key stun.MessageIntegrity, from netip.AddrPort) {
	at := from
	if !at.IsValid() {
		at = v.to
	}
	err := l.out.Build(m, stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IP(at.Addr().AsSlice()), Port: int(at.Port())}, key, stun.Fingerprint)
	if err != nil {
		return
	}
	if v.connected {
		_, _ = unix.Write(v.fd, l.out.Raw) // lost like any datagram
		return
	}
	_ = unix.Sendto(v.fd, l.out.Raw, unix.MSG_DONTWAIT, sockaddr(at))
}

// foundAt is called when the server has answered from there: all goes that way from here on.
func (l *leanLoop) foundAt(v *leanViewer, at netip.AddrPort, now time.Time) {
	if err := unix.Connect(v.fd, sockaddr(at)); err != nil {
		l.end(v, EndSelf, err.Error())
		return
	}
	v.connected, v.to = true, at
	v.checks = 0
	v.seat.record.ICE = v.seat.since(now)
	close(v.found)
	l.ask(v, now)
}
