package enrol

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"freshet/cluster/identity"
	"freshet/cluster/join"
	"freshet/control/keys"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nodeALPN is a protocol of nodes, beside enrolment on control's port.
const nodeALPN = "node/1"

// A cluster is one control node with a registry: it listens as main does, by ALPN.
type cluster struct {
	*testing.T
	*Server
	keys     *keys.Keys
	registry *registry
	metrics  *prometheus.Registry
	control  *identity.Identity
	addr     string

	mu    sync.Mutex
	notes []Note
	ahead time.Duration // of its clock
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{T: t, keys: keys.Make(), metrics: prometheus.NewRegistry()}
	c.registry = newRegistry(c.now)
	var err error
	if c.control, err = c.keys.CA().Issue("control-1", identity.RoleControl); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.addr = ln.Addr().String()
	c.Server = New(Deps{
		Log: slog.New(slog.DiscardHandler), Metrics: c.metrics, Identity: c.control, CA: c.keys.CA(), Registry: c.registry,
		Mesh: func() *pb.MeshSeed {
			return &pb.MeshSeed{Controls: []string{c.addr}, Gossip: []string{"192.0.2.1:7"}, GossipKeys: [][]byte{{1, 2, 3}}}
		},
		Secrets: c.keys.Share, Audit: c.note, Now: c.now,
	})
	c.listen(ln)
	return c
}

// listen serves enrolment, and echoes what nodes send, until the test ends.
func (c *cluster) listen(ln net.Listener) {
	ctx, cancel := context.WithCancel(c.Context())
	stranger, node := c.TLS(), c.control.ServerTLS([]string{nodeALPN}, identity.RoleEdge)
	cfg := &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, join.ALPN) {
			return stranger, nil
		}
		return node, nil
	}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			raw, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.serve(ctx, tls.Server(raw, cfg)) })
		}
	})
	c.Cleanup(func() {
		cancel()
		_ = ln.Close()
		all.Wait()
	})
}

func (c *cluster) serve(ctx context.Context, conn *tls.Conn) {
	handshake, cancel := context.WithTimeout(ctx, handshakeWait)
	err := conn.HandshakeContext(handshake)
	cancel()
	if err == nil && conn.ConnectionState().NegotiatedProtocol == nodeALPN {
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		watch, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() { // as a link does that must end when its peer is removed
			if errors.Is(c.control.Watch(watch, conn.ConnectionState()), identity.ErrRemoved) {
				_ = conn.Close()
			}
		}()
		b := make([]byte, 1)
		for {
			if _, err := conn.Read(b); err != nil {
				_ = conn.Close()
				return
			}
			_, _ = conn.Write(b)
		}
	}
	c.Serve(ctx, conn)
}

func (c *cluster) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *cluster) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (c *cluster) note(n Note) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notes = append(c.notes, n)
}

// noted returns the last note.
func (c *cluster) noted() Note {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) == 0 {
		return Note{}
	}
	return c.notes[len(c.notes)-1]
}

func (c *cluster) invite(role, region string) jointoken.Token {
	c.Helper()
	token, err := c.Invite(c.Context(), role, region, TokenLife)
	if err != nil {
		c.Fatal(err)
	}
	return token
}

// edge is the configuration of an edge with a new directory.
func (c *cluster) edge(node string) join.Config {
	return join.Config{Control: []string{c.addr}, Dir: c.TempDir(), Node: node, Role: identity.RoleEdge, Software: "test"}
}

func (c *cluster) enrol(cfg join.Config, token jointoken.Token) (*join.Joined, error) {
	return join.Enrol(c.Context(), slog.New(slog.DiscardHandler), cfg, token)
}

func (c *cluster) joined(cfg join.Config, token jointoken.Token) *join.Joined {
	c.Helper()
	j, err := c.enrol(cfg, token)
	if err != nil {
		c.Fatal(err)
	}
	return j
}

func (c *cluster) renewal(id *identity.Identity, dir string) *join.Renewal {
	return &join.Renewal{Identity: id, Dir: dir, Software: "test", Log: slog.New(slog.DiscardHandler)}
}

// counted is what a counter of enrolment stands at.
func (c *cluster) refusals(reason string) float64 {
	return testutil.ToFloat64(c.m.refused.WithLabelValues(reason))
}

// wantRefusal holds what a node was told, what was noted and what was counted to one reason.
func (c *cluster) wantRefusal(name string, err error, code pb.EnrolCode, text string) {
	c.Helper()
	var r *join.Refusal
	if !errors.As(err, &r) || r.Code != code || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
		c.Errorf("%s: the node is told %v; want %v, %q", name, err, code, text)
	}
	if n := c.noted(); n.Refused != reasonOf(code) || !n.From.IsLoopback() || n.At.IsZero() {
		c.Errorf("%s: noted %+v", name, n)
	}
	if c.refusals(reasonOf(code)) == 0 {
		c.Errorf("%s: not counted", name)
	}
}

// aged gives the directory of a node of the cluster a certificate that ran out ago.
func (c *cluster) aged(dir string, id *identity.Identity, ago time.Duration) *identity.Identity {
	c.Helper()
	s := identity.Subject{Node: id.Node, Role: id.Role, Key: id.Key()}
	der, err := c.keys.CA().Sign(s, time.Now().Add(-identity.LeafLife-ago))
	if err != nil {
		c.Fatal(err)
	}
	if err := identity.Keep(dir, der, c.keys.CA().Certificate()); err != nil {
		c.Fatal(err)
	}
	old, err := identity.Open(dir)
	if err != nil {
		c.Fatal(err)
	}
	return old
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
