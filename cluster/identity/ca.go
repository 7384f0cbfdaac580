package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

const (
	// LeafLife is how long a node's certificate is valid.
	LeafLife = 24 * time.Hour

	// backdate lets nodes whose clocks run behind ours accept a certificate at once (RELIABILITY, R16).
	backdate = 5 * time.Minute
)

// clusterEnd is the date that says "no end" (RFC 5280, section 4.1.2.5): a CA that runs out takes its cluster along.
var clusterEnd = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// A CA signs the certificates of one cluster's nodes. Its methods may be called from any goroutine.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
	pool *x509.CertPool
}

// NewCA makes the CA of a cluster of its key's seed (ed25519.SeedSize random bytes). One seed gives one CA, to the byte.
func NewCA(seed []byte) (*CA, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("make CA: a seed of %d bytes, want %d", len(seed), ed25519.SeedSize)
	}
	key := ed25519.NewKeyFromSeed(seed)
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey))
	number := new(big.Int).SetBytes(sum[:16])
	template := caTemplate("Freshet cluster CA", number.Rsh(number, 1), time.Unix(0, 0), clusterEnd)
	// As RFC 7093 has it, but not left to the library, which has changed its mind once.
	template.SubjectKeyId = sum[:20]
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key) // Ed25519 takes no random
	if err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	return newCA(der, key)
}

// ParseCA reads what PEM has written.
func ParseCA(content []byte) (*CA, error) {
	certBlock, rest := pem.Decode(content)
	if certBlock == nil || certBlock.Type != certificatePEM {
		return nil, errors.New("no certificate in it")
	}
	keyBlock, _ := pem.Decode(rest)
	if keyBlock == nil || keyBlock.Type != keyPEM {
		return nil, errors.New("no private key behind the certificate")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("its key signs nothing")
	}
	return newCA(certBlock.Bytes, key)
}

// PEM returns certificate and private key. Who has them can be any node of the cluster.
func (ca *CA) PEM() ([]byte, error) {
	secret, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{encodePEM(certificatePEM, ca.cert.Raw), encodePEM(keyPEM, secret)}, nil), nil
}

// Certificate returns the DER of the CA's certificate, which is no secret.
func (ca *CA) Certificate() []byte { return ca.cert.Raw }

// Pin returns the SHA-256 of the CA's certificate, by which join tokens name it.
func (ca *CA) Pin() [sha256.Size]byte { return sha256.Sum256(ca.cert.Raw) }

// Fingerprint returns the pin in hex, for people and logs to compare.
func (ca *CA) Fingerprint() string {
	pin := ca.Pin()
	return hex.EncodeToString(pin[:])
}

// Issue returns an identity for node in role, over a key of its own. It renews itself from the CA at two thirds of its life.
func (ca *CA) Issue(node, role string) (*Identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of %s: %w", node, err)
	}
	return ca.IssueOver(key, node, role)
}

// IssueOver is Issue over a key that is there: of a control node, which has the CA and a key for life.
func (ca *CA) IssueOver(key ed25519.PrivateKey, node, role string) (*Identity, error) {
	id := newIdentity(node, role, key, ca.cert)
	s := Subject{Node: node, Role: role, Key: key.Public().(ed25519.PublicKey)}
	id.renew = func() (*leaf, error) {
		der, err := ca.Sign(s, id.now())
		if err != nil {
			return nil, err
		}
		return newLeaf(der, key)
	}
	var err error
	if id.leaf, err = id.renew(); err != nil {
		return nil, err
	}
	return id, nil
}

// Sign returns a certificate (DER) for s from now on, for LeafLife. It names s in one URI and proves nothing else.
func (ca *CA) Sign(s Subject, now time.Time) ([]byte, error) { return ca.sign(s, now, LeafLife) }

func (ca *CA) sign(s Subject, now time.Time, life time.Duration) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: s.Node},
		URIs:         []*url.URL{s.uri()},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, s.Key, ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate of %s: %w", s.Node, err)
	}
	return der, nil
}

func newCA(der []byte, key crypto.Signer) (*CA, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	same := false
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		same = public.Equal(cert.PublicKey)
	case *ecdsa.PublicKey: // of a development CA
		same = public.Equal(cert.PublicKey)
	}
	if !same || !cert.IsCA {
		return nil, errors.New("key and certificate do not make a CA")
	}
	return &CA{cert: cert, key: key, pool: poolOf(cert)}, nil
}

// caTemplate is a CA that can sign for nodes and for nothing else: no name of a web site, no address, no CA below it.
func caTemplate(name string, number *big.Int, from, to time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:                number,
		Subject:                     pkix.Name{CommonName: name},
		NotBefore:                   from,
		NotAfter:                    to,
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true, // all of these
		PermittedURIDomains:         []string{RoleOrigin, RoleEdge, RoleControl},
		ExcludedDNSDomains:          []string{""},
		ExcludedEmailAddresses:      []string{""},
		ExcludedIPRanges: []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
			{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		},
	}
}

func poolOf(cert *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

// serial returns a random positive number of 127 bits, as RFC 5280, section 4.1.2.2, allows.
func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:]) // never fails, it ends the process first
	b[0] = b[0]&0x7f | 1
	return new(big.Int).SetBytes(b[:])
}
