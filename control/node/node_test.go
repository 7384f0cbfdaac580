package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/control/geo"
	"freshet/control/port"
	pb "freshet/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench is a CA, and control and agents that tests start with it.
type bench struct {
	*testing.T
	ca *identity.CA
}

func newBench(t *testing.T) *bench {
	ca, err := identity.OpenCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, ca}
}

func (b *bench) issue(node, role string) *identity.Identity {
	b.Helper()
	id, err := b.ca.Issue(node, role)
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// running runs what it is given until the test ends or stop is called.
func (b *bench) running(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				b.Errorf("run: %v", err)
			}
		case <-time.After(5 * time.Second):
			b.Error("does not stop")
		}
	}
	b.Cleanup(stop)
	return stop
}

func (b *bench) control(listen string, r *Records, f *Fleet) (addr string, stop func()) {
	b.Helper()
	return b.hearing(listen, Deps{Log: quiet(), Metrics: prometheus.NewRegistry(), Identity: b.issue("control-1", "control"), Records: r, Fleet: f})
}

// hearing runs a server of d at an address.
func (b *bench) hearing(listen string, d Deps) (addr string, stop func()) {
	b.Helper()
	p, err := port.New(listen, quiet(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	s := New(d)
	p.Add(port.Protocol{ALPN: agent.ALPN, TLS: s.TLS(), Serve: s.Serve})
	return p.Addr().String(), b.running(p.Run)
}

func (b *bench) agent(node, cache string, state *agent.State, control string) (stop func()) {
	b.Helper()
	return b.agentOf(b.issue(node, "edge"), cache, state, control)
}

func (b *bench) agentOf(id *identity.Identity, cache string, state *agent.State, control string) (stop func()) {
	b.Helper()
	node := id.Node
	a, err := agent.New(
		agent.Config{Node: node, Role: "edge", Region: "par", Position: &pb.Position{Latitude: 43.3, Longitude: 5.4}, Control: []string{control}, Cache: cache},
		agent.Deps{
			Log: quiet(), Metrics: prometheus.NewRegistry(), Identity: id, State: state,
			Facts:   func(time.Time) *pb.NodeFacts { return &pb.NodeFacts{Whep: "http://" + node + "/whep", Viewers: 7} },
			Changed: func() <-chan struct{} { return nil },
		})
	if err != nil {
		b.Fatal(err)
	}
	return b.running(a.Run)
}

func (b *bench) until(what string, ok func() bool) {
	b.Helper()
	late := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(late) {
			b.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestAgentHearsAndTells(t *testing.T) {
	b := newBench(t)
	records, fleet := NewRecords(agent.Record("a", "key")), NewFleet()
	addr, _ := b.control("127.0.0.1:0", records, fleet)
	state := agent.NewState()
	b.agent("edge-1", "", state, addr)

	b.until("the snapshot", state.Known)
	if err := state.CheckKey("a", "key"); err != nil {
		t.Fatal(err)
	}
	records.Set(agent.Record("b", "key"))
	b.until("a new stream", func() bool { _, ok := state.Stream("b"); return ok })
	records.Remove("a")
	b.until("a stream gone", func() bool { _, ok := state.Stream("a"); return !ok })
	b.until("the facts", func() bool { return fleet.Count("edge", time.Now()) == 1 })
	n := fleet.Nodes("edge", time.Now())[0]
	if n.Name != "edge-1" || n.Region != "par" || n.Facts.Viewers != 7 || n.Facts.Whep != "http://edge-1/whep" ||
		n.At == nil || *n.At != (geo.Point{Lat: 43.3, Lon: 5.4}) {
		t.Errorf("facts: %+v", n)
	}
}

// TestControlAway kills control: nodes go on with what they know, also one that starts meanwhile, and
// take what changed when control is back.
func TestControlAway(t *testing.T) {
	b := newBench(t)
	records, fleet := NewRecords(agent.Record("a", "old")), NewFleet()
	addr, stop := b.control("127.0.0.1:0", records, fleet)
	cache := filepath.Join(t.TempDir(), "edge-1.state")
	state := agent.NewState()
	stopAgent := b.agent("edge-1", cache, state, addr)
	b.until("the snapshot", state.Known)
	stop()
	if err := state.CheckKey("a", "old"); err != nil {
		t.Fatalf("control away: %v", err)
	}
	stopAgent()

	// The node restarts, and control is still away.
	state = agent.NewState()
	b.agent("edge-1", cache, state, addr)
	if err := state.CheckKey("a", "old"); err != nil {
		t.Fatalf("restarted while control is away: %v", err)
	}

	// Control is back as a new process, which counts versions anew.
	b.control(addr, NewRecords(agent.Record("a", "new")), NewFleet())
	b.until("the new key", func() bool { return state.CheckKey("a", "new") == nil })
}

func TestPosition(t *testing.T) {
	at := func(lat, lon float64) *pb.Position { return &pb.Position{Latitude: lat, Longitude: lon} }
	for _, c := range []struct {
		name  string
		hello *pb.AgentHello
		want  *geo.Point
	}{
		{"as it says", &pb.AgentHello{Region: "par", Position: at(43.3, 5.4)}, &geo.Point{Lat: 43.3, Lon: 5.4}},
		{"on the line where both are 0", &pb.AgentHello{Position: at(0, 0)}, &geo.Point{}},
		{"as its region says, of an older node", &pb.AgentHello{Region: "par"}, &geo.Point{Lat: 48.9, Lon: 2.4}},
		{"no place on the earth", &pb.AgentHello{Region: "par", Position: at(91, 0)}, &geo.Point{Lat: 48.9, Lon: 2.4}},
		{"no number", &pb.AgentHello{Position: at(math.NaN(), 0)}, nil},
		{"nothing said", &pb.AgentHello{Region: "local"}, nil},
	} {
		got := position(c.hello)
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	b := newBench(t)
	addr, _ := b.control("127.0.0.1:0", NewRecords(), NewFleet())
	other := newBench(t)
	for name, cfg := range map[string]*tls.Config{
		"another CA":     other.issue("edge-1", "edge").ClientTLS([]string{agent.ALPN}, "", "control"),
		"no certificate": {InsecureSkipVerify: true, NextProtos: []string{agent.ALPN}, MinVersion: tls.VersionTLS13},
	} {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, cfg)
		if err != nil {
			continue // refused in the handshake
		}
		// With TLS 1.3 the server's refusal comes after the client's last step.
		if err := agent.NewWire(conn, agent.MaxDown).Receive(&pb.AgentDown{}); err == nil {
			t.Errorf("%s: heard control", name)
		}
		_ = conn.Close()
	}
}

// The line of a node that is removed ends, and it gets no other.
func TestRemovedAgent(t *testing.T) {
	b := newBench(t)
	fleet := NewFleet()
	control, reg := b.issue("control-1", "control"), prometheus.NewRegistry()
	addr, _ := b.hearing("127.0.0.1:0", Deps{Log: quiet(), Metrics: reg, Identity: control, Records: NewRecords(agent.Record("a", "key")), Fleet: fleet})
	edge := b.issue("edge-1", "edge")
	dial := func() *agent.Wire {
		conn, err := tls.Dial("tcp", addr, edge.ClientTLS([]string{agent.ALPN}, "", "control"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		w := agent.NewWire(conn, agent.MaxDown)
		_ = w.Send(&pb.AgentUp{Body: &pb.AgentUp_Hello{Hello: &pb.AgentHello{Node: "edge-1", Role: "edge"}}})
		return w
	}
	w := dial()
	if err := w.Receive(&pb.AgentDown{}); err != nil {
		t.Fatal(err)
	}
	since := time.Now()
	control.SetRemoved([]identity.Removed{{Node: "edge-1", Key: edge.Key()}})
	if err := w.Receive(&pb.AgentDown{}); err == nil || time.Since(since) > 2*time.Second {
		t.Errorf("the line ended after %v, %v", time.Since(since), err)
	}
	if err := dial().Receive(&pb.AgentDown{}); !identity.RefusedBy(err) {
		t.Errorf("a new line: %v", err)
	}
}

// An agent whose node is removed has control asked why, long before its certificate is to be renewed.
func TestRemovedAgentAsks(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	key, err := identity.OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	der, err := b.ca.Sign(identity.Subject{Node: "edge-1", Role: "edge", Key: key.Public().(ed25519.PublicKey)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.Keep(dir, der, b.ca.Certificate()); err != nil {
		t.Fatal(err)
	}
	edge, err := identity.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	control := b.issue("control-1", "control")
	control.SetRemoved([]identity.Removed{{Node: "edge-1", Key: edge.Key()}})
	addr, _ := b.hearing("127.0.0.1:0", Deps{Log: quiet(), Metrics: prometheus.NewRegistry(), Identity: control, Records: NewRecords(), Fleet: NewFleet()})
	b.agentOf(edge, "", agent.NewState(), addr)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = edge.Run(ctx, quiet(), func(context.Context, []byte) ([]byte, error) { return nil, identity.ErrRemoved })
	if !errors.Is(err, identity.ErrRemoved) {
		t.Errorf("control was not asked: %v", err)
	}
}

func TestAnotherNameIsRefused(t *testing.T) {
	b := newBench(t)
	fleet := NewFleet()
	addr, _ := b.control("127.0.0.1:0", NewRecords(agent.Record("a", "key")), fleet)
	conn, err := tls.Dial("tcp", addr, b.issue("edge-1", "edge").ClientTLS([]string{agent.ALPN}, "", "control"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	w := agent.NewWire(conn, agent.MaxDown)
	if err := w.Send(&pb.AgentUp{Body: &pb.AgentUp_Hello{Hello: &pb.AgentHello{Node: "edge-2", Role: "edge"}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Receive(&pb.AgentDown{}); err == nil {
		t.Error("a node that says another name than its certificate was told the streams")
	}
}

// A script is a connection whose other end has said all it will say.
type script struct {
	net.Conn
	in io.Reader
}

func (s *script) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error)      { return len(b), nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }
func (s *script) Close() error                     { return nil }

func FuzzAgent(f *testing.F) {
	seed := func(ms ...proto.Message) {
		var b bytes.Buffer
		for _, m := range ms {
			if _, err := protodelim.MarshalTo(&b, m); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(b.Bytes())
	}
	hello := &pb.AgentUp{Body: &pb.AgentUp_Hello{Hello: &pb.AgentHello{Node: "edge-1", Role: "edge"}}}
	facts := &pb.AgentUp{Body: &pb.AgentUp_Facts{Facts: &pb.NodeFacts{Sequence: 1, Streams: []*pb.StreamFacts{{Id: "a"}}}}}
	seed(hello, facts, facts)
	seed(facts, hello)
	seed(hello, &pb.AgentUp{Body: &pb.AgentUp_Sessions{Sessions: &pb.SessionFacts{}}}, facts)
	fleet := NewFleet()
	s := &Server{d: Deps{Records: NewRecords(agent.Record("a", "key")), Fleet: fleet, Log: quiet()}, m: newMetrics(prometheus.NewRegistry(), fleet)}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := agent.NewWire(&script{in: bytes.NewReader(b)}, agent.MaxUp)
		if err := s.hear(t.Context(), w, Node{Name: "edge-1", Role: "edge"}, quiet()); err == nil {
			t.Fatal("went on after the end")
		}
		for _, n := range fleet.Nodes("edge", time.Now()) {
			if n.Name != "edge-1" || strings.Contains(n.Role, "control") {
				t.Fatalf("became %q %q", n.Name, n.Role)
			}
		}
	})
}
