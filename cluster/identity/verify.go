package identity

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// Leeway is how far past its life a certificate is taken, and before it: clocks differ (RELIABILITY, R16).
	Leeway = 30 * time.Second

	// Grace is how long after its certificate ran out a node may still renew it: one that was off comes back by itself.
	Grace = 7 * 24 * time.Hour
)

// Why a peer is refused. The side that refuses finds them in the error of its handshake.
var (
	ErrNoPeer  = errors.New("peer shows no node certificate")
	ErrCA      = errors.New("peer's certificate is not valid in this cluster")
	ErrLife    = errors.New("it has run out or is not valid yet, or a clock is wrong")
	ErrRole    = errors.New("peer has a role that is not served here")
	ErrNode    = errors.New("peer is another node than the one dialled")
	ErrRemoved = errors.New("the node was removed from the cluster")
	ErrPin     = errors.New("the join token is of another cluster than the one that answers")
	ErrLapsed  = errors.New("the certificate ran out too long ago to be renewed")
)

// verify holds the peer of cs to chain, life, usage, role, (where not empty) node, and the list of the removed.
func (id *Identity) verify(cs tls.ConnectionState, usage x509.ExtKeyUsage, node string, roles []string) error {
	if len(cs.PeerCertificates) == 0 {
		return ErrNoPeer
	}
	if err := id.chain(cs.PeerCertificates[0], usage, Leeway); err != nil {
		return err
	}
	peer, role, err := Peer(cs)
	switch {
	case err != nil:
		return err
	case !slices.Contains(roles, role):
		return fmt.Errorf("%w: %s is %s", ErrRole, peer, role)
	case node != "" && node != peer:
		return fmt.Errorf("%w: got %s, want %s", ErrNode, peer, node)
	case id.gone.has(peer, cs.PeerCertificates[0]):
		return fmt.Errorf("%w: %s", ErrRemoved, peer)
	}
	return nil
}

// chain holds cert to the cluster's CA and, Leeway before and late after it, to its life.
func (id *Identity) chain(cert *x509.Certificate, usage x509.ExtKeyUsage, late time.Duration) error {
	now := id.now()
	at := now
	switch {
	case now.Before(cert.NotBefore) && !now.Add(Leeway).Before(cert.NotBefore):
		at = cert.NotBefore
	case now.After(cert.NotAfter) && !now.Add(-late).After(cert.NotAfter):
		at = cert.NotAfter
	}
	opts := x509.VerifyOptions{Roots: id.pool, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage}}
	_, err := cert.Verify(opts)
	if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		const form = "2006-01-02T15:04:05Z"
		return fmt.Errorf("%w: %w: valid from %s to %s, here it is %s", ErrCA, ErrLife,
			cert.NotBefore.UTC().Format(form), cert.NotAfter.UTC().Format(form), now.UTC().Format(form))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCA, err)
	}
	return nil
}

// Holder returns whose certificate the peer of cs has shown, which may have run out less than Grace ago: enough to renew it
// by, and for nothing else. cs must come from a connection made with StrangerTLS. The error is ErrNoPeer where none was
// shown; it wraps ErrCA where it is not of this cluster, and ErrLapsed as well where only its life is over.
func (id *Identity) Holder(cs tls.ConnectionState) (Subject, error) {
	node, role, err := Peer(cs)
	if err != nil {
		return Subject{}, err
	}
	cert := cs.PeerCertificates[0]
	if err := id.chain(cert, x509.ExtKeyUsageClientAuth, Grace); err != nil {
		if errors.Is(err, ErrLife) && id.now().After(cert.NotAfter) {
			err = fmt.Errorf("%w: %w", ErrLapsed, err)
		}
		return Subject{}, err
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return Subject{}, fmt.Errorf("%w: a key that is not Ed25519", ErrCA)
	}
	return Subject{Node: node, Role: role, Key: key}, nil
}
