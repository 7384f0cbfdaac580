package enrol

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/cluster/join"
	"freshet/control/keys"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

// The life of an edge that has an address and a token and nothing else: it comes in, speaks with control, renews its
// certificate under the line it has, is removed, and is refused everywhere from then on.
func TestLifeOfAnEdge(t *testing.T) {
	c := newCluster(t)
	cfg := c.edge("")
	j := c.joined(cfg, c.invite(identity.RoleEdge, "yul"))
	edge := j.Identity
	if !strings.HasPrefix(edge.Node, "edge-yul-") || edge.Role != identity.RoleEdge || j.Region != "yul" || j.Secrets != nil {
		t.Errorf("joined as %s %s in %s, secrets %v", edge.Role, edge.Node, j.Region, j.Secrets != nil)
	}
	if n := c.noted(); n.Action != "join" || n.Node != edge.Node || n.Region != "yul" || n.Refused != "" {
		t.Errorf("noted %+v", n)
	}
	mesh := c.d.Mesh()
	mesh.Region = "yul" // the node's own, which it keeps with it
	if kept, err := join.ReadMesh(cfg.Dir); err != nil || !proto.Equal(kept, mesh) || !proto.Equal(j.Mesh, kept) {
		t.Errorf("kept of the mesh: %v, %v", kept, err)
	}

	link := dialNode(t, c.addr, edge)
	if err := echo(link); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	told, ended := make(chan *pb.MeshSeed, 1), make(chan error, 1)
	r := c.renewal(edge, cfg.Dir)
	r.Told = func(m *pb.MeshSeed) { told <- m }
	first := edge.Expires()
	c.advance(time.Minute)
	edge.Doubt()
	go func() { ended <- edge.Run(ctx, slog.New(slog.DiscardHandler), r.Ask) }()
	select {
	case m := <-told:
		if !proto.Equal(m, mesh) {
			t.Errorf("told %v", m)
		}
	case <-ctx.Done():
		t.Fatal("not renewed")
	}
	if err := echo(link); err != nil {
		t.Errorf("the line from before: %v", err)
	}
	if err := echo(dialNode(t, c.addr, edge)); err != nil {
		t.Errorf("a new line: %v", err)
	}

	if err := c.Remove(t.Context(), edge.Node); err != nil {
		t.Fatal(err)
	}
	since := time.Now()
	c.control.SetRemoved([]identity.Removed{{Node: edge.Node, Key: edge.Key()}}) // as the quorum tells
	if err := closed(link); err == nil {
		t.Error("the line of a removed node stays")
	}
	if took := time.Since(since); took > 2*time.Second {
		t.Errorf("the line of a removed node was closed after %v", took)
	}
	if err := echo(dialNode(t, c.addr, edge)); !identity.RefusedBy(err) {
		t.Errorf("a new line of a removed node: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	again, err := identity.Open(cfg.Dir) // its next start
	if err != nil {
		t.Fatal(err)
	}
	if !again.Expires().After(first) {
		t.Error("the renewed certificate was not kept")
	}
	again.Doubt() // since it is refused
	err = again.Run(t.Context(), slog.New(slog.DiscardHandler), c.renewal(again, cfg.Dir).Ask)
	if !errors.Is(err, identity.ErrRemoved) {
		t.Errorf("the removed node's end is %v", err)
	}
	c.wantRefusal("the removed node", err, pb.EnrolCode_ENROL_CODE_REMOVED, "was removed from the cluster")
	_, err = c.enrol(cfg, c.invite(identity.RoleEdge, ""))
	c.wantRefusal("the removed node with a new token", err, pb.EnrolCode_ENROL_CODE_REMOVED, "delete node.key")
	cfg.Node, cfg.Dir = edge.Node, t.TempDir()
	c.joined(cfg, c.invite(identity.RoleEdge, "")) // its name, another machine
}

// A node that was off for days comes back by itself, and after more than a week by a token.
func TestLongOff(t *testing.T) {
	c := newCluster(t)
	cfg := c.edge("edge-1")
	id := c.joined(cfg, c.invite(identity.RoleEdge, "")).Identity

	old := c.aged(cfg.Dir, id, 6*24*time.Hour)
	if err := echo(dialNode(t, c.addr, old)); !identity.RefusedBy(err) {
		t.Errorf("a certificate that ran out opens a line: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := old.Run(ctx, slog.New(until{"certificate renewed", cancel}), c.renewal(old, cfg.Dir).Ask); err != nil {
		t.Fatal(err)
	}
	if err := echo(dialNode(t, c.addr, old)); err != nil {
		t.Errorf("after renewal: %v", err)
	}

	old = c.aged(cfg.Dir, id, 8*24*time.Hour)
	err := old.Run(t.Context(), slog.New(slog.DiscardHandler), c.renewal(old, cfg.Dir).Ask)
	if !errors.Is(err, identity.ErrLapsed) {
		t.Errorf("after 8 days: %v", err)
	}
	c.wantRefusal("after 8 days", err, pb.EnrolCode_ENROL_CODE_LAPSED, "join with a new token")
	c.joined(cfg, c.invite(identity.RoleEdge, "")) // same key, same name
}

// A control node gets what control nodes share, and nobody else does.
func TestControlJoins(t *testing.T) {
	c := newCluster(t)
	cfg := c.edge("control-2")
	cfg.Role = identity.RoleControl
	j := c.joined(cfg, c.invite(identity.RoleControl, ""))
	k, err := keys.Take(t.TempDir(), "", j.Secrets)
	if err != nil || k.CA().Pin() != c.keys.CA().Pin() || string(k.Derived("a")) != string(c.keys.Derived("a")) {
		t.Fatalf("%v", err)
	}
	for _, role := range []string{identity.RoleEdge, identity.RoleOrigin} {
		cfg := c.edge("")
		cfg.Role = role
		if j := c.joined(cfg, c.invite(role, "")); j.Secrets != nil {
			t.Errorf("an %s has the secrets of control", role)
		}
	}
}

// Of a hundred machines with one token one comes in. Each asks from an address of its own, so that no limit helps.
func TestOneTokenManyMachines(t *testing.T) {
	const machines = 100
	c := newCluster(t)
	token := c.invite(identity.RoleEdge, "")
	var won, used atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range machines {
		csr, err := identity.Request(newKey(t), "", "")
		if err != nil {
			t.Fatal(err)
		}
		up := &pb.EnrolUp{Body: &pb.EnrolUp_Enrol{Enrol: &pb.EnrolRequest{Secret: token.Secret[:], Csr: csr, Role: identity.RoleEdge}}}
		all.Go(func() {
			w := c.dial(net.IPv4(127, 0, 1, byte(1+i)), identity.PinnedTLS([]string{join.ALPN}, token.CA))
			defer w.Close()
			<-start
			down, err := c.exchange(w, up)
			switch {
			case err != nil:
				t.Error(err)
			case down.GetAnswer() != nil:
				won.Add(1)
			case down.GetRefusal().GetCode() == pb.EnrolCode_ENROL_CODE_TOKEN_USED:
				used.Add(1)
			default:
				t.Errorf("answered %v", down)
			}
		})
	}
	close(start)
	all.Wait()
	if won.Load() != 1 || used.Load() != machines-1 {
		t.Errorf("%d came in, %d were told that the token was used", won.Load(), used.Load())
	}
}

// Who asks again with its key, since the answer was lost, is the node that it was, made name and all.
func TestLostAnswer(t *testing.T) {
	c := newCluster(t)
	cfg, token := c.edge(""), c.invite(identity.RoleEdge, "fra")
	first := c.joined(cfg, token)
	if again := c.joined(cfg, token); again.Identity.Node != first.Identity.Node || again.Region != "fra" {
		t.Errorf("%s became %s", first.Identity.Node, again.Identity.Node)
	}
	other := c.joined(cfg, c.invite(identity.RoleEdge, "fra")).Identity
	if other.Node == first.Identity.Node || !other.Key().Equal(first.Identity.Key()) {
		t.Errorf("by another token %s became %s", first.Identity.Node, other.Node)
	}
	c.joined(c.edge(first.Identity.Node), c.invite(identity.RoleEdge, "")) // the name is free again
}

// Where one control node cannot decide, or is not there, the next is asked.
func TestNextControl(t *testing.T) {
	c, other := newCluster(t), newCluster(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := ln.Addr().String()
	_ = ln.Close()
	token := c.invite(identity.RoleEdge, "")
	c.registry.setAway(true)
	cfg := c.edge("edge-1")
	cfg.Control = []string{nobody, c.addr, other.addr}
	_, err = c.enrol(cfg, token)
	for _, want := range []string{nobody + ": dial tcp", c.addr + ": control refuses: control cannot decide now", other.addr + ": the join token is of another cluster"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v; want %q in one line", err, want)
		}
	}
	if !errors.Is(err, identity.ErrPin) {
		t.Errorf("%v", err)
	}
	if n := c.noted(); n.Refused != "unavailable" {
		t.Errorf("noted %+v", n)
	}
	c.registry.setAway(false)
	c.joined(cfg, token)
	if _, err := c.Invite(t.Context(), "viewer", "", TokenLife); err == nil {
		t.Error("a token for viewers")
	}
	if _, err := c.Invite(t.Context(), identity.RoleEdge, "", maxTokenLife+1); err == nil {
		t.Error("a token for more than a day")
	}
	c.registry.setAway(true)
	if token, err := c.Invite(t.Context(), identity.RoleEdge, "", TokenLife); !errors.Is(err, errAway) || token != (jointoken.Token{}) {
		t.Errorf("a token that nobody keeps: %v", err)
	}
}

// until is a log that calls then at a message.
type until struct {
	message string
	then    func()
}

func (u until) Enabled(context.Context, slog.Level) bool { return true }
func (u until) WithAttrs([]slog.Attr) slog.Handler       { return u }
func (u until) WithGroup(string) slog.Handler            { return u }
func (u until) Handle(_ context.Context, r slog.Record) error {
	if r.Message == u.message {
		u.then()
	}
	return nil
}

// dialNode opens a line of node's to control. In TLS 1.3 only an answer tells whether it was taken.
func dialNode(t *testing.T, addr string, id *identity.Identity) net.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, id.ClientTLS([]string{nodeALPN}, "control-1", identity.RoleControl))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

func echo(conn net.Conn) error {
	if _, err := conn.Write([]byte{1}); err != nil {
		return err
	}
	_, err := conn.Read(make([]byte, 1))
	return err
}

// closed returns the error by which conn's other end has closed it, nil where it has not in 3 s.
func closed(conn net.Conn) error {
	_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second))
	_, err := conn.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// dial opens a connection for one exchange, from an address of loopback.
func (c *cluster) dial(from net.IP, cfg *tls.Config) *agent.Wire {
	c.Helper()
	dialer := tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: 10 * time.Second}, Config: cfg}
	conn, err := dialer.DialContext(c.Context(), "tcp", c.addr)
	if err != nil {
		c.Error(err)
		return agent.NewWire(&net.TCPConn{}, 0)
	}
	return agent.NewWire(conn, join.MaxMessage)
}

func (c *cluster) exchange(w *agent.Wire, up *pb.EnrolUp) (*pb.EnrolDown, error) {
	if err := w.Send(up); err != nil {
		return nil, err
	}
	down := &pb.EnrolDown{}
	return down, w.Receive(down)
}
