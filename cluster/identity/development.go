package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"freshet/cluster/disk"
)

const (
	// caFile holds certificate and key together, so that one link puts both in place.
	caFile = "ca.pem"
	// developmentLife is long: a development CA is thrown away, not renewed.
	developmentLife = 10 * 365 * 24 * time.Hour
)

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
	if err := makeDevelopmentCA(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	return loadCA(path)
}

// makeDevelopmentCA writes a new CA to path. The error is fs.ErrExist where another process was first.
func makeDevelopmentCA(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := caTemplate("Freshet development CA", serial(), now.Add(-backdate), now.Add(developmentLife))
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	ca, err := newCA(der, key)
	if err != nil {
		return err
	}
	content, err := ca.PEM()
	if err != nil {
		return err
	}
	return disk.Place(path, content)
}

func loadCA(path string) (*CA, error) {
	content, err := disk.Secret(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("open CA: %w", err)
	}
	ca, err := ParseCA(content)
	if err != nil {
		return nil, fmt.Errorf("open CA %s: %w", path, err)
	}
	return ca, nil
}
