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
	"sync"
	"time"

	"github.com/pion/dtls/v2/pkg/crypto/selfsign"
	"github.com/pion/logging"
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
		l, err := newLeanLoop(cfg)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.loops = append(c.loops, l)
	}
	return c, nil
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
		all.merge(&l.past)
		all.merge(&l.delays)
	}
	return &all
}

// cut implements cutter.
func (c *leanCrowd) cut() *histogram {
	var mu sync.Mutex
	var all histogram
	c.each(func(l *leanLoop, _ time.Time) {
		piece := l.cut()
		mu.Lock()
		defer mu.Unlock()
		all.merge(&piece)
	})
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
	if c.cfg.Way == nil {
		return c.try(ctx, s, c.cfg.URL, c.cfg.Token)
	}
	fresh := s.record
	for tries := 0; ; tries++ {
		url, token, err := c.cfg.Way(ctx, fresh.Viewer, tries)
		if err != nil {
			if tries == 0 { // else the record says what the last try came to
				s.record.fail(ctx, err)
			}
			return false
		}
		s.record = fresh
		if c.try(ctx, s, url, token) {
			return true
		}
	}
}

// try has s play url once, to its first picture.
func (c *leanCrowd) try(ctx context.Context, s *seat, url, token string) bool {
	open, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	v, x, err := c.offerTo(open, s, url, token)
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
