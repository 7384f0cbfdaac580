package identity

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// MaxCertificate is the longest certificate, in bytes of DER, that NewSigner reads: twice one with the longest names.
const MaxCertificate = 2 << 10

// Why something signed is refused; ErrCA where another cluster's CA stands behind it, ErrNoPeer where no node does.
var (
	ErrSignature = errors.New("signature is not by the key of the certificate")
	ErrExpired   = errors.New("signer's certificate has run out")
	ErrNotYet    = errors.New("signer's certificate is not valid yet")
)

// Sign returns a signature over domain and b, and the certificate (DER) that shows whose it is. A domain names what is
// signed, so that nothing signed for one purpose is of use for another; it holds no zero byte.
func (id *Identity) Sign(domain string, b []byte) (sig, cert []byte, err error) {
	c, err := id.certificate()
	if err != nil {
		return nil, nil, err
	}
	key, ok := c.PrivateKey.(ed25519.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("sign: a key of another kind than nodes have: %T", c.PrivateKey)
	}
	return ed25519.Sign(key, message(domain, b)), c.Certificate[0], nil
}

// A Signer is a node of this cluster by its certificate, which was checked once. It never changes.
type Signer struct {
	Node, Role string
	Key        ed25519.PublicKey
	from, to   time.Time
}

// NewSigner holds a certificate (DER) to the cluster's CA, its use, and its life at now with 30 s of leeway, as TLS between
// nodes does. The error wraps ErrCA, ErrNoPeer, ErrExpired or ErrNotYet.
func (id *Identity) NewSigner(der []byte, now time.Time) (*Signer, error) {
	if len(der) > MaxCertificate {
		return nil, fmt.Errorf("%w: a certificate of %d bytes", ErrCA, len(der))
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCA, err)
	}
	// Its life is Signer.valid's to judge; a moment within it leaves the rest to the library.
	opts := x509.VerifyOptions{Roots: id.pool, CurrentTime: cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := cert.Verify(opts); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCA, err)
	}
	node, role, err := Peer(tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}})
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: a key that is not Ed25519", ErrCA)
	}
	s := &Signer{Node: node, Role: role, Key: key, from: cert.NotBefore, to: cert.NotAfter}
	return s, s.valid(now)
}

// CheckSigned returns who signed domain and b, by a certificate (DER) that comes with them. It is NewSigner and Check.
func (id *Identity) CheckSigned(domain string, b, sig, cert []byte, now time.Time) (*Signer, error) {
	s, err := id.NewSigner(cert, now)
	if err != nil {
		return nil, err
	}
	return s, s.Check(domain, b, sig, now)
}

// Check returns nil where s signed domain and b and its certificate is good at now. The error wraps ErrSignature,
// ErrExpired or ErrNotYet.
func (s *Signer) Check(domain string, b, sig []byte, now time.Time) error {
	if err := s.valid(now); err != nil {
		return err
	}
	if !ed25519.Verify(s.Key, message(domain, b), sig) {
		return fmt.Errorf("%w: %s", ErrSignature, s.Node)
	}
	return nil
}

// Until returns when the signer's certificate runs out.
func (s *Signer) Until() time.Time { return s.to }

func (s *Signer) valid(now time.Time) error {
	switch {
	case now.Add(Leeway).Before(s.from):
		return fmt.Errorf("%w: %s, from %s on", ErrNotYet, s.Node, s.from.UTC().Format(time.RFC3339))
	case now.Add(-Leeway).After(s.to):
		return fmt.Errorf("%w: %s, at %s", ErrExpired, s.Node, s.to.UTC().Format(time.RFC3339))
	}
	return nil
}

func message(domain string, b []byte) []byte {
	m := make([]byte, 0, len(domain)+1+len(b))
	m = append(append(m, domain...), 0)
	return append(m, b...)
}
