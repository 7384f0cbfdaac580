package port

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"freshet/cluster/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bench struct {
	*testing.T
	ca   *identity.CA
	port *Port
	line *Line
}

// newBench runs a port that speaks "echo/1" with edges, and "line/1" between control nodes.
func newBench(t *testing.T) *bench {
	ca, err := identity.OpenCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, ca: ca}
	control := b.issue("control-1", identity.RoleControl)
	if b.port, err = New("127.0.0.1:0", slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	b.port.Add(Protocol{ALPN: "echo/1", TLS: control.ServerTLS([]string{"echo/1"}, identity.RoleEdge), Serve: func(ctx context.Context, c *tls.Conn) {
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
		defer func() { _ = c.Close() }()
		_, _ = io.Copy(c, c)
	}})
	b.line = b.port.Line(control, "line/1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.port.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		_ = b.line.Close()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("does not stop")
		}
	})
	return b
}

func (b *bench) issue(node, role string) *identity.Identity {
	b.Helper()
	id, err := b.ca.Issue(node, role)
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// says returns what comes back of hello on a connection of cfg, or why nothing does.
func (b *bench) says(cfg *tls.Config) error {
	b.Helper()
	d := tls.Dialer{Config: cfg}
	conn, err := d.DialContext(b.Context(), "tcp", b.port.Addr().String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("hello")); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 5))
	return err
}

func TestProtocols(t *testing.T) {
	b := newBench(t)
	edge := b.issue("edge-1", identity.RoleEdge)
	if err := b.says(edge.ClientTLS([]string{"other/1", "echo/1"}, "", identity.RoleControl)); err != nil {
		t.Errorf("a protocol that is spoken: %v", err)
	}
	for name, cfg := range map[string]*tls.Config{
		"none of ours":     edge.ClientTLS([]string{"other/1"}, "", identity.RoleControl),
		"none at all":      edge.ClientTLS(nil, "", identity.RoleControl),
		"another role":     b.issue("origin-1", identity.RoleOrigin).ClientTLS([]string{"echo/1"}, "", identity.RoleControl),
		"not for edges":    edge.ClientTLS([]string{"line/1"}, "", identity.RoleControl),
		"no certificate":   {InsecureSkipVerify: true, NextProtos: []string{"echo/1"}},
		"an older TLS":     {InsecureSkipVerify: true, NextProtos: []string{"echo/1"}, MaxVersion: tls.VersionTLS12},
		"of another owner": newBench(t).issue("edge-1", identity.RoleEdge).ClientTLS([]string{"echo/1"}, "", identity.RoleControl),
	} {
		if err := b.says(cfg); err == nil {
			t.Errorf("%s: served", name)
		}
	}
	if n := testutil.ToFloat64(b.port.m.refused.WithLabelValues(string(refusedProtocol))); n < 1 {
		t.Errorf("%v refused for their protocol, want some", n)
	}
}

// Garbage and silence take a place among the handshakes for a while, and nothing else.
func TestGarbage(t *testing.T) {
	b := newBench(t)
	for _, text := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff"} {
		conn, err := net.Dial("tcp", b.port.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.says(b.issue("edge-1", identity.RoleEdge).ClientTLS([]string{"echo/1"}, "", identity.RoleControl)); err != nil {
		t.Errorf("beside them: %v", err)
	}
}

// A line's connections come out of Accept, and end when their peer is removed from the cluster.
func TestLine(t *testing.T) {
	b := newBench(t)
	other := b.issue("control-2", identity.RoleControl)
	dial := &Line{id: other, alpn: "line/1"}
	conn, err := dial.Dial(t.Context(), b.port.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	taken, err := b.line.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(taken, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	b.line.id.SetRemoved([]identity.Removed{{Node: "control-2", Key: other.Key()}})
	_ = taken.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := taken.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("of a removed node: %v, want its connection ended", err)
	}
	_ = taken.Close()
	_ = b.line.Close()
	if _, err := b.line.Accept(); err == nil {
		t.Error("accepts after its end")
	}
}
