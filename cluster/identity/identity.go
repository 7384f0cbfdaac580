// Package identity says who a node is and proves it: the cluster's CA, the certificates of its nodes,
// and the mutual TLS 1.3 between them. A certificate names its node and role in one URI,
// freshet://ROLE/NODE; addresses and DNS names prove nothing here.
package identity

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const scheme = "freshet"

// The roles of a node.
const (
	RoleOrigin  = "origin"
	RoleEdge    = "edge"
	RoleControl = "control"
)

// Why a peer is refused. The side that refuses finds them in the error of its handshake.
var (
	ErrNoPeer = errors.New("peer shows no node certificate")
	ErrCA     = errors.New("peer's certificate is not valid in this cluster")
	ErrRole   = errors.New("peer has a role that is not served here")
	ErrNode   = errors.New("peer is another node than the one dialled")
)

// An Identity is a node's name, role and current certificate. All methods may be called from any goroutine.
type Identity struct {
	Node, Role string

	pool  *x509.CertPool
	renew func() (*leaf, error) // nil where no CA is at hand

	mu   sync.Mutex
	leaf *leaf
}

// A leaf is a certificate with its key, never changed after newLeaf.
type leaf struct {
	cert    *tls.Certificate
	renewAt time.Time
}

func newLeaf(der []byte, key *ecdsa.PrivateKey) (*leaf, error) {
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back certificate: %w", err)
	}
	life := x.NotAfter.Sub(x.NotBefore)
	return &leaf{
		cert:    &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: x},
		renewAt: x.NotBefore.Add(life * 2 / 3),
	}, nil
}

// certificate returns the current certificate, renewed first where it is due. Renewing takes well under
// a millisecond, so handshakes that come meanwhile wait for it.
func (id *Identity) certificate() (*tls.Certificate, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	now := time.Now()
	if id.renew == nil || now.Before(id.leaf.renewAt) {
		return id.leaf.cert, nil
	}
	next, err := id.renew()
	if err == nil {
		id.leaf = next
		return next.cert, nil
	}
	if now.Before(id.leaf.cert.Leaf.NotAfter) {
		return id.leaf.cert, nil // good for a while; the next handshake tries again
	}
	return nil, fmt.Errorf("renew certificate of %s: %w", id.Node, err)
}

// ServerTLS returns a config for accepting nodes of the same cluster in one of roles; with no role it
// accepts nobody. The config follows renewals and stays good for the life of the process.
func (id *Identity) ServerTLS(alpn []string, roles ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: alpn,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return id.certificate()
		},
		// Which authority signed is checked in verify, with everything else. A resumed session would
		// carry an old check past an expiry, so there are no tickets, and no 0-RTT either.
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verify(cs, id.pool, x509.ExtKeyUsageClientAuth, "", roles)
		},
	}
}

// ClientTLS returns a config for dialling a node of the same cluster in one of roles, by the name node
// where it is not empty. The config follows renewals and stays good for the life of the process.
func (id *Identity) ClientTLS(alpn []string, node string, roles ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: alpn,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return id.certificate()
		},
		// Nodes are dialled by address and known by their URI, which the library cannot match against
		// a host name. verify replaces its check and is stricter.
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verify(cs, id.pool, x509.ExtKeyUsageServerAuth, node, roles)
		},
	}
}

// verify holds the peer of cs to chain, life, usage, role and (where not empty) node.
func verify(cs tls.ConnectionState, pool *x509.CertPool, usage x509.ExtKeyUsage, node string, roles []string) error {
	if len(cs.PeerCertificates) == 0 {
		return ErrNoPeer
	}
	opts := x509.VerifyOptions{Roots: pool, CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{usage}}
	if _, err := cs.PeerCertificates[0].Verify(opts); err != nil {
		return fmt.Errorf("%w: %w", ErrCA, err)
	}
	peer, role, err := Peer(cs)
	switch {
	case err != nil:
		return err
	case !slices.Contains(roles, role):
		return fmt.Errorf("%w: %s is %s", ErrRole, peer, role)
	case node != "" && node != peer:
		return fmt.Errorf("%w: got %s, want %s", ErrNode, peer, node)
	}
	return nil
}
