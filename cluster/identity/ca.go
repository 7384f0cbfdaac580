package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	caLife = 10 * 365 * 24 * time.Hour // a development CA is thrown away, not renewed

	// LeafLife is how long a node's certificate is valid.
	LeafLife = 24 * time.Hour

	// backdate lets nodes whose clocks run behind ours accept a certificate at once.
	backdate = 5 * time.Minute

	// caFile holds certificate and key together, so that one link puts both in place.
	caFile = "ca.pem"
)

// A CA signs the certificates of one cluster's nodes. Its methods may be called from any goroutine.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

// OpenCA returns the development CA kept in dir, and makes dir and CA on first use. Processes that open
// the same new dir at once all get the same CA. It refuses a key that others than its owner may read.
func OpenCA(dir string) (*CA, error) {
	path := filepath.Join(dir, caFile)
	ca, err := loadCA(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return ca, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make CA folder: %w", err)
	}
	if err := makeCA(path); err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	return loadCA(path)
}

// Fingerprint returns the SHA-256 of the CA's certificate in hex, for people and logs to compare.
func (ca *CA) Fingerprint() string {
	sum := sha256.Sum256(ca.cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Issue returns an identity for node in role. It renews itself from the CA at two thirds of its life.
func (ca *CA) Issue(node, role string) (*Identity, error) {
	if err := checkNode(node); err != nil {
		return nil, err
	}
	if err := checkRole(role); err != nil {
		return nil, err
	}
	id := &Identity{Node: node, Role: role, pool: ca.pool, renew: func() (*leaf, error) { return ca.leaf(node, role) }}
	var err error
	if id.leaf, err = id.renew(); err != nil {
		return nil, err
	}
	return id, nil
}

// leaf signs a new certificate over a new key.
func (ca *CA) leaf(node, role string) (*leaf, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of %s: %w", node, err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: node},
		URIs:         []*url.URL{{Scheme: scheme, Host: role, Path: "/" + node}},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(LeafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate of %s: %w", node, err)
	}
	return newLeaf(der, key)
}

// makeCA writes a new CA to path, unless another process was first.
func makeCA(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Freshet development CA"},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: cert}, {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := pem.Encode(&b, block); err != nil {
			return err
		}
	}
	return writeOnce(path, b.Bytes())
}

// writeOnce makes path with content, whole or not at all. Where path exists it stays as it is: a link,
// unlike a rename, never replaces, and so decides between processes that start together.
func writeOnce(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), caFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // a name left behind costs nothing
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func loadCA(path string) (*CA, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open CA: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("open CA: %s has mode %#o, others may read its key: want 0600", path, mode)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open CA: %w", err)
	}
	ca, err := parseCA(content)
	if err != nil {
		return nil, fmt.Errorf("open CA %s: %w", path, err)
	}
	return ca, nil
}

func parseCA(content []byte) (*CA, error) {
	certBlock, rest := pem.Decode(content)
	if certBlock == nil || certBlock.Type != "CERTIFICATE" {
		return nil, errors.New("no certificate in it")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	keyBlock, _ := pem.Decode(rest)
	if keyBlock == nil || keyBlock.Type != "PRIVATE KEY" {
		return nil, errors.New("no private key behind the certificate")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) || !cert.IsCA {
		return nil, errors.New("key and certificate do not make a CA")
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &CA{cert: cert, key: key, pool: pool}, nil
}

// serial returns a random positive number of 127 bits, as RFC 5280, section 4.1.2.2, allows.
func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:]) // never fails, it ends the process first
	b[0] = b[0]&0x7f | 1
	return new(big.Int).SetBytes(b[:])
}
