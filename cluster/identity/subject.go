package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/url"
)

// maxRequest is more than twice what a request with the longest name takes.
const maxRequest = 1024

// subjectAltName is the one extension that a request may ask for (RFC 5280, section 4.2.1.6).
var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// A Subject is whom a certificate, or a request for one, names.
type Subject struct {
	Node, Role string // both empty in a request that leaves the name to control
	Key        ed25519.PublicKey
}

func (s Subject) check() error {
	if err := CheckNode(s.Node); err != nil {
		return err
	}
	if err := CheckRole(s.Role); err != nil {
		return err
	}
	if len(s.Key) != ed25519.PublicKeySize {
		return errors.New("a key that is not Ed25519")
	}
	return nil
}

func (s Subject) uri() *url.URL { return &url.URL{Scheme: scheme, Host: s.Role, Path: "/" + s.Node} }

// Request returns a request for a certificate over key (PKCS #10, DER), in the name of node and role or, where node is
// empty, in nobody's.
func Request(key ed25519.PrivateKey, node, role string) ([]byte, error) {
	template := &x509.CertificateRequest{}
	if node != "" {
		s := Subject{Node: node, Role: role, Key: key.Public().(ed25519.PublicKey)}
		if err := s.check(); err != nil {
			return nil, err
		}
		template.URIs = []*url.URL{s.uri()}
	}
	return x509.CreateCertificateRequest(rand.Reader, template, key)
}

// ParseRequest reads a request and proves that its maker has the key. It takes Ed25519 alone, one URI of ours or none, and
// nothing else to be certified.
func ParseRequest(der []byte) (Subject, error) {
	if len(der) > maxRequest {
		return Subject{}, fmt.Errorf("a request of %d bytes, want %d at most", len(der), maxRequest)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return Subject{}, errors.New("no request for a certificate") // the library's words show too much of the bytes
	}
	key, ok := csr.PublicKey.(ed25519.PublicKey)
	if !ok {
		return Subject{}, errors.New("a key that is not Ed25519")
	}
	if err := csr.CheckSignature(); err != nil {
		return Subject{}, errors.New("it is not signed by its key")
	}
	for _, e := range csr.Extensions {
		if !e.Id.Equal(subjectAltName) {
			return Subject{}, fmt.Errorf("it asks for the extension %v", e.Id)
		}
	}
	if len(csr.DNSNames)+len(csr.EmailAddresses)+len(csr.IPAddresses) > 0 || len(csr.URIs) > 1 {
		return Subject{}, errors.New("it asks for other names than a node's")
	}
	s := Subject{Key: key}
	if len(csr.URIs) == 1 {
		s.Node, s.Role, err = named(csr.URIs)
	}
	return s, err
}
