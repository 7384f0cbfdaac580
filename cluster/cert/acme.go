package cert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
)

// acmeALPN is by what a challenge over TLS is told from a visitor (RFC 8737, section 4).
const acmeALPN = "acme-tls/1"

// errNoCertificate is why a visitor is not answered.
var errNoCertificate = errors.New("no certificate yet")

// acme has an authority certify the node's names, and renews when two thirds of a certificate's life are over, or when the
// authority says so (RFC 9773). What it does not get it asks for again, after a minute first and every six hours at last.
type acme struct {
	cfg   Config
	log   *slog.Logger
	plain int // port of plain HTTP

	desk atomic.Pointer[desk] // nil until run, which alone sets it
}

// A desk is where certificates are kept and asked for.
type desk struct {
	magic  *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cache  *certmagic.Cache
}

func newACME(cfg Config, log *slog.Logger) (*acme, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return &acme{cfg: cfg, log: log, plain: 80}, nil
}

// open returns a desk, for a node whose TLS is on port.
func (a *acme) open(port int) *desk {
	d, quiet := &desk{}, zapTo(a.log)
	d.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return d.magic, nil },
		RenewCheckInterval: a.cfg.Look,
		Logger:             quiet,
	})
	d.magic = certmagic.New(d.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: a.cfg.Dir}, Logger: quiet, OnEvent: a.tell,
		DefaultServerName: a.cfg.Hosts[0], // for who names no host, as probes by address do
	})
	d.issuer = certmagic.NewACMEIssuer(d.magic, certmagic.ACMEIssuer{
		CA: a.cfg.Directory, Email: a.cfg.Email, Agreed: true, TrustedRoots: a.cfg.Roots, Logger: quiet,
		AltHTTPPort: a.plain, AltTLSALPNPort: port,
	})
	d.magic.Issuers = []certmagic.Issuer{d.issuer}
	return d
}

// run gets what is missing, and renews, until ctx ends.
func (a *acme) run(ctx context.Context, port int) error {
	d := a.open(port)
	defer d.cache.Stop()
	a.desk.Store(d)
	if err := d.magic.ManageAsync(ctx, a.cfg.Hosts); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func (a *acme) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	d := a.desk.Load()
	if d == nil {
		return nil, errNoCertificate
	}
	return d.magic.GetCertificate(hello)
}

func (a *acme) challenge(w http.ResponseWriter, r *http.Request) bool {
	d := a.desk.Load()
	return d != nil && d.issuer.HandleHTTPChallenge(w, r)
}

func (a *acme) expires() time.Time {
	d := a.desk.Load()
	if d == nil {
		return time.Time{}
	}
	var first time.Time
	for _, h := range a.cfg.Hosts {
		var end time.Time
		for _, c := range d.cache.AllMatchingCertificates(h) {
			if c.Leaf != nil && c.Leaf.NotAfter.After(end) {
				end = c.Leaf.NotAfter
			}
		}
		if end.IsZero() {
			return end
		}
		if first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return first
}

// tell logs what became of a certificate.
func (a *acme) tell(_ context.Context, event string, about map[string]any) error {
	switch event {
	case "cert_obtained":
		a.log.Info("certificate is there", "host", about["identifier"], "renewal", about["renewal"])
	case "cert_failed":
		still := "nobody is served by https until there is one; media, the mesh and other nodes go on"
		if about["renewal"] == true {
			still = "the one there is goes on until it ends"
		}
		a.log.Warn("no certificate; it is asked for again", "host", about["identifier"], "authority", a.cfg.Directory,
			"still", still, "err", about["error"])
	}
	return nil
}
