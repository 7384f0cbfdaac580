package identity

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"strings"
)

const maxNode = 64 // bytes of a node's name

// Peer returns the node and role in the peer's certificate. It proves nothing by itself: cs must come
// from a connection made with ServerTLS or ClientTLS. The error is ErrNoPeer or wraps it.
func Peer(cs tls.ConnectionState) (node, role string, err error) {
	if len(cs.PeerCertificates) == 0 {
		return "", "", ErrNoPeer
	}
	node, role, err = named(cs.PeerCertificates[0].URIs)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNoPeer, err)
	}
	return node, role, nil
}

// named returns the node and role in freshet://ROLE/NODE, the one URI that is to be there.
func named(uris []*url.URL) (node, role string, err error) {
	if len(uris) != 1 || uris[0].Scheme != scheme {
		return "", "", fmt.Errorf("it has not one name as %s://ROLE/NODE", scheme)
	}
	u := uris[0]
	node, role = strings.TrimPrefix(u.Path, "/"), u.Host
	if err := CheckNode(node); err != nil {
		return "", "", err
	}
	if err := CheckRole(role); err != nil {
		return "", "", err
	}
	if *u != *(Subject{Node: node, Role: role}).uri() {
		return "", "", fmt.Errorf("its name says more than %s://ROLE/NODE", scheme)
	}
	return node, role, nil
}

// CheckNode says whether node can be a node's name: 1 to 64 of [a-z0-9.-].
func CheckNode(node string) error {
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

// CheckRole says whether role is one.
func CheckRole(role string) error {
	switch role {
	case RoleOrigin, RoleEdge, RoleControl:
		return nil
	}
	return fmt.Errorf("role %.80q: want origin, edge or control", role)
}
