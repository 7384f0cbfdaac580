package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/srtp/v2"
	"golang.org/x/sys/unix"
)

// offerTo opens s's socket and exchanges offer and answer at endpoint.
func (c *leanCrowd) offerTo(ctx context.Context, s *seat, endpoint, token string) (_ *leanViewer, _ *exchange, err error) {
	fd, local, err := openLean(c.local)
	if err != nil {
		return nil, nil, &joinError{EndSelf, err}
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd) // nothing was sent
		}
	}()
	own := newCredentials()
	x, text, err := postBy(ctx, c.client, endpoint, token, c.offer.text(own, local))
	if err != nil {
		return nil, nil, refusal(err)
	}
	s.record.Answer = s.since(time.Now())
	answer, err := parseLeanAnswer(text)
	if err == nil {
		answer.candidates = sameFamily(answer.candidates, c.local)
		if len(answer.candidates) == 0 {
			err = errors.New("the answer has no candidate of the address family in use")
		}
	}
	if err != nil {
		_ = x.delete() // a courtesy
		return nil, nil, &joinError{EndAnswer, fmt.Errorf("answer of %s: %w", redacted(x.session), err)}
	}
	l := c.loops[s.record.Viewer%len(c.loops)]
	return newLeanViewer(l, s, fd, own, answer), x, nil
}

func sameFamily(all []netip.AddrPort, as netip.Addr) (same []netip.AddrPort) {
	for _, a := range all {
		if a.Addr().Is4() == as.Is4() {
			same = append(same, a)
		}
	}
	return same
}

// connect takes v through ICE and DTLS, within open, and hands the keys to its loop.
func (c *leanCrowd) connect(ctx, open context.Context, v *leanViewer) error {
	select {
	case <-v.found:
	case <-v.ended:
		return net.ErrClosed // its record says why
	case <-open.Done():
		return &joinError{EndICE, ErrNeverConnected}
	}
	profiles := []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80}
	if c.cfg.srtp() == SRTPCM {
		profiles = profiles[1:]
	}
	cfg := &dtls.Config{
		Certificates: []tls.Certificate{c.cert}, SRTPProtectionProfiles: profiles, LoggerFactory: c.quiet,
		ClientAuth: dtls.RequireAnyClientCert, ExtendedMasterSecret: dtls.RequireExtendedMasterSecret,
		InsecureSkipVerify:      true, // there is no authority: the fingerprint of the answer says who it is
		InsecureSkipVerifyHello: true, // ICE has verified the way already
		VerifyPeerCertificate:   v.answer.verify,
	}
	shake := dtls.ClientWithContext
	if v.answer.serve {
		shake = dtls.ServerWithContext
	}
	d, err := shake(open, v.conn, cfg)
	if err != nil {
		v.conn.detach()
		return &joinError{EndDTLS, err}
	}
	keys, err := exportKeys(d, v.answer.serve)
	if err != nil {
		v.conn.detach()
		_ = d.Close() // detached: nothing is sent
		return &joinError{EndDTLS, err}
	}
	v.loop.do(func(now time.Time) { v.loop.keyed(v, keys, now) })
	c.lingering.Go(func() {
		if v.answer.serve {
			pause(ctx, lingerServer)
		}
		v.conn.detach() // first: an alert that closes DTLS would end the session
		_ = d.Close()
	})
	return nil
}

// leanKeys open and seal what one viewer gets and sends.
type leanKeys struct {
	in, out *srtp.Context
	name    string // gcm or cm
}

// exportKeys derives the keys from a finished handshake (RFC 5764, section 4.2).
func exportKeys(d *dtls.Conn, server bool) (leanKeys, error) {
	profile, ok := d.SelectedSRTPProtectionProfile()
	if !ok {
		return leanKeys{}, errors.New("the server agreed on no SRTP protection")
	}
	k, protection, salt := leanKeys{name: SRTPGCM}, srtp.ProtectionProfileAeadAes128Gcm, 12
	if profile != dtls.SRTP_AEAD_AES_128_GCM {
		k, protection, salt = leanKeys{name: SRTPCM}, srtp.ProtectionProfileAes128CmHmacSha1_80, 14
	}
	state := d.ConnectionState()
	km, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(16+salt))
	if err != nil {
		return leanKeys{}, fmt.Errorf("export srtp keys: %w", err)
	}
	clientKey, serverKey, clientSalt, serverSalt := km[:16], km[16:32], km[32:32+salt], km[32+salt:]
	if server {
		clientKey, serverKey, clientSalt, serverSalt = serverKey, clientKey, serverSalt, clientSalt
	}
	if k.in, err = srtp.CreateContext(serverKey, serverSalt, protection); err != nil {
		return leanKeys{}, err
	}
	k.out, err = srtp.CreateContext(clientKey, clientSalt, protection)
	return k, err
}
