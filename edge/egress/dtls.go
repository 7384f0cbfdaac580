package egress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/dtls/v2"
)

const (
	// lingerDTLS is how long DTLS stays after the handshake, to send its last flight again should the
	// first have been lost. Then it goes: three goroutines and 30 KB a viewer.
	lingerDTLS = 2 * time.Second

	handshakesQueue = 2000 // RELIABILITY section 4: unfinished sessions a node
)

var errFingerprint = errors.New("certificate is not the one of the offer")

// A handshake is what a worker needs of a viewer.
type handshake struct {
	shard *Shard
	v     *viewer // only handed back
	from  netip.Addr
	conn  *conn
	print Fingerprint
	gcm   bool
}

// dtls takes a DTLS record from a viewer.
func (s *Shard) dtls(b []byte, from netip.AddrPort) {
	v := s.byAddr[from]
	switch {
	case v == nil:
		s.m.hostile(hostileAddress)
	case v.conn != nil:
		v.conn.feed(b)
	case v.seal != nil:
		if b[0] == recordAlert {
			s.doubt(v)
		}
	default:
		s.greet(v, b)
	}
}

// greet gathers v's ClientHello.
func (s *Shard) greet(v *viewer, b []byte) {
	if v.hello == nil {
		v.hello = &hello{}
	}
	if !v.hello.add(b) {
		return
	}
	if !v.checks.passed(v.to.addr) {
		s.check(v, v.to.addr, false) // the one before may be lost
	}
	s.begin(v)
}

// begin starts v's handshake once its ClientHello is whole and its address has answered a check: the answer to
// a hello is several times as large, and is repeated, so that it must not be aimed at a third party.
func (s *Shard) begin(v *viewer) {
	h := v.hello
	if h == nil || !h.whole() || !v.checks.passed(v.to.addr) {
		return
	}
	v.hello = nil
	v.conn = newConn(s.socket, v.to, s.egress.parse, s.egress.sign)
	for _, d := range h.datagrams {
		v.conn.feed(d)
	}
	// Whether GCM is offered decides: pion/dtls alone would take the first profile of the viewer's list,
	// and AES-CM costs six times as much to seal.
	job := handshake{shard: s, v: v, from: v.to.addr.Addr(), conn: v.conn, print: v.join.Fingerprint, gcm: offers(h.body, profileGCM128)}
	select {
	case s.egress.handshakes <- job:
	default:
		s.m.dropped(dropHandshake, 1)
		v.conn.detach()
		v.conn = nil // the viewer repeats its hello
	}
}

// work starts handshakes, each in a goroutine of its own, until ctx ends; it returns when all have ended.
func (e *Egress) work(ctx context.Context) {
	var open sync.WaitGroup
	defer open.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-e.handshakes:
			// For its first steps; its first Read passes.
			if h.conn.parse.take(h.conn.dead, ctx.Done()) && !h.conn.detached() {
				e.start(ctx, h, &open)
			}
		}
	}
}

// start runs h, if there is room, in a goroutine of its own.
func (e *Egress) start(ctx context.Context, h handshake, open *sync.WaitGroup) {
	ctx, cancel := context.WithCancel(ctx)
	of := &entry{from: h.from, began: e.deps.Now(), end: cancel}
	ok, cut := e.door.enter(of)
	if cut {
		e.m.stalled.Inc()
	}
	if !ok {
		cancel()
		h.refused()
		return
	}
	open.Go(func() {
		defer cancel()
		defer e.door.leave(of)
		h.run(ctx, e.cfg.Certificate, func() { e.door.leave(of) })
	})
}

// run performs one handshake and lingers; its result goes to the shard. done is called in between.
func (h handshake) run(ctx context.Context, cert tls.Certificate, done func()) {
	open, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	profile := dtls.SRTP_AES128_CM_HMAC_SHA1_80
	if h.gcm {
		profile = dtls.SRTP_AEAD_AES_128_GCM
	}
	c, err := dtls.ServerWithContext(open, h.conn, &dtls.Config{
		GetCertificate: func(hello *dtls.ClientHelloInfo) (*tls.Certificate, error) {
			// pion/dtls asks once before the handshake, for the kind of the key, and once to sign with it.
			if len(hello.CipherSuites) > 0 && !h.conn.sign.take(h.conn.dead, open.Done()) {
				return nil, net.ErrClosed
			}
			return &cert, nil
		},
		SRTPProtectionProfiles:  []dtls.SRTPProtectionProfile{profile},
		ClientAuth:              dtls.RequireAnyClientCert,
		ExtendedMasterSecret:    dtls.RequireExtendedMasterSecret,
		InsecureSkipVerify:      true, // there is no authority: the fingerprint of the offer says who it is
		VerifyPeerCertificate:   h.print.verify,
		InsecureSkipVerifyHello: true, // the address has answered a check already
	})
	if err != nil {
		h.conn.detach()
		h.failed(err)
		return
	}
	h.conn.parse.end()
	seal, err := exported(c)
	if err == nil {
		err = h.shard.do(open, func(at mono) { h.shard.keyed(h.v, h.conn, seal, at) })
	}
	if err != nil {
		h.conn.detach()
		_ = c.Close()
		h.failed(err)
		return
	}
	done()
	h.linger(ctx, c)
}

// exported takes the SRTP keys out of a finished handshake.
func exported(c *dtls.Conn) (*sealer, error) {
	profile, ok := c.SelectedSRTPProtectionProfile()
	if !ok {
		return nil, errors.New("viewer agreed on no SRTP protection")
	}
	state := c.ConnectionState()
	return newSealer(&state, profile)
}

// linger keeps c until its last flight is surely there, or the viewer says goodbye by it.
func (h handshake) linger(ctx context.Context, c *dtls.Conn) {
	stop := context.AfterFunc(ctx, h.conn.detach)
	defer stop()
	_ = c.SetReadDeadline(time.Now().Add(lingerDTLS))
	var b [readSize]byte
	var err error
	for err == nil {
		_, err = c.Read(b[:])
	}
	left := h.conn.closed.Load()
	h.conn.detach() // first: what Close writes must not reach the viewer
	_ = c.Close()
	// On failure the shard has ended, and the viewer with it.
	_ = h.shard.do(ctx, func(mono) { h.shard.unconn(h.v, h.conn, left) })
}

// refused lets the viewer repeat its hello, later.
func (h handshake) refused() {
	h.conn.detach()
	h.shard.m.dropped(dropHandshake, 1)
	// On failure the shard has ended, and the viewer with it.
	_ = h.shard.do(context.Background(), func(mono) {
		if h.v.conn == h.conn {
			h.v.conn = nil
		}
	})
}

func (h handshake) failed(err error) {
	// On failure the shard has ended, and the viewer with it.
	_ = h.shard.do(context.Background(), func(mono) {
		if h.v.conn == h.conn {
			h.v.conn = nil
			h.v.join.Log.Info("handshake failed", "err", err)
			h.shard.end(h.v, ReasonHandshake)
		}
	})
}

// keyed gives v the keys of its handshake.
func (s *Shard) keyed(v *viewer, c *conn, seal *sealer, at mono) {
	if v.place < 0 || v.conn != c || v.seal != nil {
		return
	}
	v.seal = seal
	s.alive(v)
	s.enter(v, at)
}

// unconn drops v's DTLS.
func (s *Shard) unconn(v *viewer, c *conn, left bool) {
	if v.conn != c {
		return
	}
	v.conn = nil
	if left {
		s.end(v, ReasonLeft)
	}
}

// verify compares a peer's certificate with the fingerprint of its offer.
func (f Fingerprint) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 {
		return errFingerprint
	}
	var sum []byte
	switch f.Hash {
	case "sha-256":
		h := sha256.Sum256(raw[0])
		sum = h[:]
	case "sha-384":
		h := sha512.Sum384(raw[0])
		sum = h[:]
	case "sha-512":
		h := sha512.Sum512(raw[0])
		sum = h[:]
	default:
		return fmt.Errorf("fingerprint of %q: %w", f.Hash, errFingerprint)
	}
	if !bytes.Equal(sum, f.Sum) {
		return errFingerprint
	}
	return nil
}
