package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
)

// A Removed is somebody who is not of the cluster any more: who has Key or, where there is none, whoever has the name. A
// machine that comes in again under the same name has another key. Certificates of a removed node run out by themselves and
// are not renewed, so the list needs it for LeafLife after its removal.
type Removed struct {
	Node string
	Key  ed25519.PublicKey
}

// removals is the list, replaced as a whole.
type removals struct {
	mu      sync.Mutex
	names   map[string]bool
	keys    map[string]bool
	changed chan struct{} // closed by the next list
}

func newRemovals() *removals { return &removals{changed: make(chan struct{})} }

func (r *removals) has(node string, cert *x509.Certificate) bool {
	key, _ := cert.PublicKey.(ed25519.PublicKey)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[node] || r.keys[string(key)]
}

// SetRemoved replaces the list of nodes that are refused from now on, with ErrRemoved, by all configs in use. What links
// they have is told to those who Watch them.
func (id *Identity) SetRemoved(all []Removed) {
	names, keys := map[string]bool{}, map[string]bool{}
	for _, one := range all {
		if len(one.Key) > 0 {
			keys[string(one.Key)] = true
		} else {
			names[one.Node] = true
		}
	}
	r := id.gone
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names, r.keys = names, keys
	close(r.changed)
	r.changed = make(chan struct{})
}

// Watch waits while the peer of cs is of the cluster: it returns an error that wraps ErrRemoved at once when that ends, or
// ctx's. Whoever holds a link runs it beside, and closes the link by that.
func (id *Identity) Watch(ctx context.Context, cs tls.ConnectionState) error {
	node, _, err := Peer(cs)
	if err != nil {
		return err
	}
	r := id.gone
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if r.has(node, cs.PeerCertificates[0]) {
			return fmt.Errorf("%w: %s", ErrRemoved, node)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
