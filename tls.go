package main

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"freshet/cluster/cert"
	"freshet/cluster/ops"
)

// Where a node answers people where nothing else is said.
const (
	plainDefault = "0.0.0.0:8080"
	tlsDefault   = "0.0.0.0:443"
)

// tlsFlags have --http speak TLS.
type tlsFlags struct {
	TLSHost   []string `name:"tls-host" placeholder:"NAME" help:"Names of the node, under which people reach it by https: --http, then 0.0.0.0:443 by default, speaks TLS, and port 80 leads there. The first stands in the addresses that others are told. Certificates come from --acme-url and are renewed, for as long as port 80 or 443 of each name leads here. Default none: http."`
	TLSCert   string   `name:"tls-cert" placeholder:"FILE" help:"With --tls-host: a certificate of your own and its chain, PEM, read again when it is replaced."`
	TLSKey    string   `name:"tls-key" placeholder:"FILE" help:"Key of --tls-cert, PEM."`
	ACMEEmail string   `name:"acme-email" placeholder:"ADDRESS" help:"Whom the authority writes to about certificates. Default nobody."`
	ACMEURL   string   `name:"acme-url" default:"https://acme-v02.api.letsencrypt.org/directory" placeholder:"URL" help:"ACME directory of the authority; to use Let's Encrypt is to agree to its terms. Default Let's Encrypt's."`
}

// listen returns where people are answered: what was given by --http, else the default.
func (f tlsFlags) listen(given string) string {
	if len(f.TLSHost) > 0 {
		return cmp.Or(given, tlsDefault)
	}
	return cmp.Or(given, plainDefault)
}

// holder returns what holds the certificates of a node that listens at http and keeps its files in data, nil without TLS.
func (f tlsFlags) holder(http, data string, log *slog.Logger) (*cert.Holder, error) {
	if len(f.TLSHost) == 0 {
		if f.TLSCert != "" || f.TLSKey != "" || f.ACMEEmail != "" {
			return nil, badConfig("tls-host", "give the name that the certificate is for")
		}
		return nil, nil
	}
	host, _, err := net.SplitHostPort(http)
	if err != nil {
		return nil, badConfig("http", "%w", err)
	}
	h, err := cert.New(cert.Config{
		Hosts: f.TLSHost, HTTP: net.JoinHostPort(host, "80"), CertFile: f.TLSCert, KeyFile: f.TLSKey,
		Directory: f.ACMEURL, Email: f.ACMEEmail, Dir: filepath.Join(data, "tls"),
	}, log)
	if err != nil {
		return nil, &configError{err} // it names the flag
	}
	return h, nil
}

// serveHTTP returns the configuration of a server at listen, by TLS where there are certificates.
func serveHTTP(listen string, certs *cert.Holder) ops.HTTPConfig {
	c := ops.HTTPConfig{Listen: listen}
	if certs != nil {
		c.TLS = certs.TLS()
	}
	return c
}

// secureURL is where s is reached under the name of its certificate.
func secureURL(s *ops.HTTP, certs *cert.Holder) string {
	port := s.Addr().(*net.TCPAddr).Port
	if port == 443 {
		return "https://" + certs.Host()
	}
	return "https://" + net.JoinHostPort(certs.Host(), strconv.Itoa(port))
}

// certified is node with what keeps the certificates of its server fresh, where it has any.
func certified(node stage, s *ops.HTTP, certs *cert.Holder) stage {
	if certs == nil {
		return node
	}
	return together(node.name, node, stage{"certificates", func(ctx context.Context) error {
		return certs.Run(ctx, s.Addr().(*net.TCPAddr).Port)
	}})
}
