package identity

import (
	"crypto/tls"
	"fmt"
	"strings"
)

const maxNode = 64 // bytes of a node's name

// Peer returns the node and role in the peer's certificate. It proves nothing by itself: cs must come
// from a connection made with ServerTLS or ClientTLS. The error is ErrNoPeer or wraps it.
func Peer(cs tls.ConnectionState) (node, role string, err error) {
	if len(cs.PeerCertificates) == 0 {
		return "", "", ErrNoPeer
	}
	uris := cs.PeerCertificates[0].URIs
	if len(uris) != 1 || uris[0].Scheme != scheme {
		return "", "", ErrNoPeer
	}
	u := uris[0]
	node, role = strings.TrimPrefix(u.Path, "/"), u.Host
	if err := checkNode(node); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNoPeer, err)
	}
	if err := checkRole(role); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNoPeer, err)
	}
	return node, role, nil
}

func checkNode(node string) error {
	if node == "" || len(node) > maxNode {
		return fmt.Errorf("node name %.80q: want 1 to %d of [a-z0-9.-]", node, maxNode)
	}
	for i := range len(node) {
		if c := node[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return fmt.Errorf("node name %q: want 1 to %d of [a-z0-9.-]", node, maxNode)
		}
	}
	return nil
}

func checkRole(role string) error {
	switch role {
	case RoleOrigin, RoleEdge, RoleControl:
		return nil
	}
	return fmt.Errorf("role %.80q: want origin, edge or control", role)
}
