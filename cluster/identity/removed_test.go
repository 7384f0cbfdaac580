package identity

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A node that is removed is refused by either end, its open links are told, and its name may come again with another key.
func TestRemoved(t *testing.T) {
	ca := openCA(t)
	alpn := []string{"x"}
	origin, edge, again := issue(t, ca, "origin-1", RoleOrigin), issue(t, ca, "edge-1", RoleEdge), issue(t, ca, "edge-1", RoleEdge)
	shake := func(edge *Identity) (server, client error) {
		_, _, server, client = handshake(t, origin.ServerTLS(alpn, RoleEdge), edge.ClientTLS(alpn, "origin-1", RoleOrigin))
		return server, client
	}
	atServer, _, serverErr, clientErr := handshake(t, origin.ServerTLS(alpn, RoleEdge), edge.ClientTLS(alpn, "origin-1", RoleOrigin))
	if serverErr != nil || clientErr != nil {
		t.Fatal(serverErr, clientErr)
	}
	told := make(chan error, 1)
	go func() { told <- origin.Watch(t.Context(), atServer) }()

	origin.SetRemoved([]Removed{{Node: "edge-2"}, {Node: "edge-1", Key: again.Key()}})
	if serverErr, clientErr := shake(edge); serverErr != nil || clientErr != nil {
		t.Errorf("others were removed: server says %v, client %v", serverErr, clientErr)
	}
	select {
	case err := <-told:
		t.Fatalf("others were removed: %v", err)
	default:
	}
	since := time.Now()
	origin.SetRemoved([]Removed{{Node: "edge-1", Key: edge.Key()}})
	select {
	case err := <-told:
		if !errors.Is(err, ErrRemoved) {
			t.Errorf("the link was told %v", err)
		}
		t.Logf("told after %v", time.Since(since))
	case <-time.After(2 * time.Second):
		t.Fatal("the link was not told in 2 s")
	}
	if err := origin.Watch(t.Context(), atServer); !errors.Is(err, ErrRemoved) {
		t.Errorf("who watches afterwards is told %v", err)
	}
	if serverErr, clientErr := shake(edge); !errors.Is(serverErr, ErrRemoved) || !RefusedBy(clientErr) {
		t.Errorf("server says %v, client %v", serverErr, clientErr)
	}
	if serverErr, clientErr := shake(again); serverErr != nil || clientErr != nil {
		t.Errorf("the name with another key: server says %v, client %v", serverErr, clientErr)
	}

	edge.SetRemoved([]Removed{{Node: "origin-1"}}) // whatever its key
	origin.SetRemoved(nil)
	if serverErr, clientErr := shake(edge); !errors.Is(clientErr, ErrRemoved) || !RefusedBy(serverErr) {
		t.Errorf("server says %v, client %v", serverErr, clientErr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := origin.Watch(ctx, atServer); !errors.Is(err, context.Canceled) {
		t.Errorf("at the end of the watch: %v", err)
	}
}
