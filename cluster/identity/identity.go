// Package identity says who a node is and proves it: the cluster's CA, the certificates of its nodes,
// and the mutual TLS 1.3 between them. A certificate names its node and role in one URI,
// freshet://ROLE/NODE; addresses and DNS names prove nothing here.
package identity

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
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

// An Identity is a node's name, role, key and current certificate. All methods may be called from any goroutine.
type Identity struct {
	Node, Role string

	key   ed25519.PrivateKey
	ca    *x509.Certificate
	pool  *x509.CertPool        // of ca
	renew func() (*leaf, error) // by a CA at hand; nil where control signs, see Run
	dir   string                // keeps the certificates of control
	now   func() time.Time      // the node's clock
	doubt chan struct{}         // full where somebody would not take the certificate
	gone  *removals             // who is refused

	mu   sync.Mutex
	leaf *leaf
}

func newIdentity(node, role string, key ed25519.PrivateKey, ca *x509.Certificate) *Identity {
	return &Identity{
		Node: node, Role: role, key: key, ca: ca, pool: poolOf(ca), now: time.Now, doubt: make(chan struct{}, 1), gone: newRemovals(),
	}
}

// Key returns the node's public key, which is the same for life.
func (id *Identity) Key() ed25519.PublicKey { return id.key.Public().(ed25519.PublicKey) }

// Expires returns when the current certificate runs out.
func (id *Identity) Expires() time.Time { return id.current().x509().NotAfter }

// A leaf is a certificate with its key, never changed after newLeaf.
type leaf struct {
	cert    *tls.Certificate
	renewAt time.Time
}

// newLeaf reads a certificate. Renewal is due at two thirds of its life, and a little earlier by chance: nodes that started
// together shall not all ask at once.
func newLeaf(der []byte, key ed25519.PrivateKey) (*leaf, error) {
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back certificate: %w", err)
	}
	l := &leaf{cert: &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: x}}
	life := l.life()
	l.renewAt = x.NotAfter.Add(-life/3 - rand.N(life/48))
	return l, nil
}

func (l *leaf) x509() *x509.Certificate { return l.cert.Leaf }

// life is how long the certificate is meant to be used, without what it is backdated; never zero.
func (l *leaf) life() time.Duration {
	return max(l.x509().NotAfter.Sub(l.x509().NotBefore)-backdate, time.Second)
}

func (id *Identity) current() *leaf {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.leaf
}

// certificate returns the current certificate, renewed first where that is due and a CA is at hand. Renewing takes well
// under a millisecond, so handshakes that come meanwhile wait for it.
func (id *Identity) certificate() (*tls.Certificate, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	now := id.now()
	if id.renew == nil || now.Before(id.leaf.renewAt) {
		return id.leaf.cert, nil
	}
	next, err := id.renew()
	if err == nil {
		id.leaf = next
		return next.cert, nil
	}
	if now.Before(id.leaf.x509().NotAfter) {
		return id.leaf.cert, nil // good for a while; the next handshake tries again
	}
	return nil, fmt.Errorf("renew certificate of %s: %w", id.Node, err)
}
