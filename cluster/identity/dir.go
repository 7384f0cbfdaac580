package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"freshet/cluster/disk"
)

// Names in a node's directory.
const (
	keyFile     = "node.key"       // the node's own, for life
	leafFile    = "node.pem"       // its certificate; where there is none, the node is in no cluster
	clusterFile = "cluster-ca.pem" // certificate of the cluster's CA
)

const (
	certificatePEM = "CERTIFICATE"
	keyPEM         = "PRIVATE KEY"

	maxFile = 16 << 10 // ten times what is in the largest of them
)

// ErrNotJoined is the error of a directory of no node: it has yet to join a cluster.
var ErrNotJoined = errors.New("this node is in no cluster yet: give it a join token")

// OpenKey returns the node's key in dir, and makes dir and key on first use.
func OpenKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, keyFile)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the node's directory: %w", err)
	}
	_, fresh, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the node's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(fresh)
	if err != nil {
		return nil, fmt.Errorf("make the node's key: %w", err)
	}
	if err := disk.Place(path, encodePEM(keyPEM, der)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("keep the node's key: %w", err)
	}
	return readKey(path)
}

// Keep puts a certificate and that of the cluster's CA (both DER) into dir, for Open. It refuses what Open would.
func Keep(dir string, certificate, ca []byte) error {
	key, err := OpenKey(dir)
	if err != nil {
		return err
	}
	if _, err := joined(dir, key, certificate, ca); err != nil {
		return fmt.Errorf("keep certificate: %w", err)
	}
	// The certificate last: it says that the node has joined.
	for _, f := range []struct {
		name string
		der  []byte
	}{{clusterFile, ca}, {leafFile, certificate}} {
		if err := disk.Replace(filepath.Join(dir, f.name), encodePEM(certificatePEM, f.der)); err != nil {
			return fmt.Errorf("keep certificate: %w", err)
		}
	}
	return nil
}

// Open returns the identity that a node has got from control and keeps in dir; Run renews it. It may have run out: peers
// refuse it then, until control has renewed it. The error is ErrNotJoined where nothing was kept yet; others name the file.
func Open(dir string) (*Identity, error) {
	certificate, err := readCertificate(filepath.Join(dir, leafFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotJoined
	}
	if err != nil {
		return nil, err
	}
	ca, err := readCertificate(filepath.Join(dir, clusterFile))
	if err != nil {
		return nil, err
	}
	key, err := readKey(filepath.Join(dir, keyFile)) // a new one would not fit
	if err != nil {
		return nil, err
	}
	id, err := joined(dir, key, certificate, ca)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove it and join again with a new token", filepath.Join(dir, leafFile), err)
	}
	return id, nil
}

// joined returns the identity of key, certificate and CA, which must fit each other at whatever time it is.
func joined(dir string, key ed25519.PrivateKey, certificate, ca []byte) (*Identity, error) {
	authority, err := x509.ParseCertificate(ca)
	if err != nil {
		return nil, fmt.Errorf("the CA: %w", err)
	}
	own, err := newLeaf(certificate, key)
	if err != nil {
		return nil, err
	}
	node, role, err := named(own.x509().URIs)
	if err != nil {
		return nil, err
	}
	id := newIdentity(node, role, key, authority)
	id.dir, id.leaf = dir, own
	return id, id.fits(own.x509())
}

// fits holds a certificate of the node's own to key, name and CA.
func (id *Identity) fits(cert *x509.Certificate) error {
	node, role, err := named(cert.URIs)
	if err != nil {
		return err
	}
	if node != id.Node || role != id.Role || !id.Key().Equal(cert.PublicKey) {
		return errors.New("the certificate is of another node, or of another key")
	}
	opts := x509.VerifyOptions{Roots: id.pool, CurrentTime: cert.NotAfter, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := cert.Verify(opts); err != nil {
		return fmt.Errorf("the certificate is not of this cluster's CA: %w", err)
	}
	return nil
}

func readKey(path string) (ed25519.PrivateKey, error) {
	der, err := readPEM(path, keyPEM)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if key, ok := parsed.(ed25519.PrivateKey); err == nil && ok {
		return key, nil
	}
	return nil, fmt.Errorf("%s: it holds no Ed25519 key", path)
}

func readCertificate(path string) ([]byte, error) { return readPEM(path, certificatePEM) }

// readPEM returns what is in the one block of the file at path, which nobody else may read.
func readPEM(path, kind string) ([]byte, error) {
	content, err := disk.Secret(path, maxFile)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(content)
	if block == nil || block.Type != kind || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s: want one block %s in PEM", path, kind)
	}
	return block.Bytes, nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
