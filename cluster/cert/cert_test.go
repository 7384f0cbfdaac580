package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"freshet/cluster/ops"
)

// A site is a node's HTTP with its certificates.
type site struct {
	t      *testing.T
	holder *Holder
	tls    *ops.HTTP
	lines  chan string // of the log
}

func newSite(t *testing.T, cfg Config) *site {
	t.Helper()
	s := &site{t: t, lines: make(chan string, 64)}
	log := slog.New(slog.NewTextHandler(s, nil))
	var err error
	if s.holder, err = New(cfg, log); err != nil {
		t.Fatal(err)
	}
	s.tls, err = ops.NewHTTP(ops.HTTPConfig{Listen: "127.0.0.1:0", TLS: s.holder.TLS()}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s by TLS: %v", r.Host, r.TLS != nil)
	}), log)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Write takes a line of the log.
func (s *site) Write(b []byte) (int, error) {
	select {
	case s.lines <- string(b):
	default:
	}
	return len(b), nil
}

func (s *site) port() int { return s.tls.Addr().(*net.TCPAddr).Port }

// run serves until the test ends.
func (s *site) run() {
	ctx, stop := context.WithCancel(s.t.Context())
	ends := make(chan error, 2)
	go func() { ends <- s.holder.Run(ctx, s.port()) }()
	go func() { ends <- s.tls.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ends; err != nil {
				s.t.Error(err)
			}
		}
	})
}

// said waits for a line with all of parts.
func (s *site) said(parts ...string) {
	s.t.Helper()
	late := time.After(20 * time.Second)
next:
	for {
		select {
		case line := <-s.lines:
			for _, p := range parts {
				if !strings.Contains(line, p) {
					s.t.Log(line)
					continue next
				}
			}
			return
		case <-late:
			s.t.Fatalf("nothing in the log has all of %q", parts)
		}
	}
}

// shown returns what a visitor of host is shown, verified as of the time at which it was.
func (s *site) shown(host string, by *x509.CertPool) (*x509.Certificate, error) {
	d := tls.Dialer{Config: &tls.Config{ServerName: host, RootCAs: by}}
	ctx, stop := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer stop()
	c, err := d.DialContext(ctx, "tcp", s.tls.Addr().String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// until waits for ok.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(40 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within 40 s", what)
		}
	}
}

func expires(t *testing.T, h *Holder) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	h.Register(reg)
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	all, err := reg.Gather()
	if err != nil || len(all) != 3 || all[0].GetName() != "freshet_cert_expires_timestamp_seconds" {
		t.Fatalf("%v %v", all, err)
	}
	return all[0].GetMetric()[0].GetGauge().GetValue()
}

// A certificate is got by a challenge over plain HTTP, served, and renewed before it ends, while visitors come.
func TestGotServedRenewed(t *testing.T) {
	a := newAuthority(t)
	s := newSite(t, a.config("live.example.org", "www.example.org"))
	if got := expires(t, s.holder); got != 0 {
		t.Errorf("before there is one, it ends at %v", got)
	}
	a.open(s.holder.plain.Addr().(*net.TCPAddr).Port, 1, 12*time.Second) // no TLS challenge gets through
	s.run()
	var first *x509.Certificate
	for _, host := range []string{"live.example.org", "www.example.org"} {
		until(t, "a certificate of "+host, func() (ok bool) {
			c, err := s.shown(host, a.root)
			if err == nil && first == nil {
				first = c
			}
			return err == nil
		})
	}
	if end := expires(t, s.holder); end < float64(first.NotBefore.Unix()) || end > float64(time.Now().Add(13*time.Second).Unix()) {
		t.Errorf("ends at %v, want within 12 s", end)
	}
	until(t, "a renewed certificate", func() bool {
		c, err := s.shown("live.example.org", a.root)
		if err != nil {
			t.Errorf("while it is renewed: %v", err)
		}
		return c != nil && c.SerialNumber.Cmp(first.SerialNumber) != 0
	})
	s.said("certificate is there", "renewal=true")
	if _, err := s.shown("other.example.org", a.root); err == nil {
		t.Error("a name that is not the node's has a certificate")
	}
	if n := testutil.ToFloat64(s.holder.m.refused); n < 1 {
		t.Errorf("%v handshakes refused, want that one", n)
	}
	if n := testutil.ToFloat64(s.holder.m.plain.WithLabelValues(plainChallenge)); n < 2 {
		t.Errorf("%v challenges, want one of each name", n)
	}
	if _, err := s.shown("live.example.org", x509.NewCertPool()); err == nil {
		t.Error("who trusts nobody is content")
	}
}

// Where port 80 is somebody else's, the challenge comes over TLS.
func TestPlainPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := newAuthority(t)
	cfg := a.config("live.example.org")
	cfg.HTTP = l.Addr().String()
	s := newSite(t, cfg)
	s.said("plain HTTP is not answered", "address="+cfg.HTTP, "address already in use")
	a.open(1, s.port(), time.Hour)
	s.run()
	until(t, "a certificate", func() bool {
		_, err := s.shown("live.example.org", a.root)
		return err == nil
	})
	if end := expires(t, s.holder); end < float64(time.Now().Add(50*time.Minute).Unix()) {
		t.Errorf("ends at %v, want in an hour", end)
	}
}

// What was got is there again after a restart, without the authority.
func TestKept(t *testing.T) {
	a := newAuthority(t)
	cfg := a.config("live.example.org")
	s := newSite(t, cfg)
	a.open(s.holder.plain.Addr().(*net.TCPAddr).Port, 1, time.Hour)
	var first *x509.Certificate
	t.Run("first", func(t *testing.T) {
		s.t = t
		s.run()
		until(t, "a certificate", func() (ok bool) {
			c, err := s.shown("live.example.org", a.root)
			first = c
			return err == nil
		})
	})
	a.server.Close()
	s = newSite(t, cfg)
	s.run()
	until(t, "the certificate that was kept", func() bool {
		c, err := s.shown("live.example.org", a.root)
		return err == nil && c.Equal(first)
	})
}

// An authority that cannot be reached, or says no, is told of; plain HTTP goes on, and so does the server.
func TestNoCertificate(t *testing.T) {
	a := newAuthority(t)
	if err := a.store.AddBlockedDomain("live.example.org"); err != nil {
		t.Fatal(err)
	}
	away := a.config("live.example.org")
	away.Directory = "https://127.0.0.1:1/dir"
	for name, row := range map[string]struct {
		cfg  Config
		says string
	}{
		"away":    {away, "connection refused"},
		"refused": {a.config("live.example.org"), "rejectedIdentifier"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, row.cfg)
			if name == "refused" {
				a.open(s.holder.plain.Addr().(*net.TCPAddr).Port, s.port(), time.Hour)
			}
			s.run()
			s.said("no certificate; it is asked for again", "host=live.example.org", row.says, "nobody is served by https until there is one")
			if _, err := s.shown("live.example.org", a.root); err == nil {
				t.Error("a visitor got a certificate")
			}
			if got := expires(t, s.holder); got != 0 {
				t.Errorf("ends at %v, want 0", got)
			}
			if code, to := plainly(t, s, "live.example.org", "/"); code != http.StatusTemporaryRedirect {
				t.Errorf("plain HTTP: %d %s", code, to)
			}
		})
	}
}

// plainly asks for path of host by plain HTTP, and returns status and Location.
func plainly(t *testing.T, s *site, host, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+s.holder.plain.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

func TestValidate(t *testing.T) {
	good := Config{Hosts: []string{"live.example.org"}, Directory: "https://ca.example/dir"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"no name":           func(c *Config) { c.Hosts = nil },
		`not "192.0.2.1"`:   func(c *Config) { c.Hosts = []string{"192.0.2.1"} },
		`not "::1"`:         func(c *Config) { c.Hosts = []string{"::1"} },
		`not "*.a.example"`: func(c *Config) { c.Hosts = []string{"*.a.example"} },
		`not "Live.example`: func(c *Config) { c.Hosts = []string{"Live.example"} },
		`not "a.example:44`: func(c *Config) { c.Hosts = []string{"a.example:443"} },
		`not "https://a.ex`: func(c *Config) { c.Hosts = []string{"https://a.example"} },
		`not ""`:            func(c *Config) { c.Hosts = []string{""} },
		"no public name": func(c *Config) {
			c.Hosts, c.Directory = []string{"localhost"}, "https://acme-v02.api.letsencrypt.org/directory"
		},
		"tls-cert: goes":    func(c *Config) { c.KeyFile = "key.pem" },
		"tls-cert: goes w":  func(c *Config) { c.CertFile = "cert.pem" },
		"acme-url: want ht": func(c *Config) { c.Directory = "http://ca.example/dir" },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}
