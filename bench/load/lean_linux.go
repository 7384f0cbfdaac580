package load

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/crypto/selfsign"
	"github.com/pion/logging"
	"github.com/pion/srtp/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	goodbyes    = 32               // DELETEs at once
	goodbyeTime = 20 * time.Second // for all of them: a server reaps sessions by itself

	// lingerServer is how long DTLS stays where the server opened it, to send the last flight again.
	lingerServer = 2 * time.Second

	spareFiles = 64 // descriptors that are no viewer's: epoll, HTTP, the terminal
)

// A leanCrowd plays viewers without a PeerConnection: a few loops own all sockets and all state of those who
// watch. A goroutine stands for a viewer only while it joins.
type leanCrowd struct {
	cfg    SwarmConfig
	offer  leanOffer
	cert   tls.Certificate
	quiet  logging.LoggerFactory
	client *http.Client
	local  netip.Addr // of this machine, as the server's host is reached
	loops  []*leanLoop

	lingering sync.WaitGroup // of handshakes that are done
}

func newLean(cfg SwarmConfig) (crowd, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < uint64(cfg.Viewers+spareFiles) {
		return nil, fmt.Errorf("viewers: %d need as many files, and %d are allowed (ulimit -n)", cfg.Viewers, limit.Cur)
	}
	local, err := localAddress(cfg.URL)
	if err != nil {
		return nil, err
	}
	codecs, err := offered(PlayConfig{})
	if err != nil {
		return nil, err
	}
	cert, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, err
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled // what goes wrong is in the record
	c := &leanCrowd{
		cfg: cfg, cert: cert, quiet: quiet, local: local,
		offer:  leanOffer{codecs: codecs, fingerprint: printSum(sha256.Sum256(cert.Certificate[0]))},
		client: newClient(goodbyes),
	}
	for range runtime.GOMAXPROCS(0) {
		l, err := newLeanLoop(cfg.mode() == ModeFiltered)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.loops = append(c.loops, l)
	}
	return c, nil
}

func printSum(sum [sha256.Size]byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// localAddress is the one from which the host of endpoint is reached. Nothing is sent for it.
func localAddress(endpoint string) (netip.Addr, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return netip.Addr{}, err
	}
	c, err := net.Dial("udp", net.JoinHostPort(u.Hostname(), "9"))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("way to %s: %w", u.Hostname(), err)
	}
	defer func() { _ = c.Close() }() // nothing was sent
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().WithZone(""), nil
}

func (c *leanCrowd) close() error {
	var all []error
	for _, l := range c.loops {
		all = append(all, l.close())
	}
	return errors.Join(all...)
}

func (c *leanCrowd) run(ctx context.Context) error {
	var g errgroup.Group
	for _, l := range c.loops {
		g.Go(func() error { return l.run(ctx) })
	}
	err := g.Wait()
	c.lingering.Wait()
	c.client.CloseIdleConnections()
	return errors.Join(err, c.close())
}

// each has f done by every loop, and returns when all have.
func (c *leanCrowd) each(f func(*leanLoop, time.Time)) {
	var all sync.WaitGroup
	for _, l := range c.loops {
		all.Add(1)
		l.do(func(now time.Time) { defer all.Done(); f(l, now) })
	}
	all.Wait()
}

func (c *leanCrowd) begin() { c.each((*leanLoop).begin) }
func (c *leanCrowd) end()   { c.each((*leanLoop).finish) }

func (c *leanCrowd) delays() *histogram {
	var all histogram
	for _, l := range c.loops {
		all.merge(&l.delays)
	}
	return &all
}

// leave tells the server that all viewers go, and takes them out.
func (c *leanCrowd) leave() {
	var mu sync.Mutex
	var all []*exchange
	c.each(func(l *leanLoop, now time.Time) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, l.part(now)...)
	})
	defer c.each((*leanLoop).clear)
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(goodbyes)
	for _, x := range all {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			_ = x.delete() // a courtesy
			return nil
		})
	}
	_ = g.Wait() // without errors
}

// join implements crowd.
func (c *leanCrowd) join(ctx context.Context, s *seat) bool {
	open, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	v, x, err := c.offerTo(open, s)
	if err != nil {
		s.record.fail(ctx, err)
		return false
	}
	// From here on the loop owns v and its record.
	v.loop.do(func(now time.Time) { v.loop.add(v, x, now) })
	if err := c.connect(ctx, open, v); err != nil {
		v.loop.do(func(time.Time) { v.loop.fail(ctx, v, err) })
		_ = x.delete() // a courtesy
		<-v.ended
		return false
	}
	picture, cancel := context.WithTimeout(ctx, pictureTimeout)
	defer cancel()
	select {
	case <-v.picture:
		return true
	case <-v.ended:
		return s.record.FirstPicture > 0
	case <-picture.Done():
	}
	v.loop.do(func(time.Time) {
		v.loop.fail(ctx, v, &joinError{EndPicture, errors.New("connected, but no whole key frame in time")})
	})
	select {
	case <-v.picture: // just now
		return true
	case <-v.ended:
		_ = x.delete() // a courtesy
		return false
	}
}

// offerTo opens s's socket and exchanges offer and answer.
func (c *leanCrowd) offerTo(ctx context.Context, s *seat) (_ *leanViewer, _ *exchange, err error) {
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
	x, text, err := postBy(ctx, c.client, c.cfg.URL, c.cfg.Token, c.offer.text(own, local))
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
