// Package cert has the public HTTP of a node served by TLS: with certificates got by ACME (RFC 8555) and renewed, or with
// one from files, read again when they are replaced. What comes by plain HTTP is sent to TLS, but for ACME's challenges.
// Nodes among themselves use none of it: their certificates are cluster/identity's.
package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/ops"
)

// Config says for what names a node has certificates, and from where.
type Config struct {
	Hosts []string // names of the node; the first stands in the addresses that it tells
	HTTP  string   // where plain HTTP is answered, host:port

	CertFile, KeyFile string // a certificate of one's own, PEM; both or neither

	Directory string         // URL of ACME's
	Email     string         // whom the authority may write to; empty is nobody
	Dir       string         // where what was got is kept
	Roots     *x509.CertPool // who vouches for the authority's own server; nil: whom the machine trusts

	Look time.Duration // how often to look whether something must be renewed; 0 is every ten minutes
}

// own says whether the certificate is the operator's.
func (c Config) own() bool { return c.CertFile != "" }

// Validate names the first thing that is wrong, by the flag that sets it.
func (c Config) Validate() error {
	if len(c.Hosts) == 0 {
		return errors.New("tls-host: no name")
	}
	for _, h := range c.Hosts {
		if h != strings.ToLower(h) || strings.ContainsAny(h, "*:/ ") || !certmagic.SubjectQualifiesForCert(h) || certmagic.SubjectIsIP(h) {
			return fmt.Errorf("tls-host: want the name of a host in lower case, such as live.example.org, not %q", h)
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("tls-cert: goes with tls-key")
	}
	if c.own() {
		return nil
	}
	if u, err := url.Parse(c.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("acme-url: want https://HOST/PATH, not %q", c.Directory)
	}
	for _, h := range c.Hosts {
		if c.Directory == certmagic.LetsEncryptProductionCA && !certmagic.SubjectQualifiesForPublicCert(h) {
			return fmt.Errorf("tls-host: %s is no public name, and Let's Encrypt vouches for no other: give --tls-cert, or --acme-url of an authority of your own", h)
		}
	}
	return nil
}

// A source is where certificates come from.
type source interface {
	// certificate picks one for who says hello.
	certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// expires is when the first of them ends, zero while there are not all.
	expires() time.Time
	// run keeps them fresh until ctx ends. The node's TLS is on port.
	run(ctx context.Context, port int) error
}

// A Holder holds the certificates of a node. Its methods may be called from any goroutine.
type Holder struct {
	cfg    Config
	log    *slog.Logger
	source source
	plain  *ops.HTTP // nil where its port could not be had
	front  *front
	m      *metrics
}

// New reads what there is, and binds the port of plain HTTP. One that cannot be had is no error: TLS does without.
func New(cfg Config, log *slog.Logger) (*Holder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := newMetrics()
	h := &Holder{cfg: cfg, log: log, m: m, front: &front{hosts: cfg.Hosts, m: m}}
	var err error
	if h.plain, err = ops.NewHTTP(ops.HTTPConfig{Listen: cfg.HTTP}, h.front, log); err != nil {
		log.Warn("plain HTTP is not answered: nobody is sent from it to https, and ACME's challenges are met by TLS alone, on port 443",
			"address", cfg.HTTP, "err", err)
		h.plain = nil
	}
	if cfg.own() {
		h.source, err = openFiles(cfg, log)
		return h, err
	}
	a, err := newACME(cfg, log)
	if err != nil {
		return nil, err
	}
	if h.plain != nil {
		a.plain = h.plain.Addr().(*net.TCPAddr).Port
	}
	h.source, h.front.acme = a, a
	return h, nil
}

// Host is the name that stands in the addresses of the node.
func (h *Holder) Host() string { return h.cfg.Hosts[0] }

// Hosts are all names of the node; a nil Holder has none.
func (h *Holder) Hosts() []string {
	if h == nil {
		return nil
	}
	return h.cfg.Hosts
}

// TLS is how a server speaks TLS. HTTP/1.1 alone: limits of slow readers (cluster/ops) are those of connections, and a
// stream of HTTP/2 that nobody reads would stand still without one.
func (h *Holder) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1", acmeALPN},
		GetCertificate: h.certificate,
	}
}

func (h *Holder) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := h.source.certificate(hello)
	if err != nil {
		h.m.refused.Inc()
	}
	return c, err
}

// Register shows in reg when the first of the certificates ends, and what came in vain or by plain HTTP. The nodes of one
// process that share the certificates show the same.
func (h *Holder) Register(reg prometheus.Registerer) {
	reg.MustRegister(h.m.plain, h.m.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "freshet_cert_expires_timestamp_seconds",
		Help: "When the certificate of the node's public host ends, in unix time; 0 while there is none.",
	}, func() float64 {
		if end := h.source.expires(); !end.IsZero() {
			return float64(end.Unix())
		}
		return 0
	}))
}

// Run keeps the certificates fresh until ctx ends, and sends whoever comes by plain HTTP to TLS on port.
func (h *Holder) Run(ctx context.Context, port int) error {
	h.front.port.Store(int32(port))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.source.run(ctx, port) })
	if h.plain != nil {
		g.Go(func() error { return h.plain.Run(ctx) })
	}
	return g.Wait()
}
