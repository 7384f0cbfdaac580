package member

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

// memberlist lets a probe that is under way come to its end after Shutdown, up to 5 s later.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/memberlist.(*Memberlist).probeNode"))
}

// A mesh is what the nodes of one test have in common.
type mesh struct {
	t   testing.TB
	ca  *identity.CA
	key []byte
}

func newMesh(t testing.TB) *mesh {
	t.Helper()
	return &mesh{t: t, ca: openCA(t), key: bytes.Repeat([]byte{7}, KeySize)}
}

func openCA(t testing.TB) *identity.CA {
	t.Helper()
	ca, err := identity.OpenCA(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// A node is a member with facts of a test's making.
type node struct {
	*Member
	t      testing.TB
	reg    *prometheus.Registry
	lines  *lines
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	facts   *pb.NodeState
	changed chan struct{}
}

// make returns a node that does not run yet; change alters what it is made of.
func (ms *mesh) make(name string, seeds []string, change ...func(*Config, *Deps)) *node {
	ms.t.Helper()
	id, err := ms.ca.Issue(name, identity.RoleEdge)
	if err != nil {
		ms.t.Fatal(err)
	}
	n := &node{t: ms.t, reg: prometheus.NewRegistry(), lines: &lines{}, done: make(chan struct{}), facts: &pb.NodeState{Software: "test"}, changed: make(chan struct{})}
	cfg := Config{Node: name, Role: identity.RoleEdge, Region: "yul", Listen: "127.0.0.1:0", Seeds: seeds, Keys: [][]byte{ms.key}}
	d := Deps{
		Log: slog.New(slog.NewTextHandler(n.lines, nil)), Metrics: n.reg, Identity: id, Now: time.Now,
		Facts: func(time.Time) *pb.NodeState {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.facts
		},
		Changed: func() <-chan struct{} {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.changed
		},
	}
	for _, f := range change {
		f(&cfg, &d)
	}
	if n.Member, err = New(cfg, d); err != nil {
		ms.t.Fatal(err)
	}
	return n
}

// start runs n until the test ends, or stop.
func (n *node) start() *node {
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	go func() {
		defer close(n.done)
		if err := n.Run(ctx); err != nil {
			n.t.Errorf("%s: %v", n.cfg.Node, err)
		}
	}()
	n.t.Cleanup(n.stop)
	return n
}

func (ms *mesh) start(name string, seeds []string, change ...func(*Config, *Deps)) *node {
	ms.t.Helper()
	return ms.make(name, seeds, change...).start()
}

// stop ends n in order.
func (n *node) stop() {
	n.cancel()
	<-n.done
}

// kill ends n as SIGKILL would, for all that others can see.
func (n *node) kill() {
	n.socket.shut()
	n.cancel()
	<-n.done
}

// set changes the node's facts.
func (n *node) set(f func(*pb.NodeState)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.facts = proto.CloneOf(n.facts)
	f(n.facts)
	close(n.changed)
	n.changed = make(chan struct{})
}

// statuses returns what n sees, by name.
func (n *node) statuses() map[string]Status {
	out := map[string]Status{}
	for _, one := range n.Nodes() {
		out[one.Name] = one.Status
	}
	return out
}

// sees waits until n sees exactly want.
func (n *node) sees(within time.Duration, want map[string]Status) {
	n.t.Helper()
	n.until(within, func() error {
		if got := n.statuses(); !maps.Equal(got, want) {
			return fmt.Errorf("%s sees %v, want %v", n.cfg.Node, got, want)
		}
		return nil
	})
}

// until waits for what to return nil. It asks when n's view changes, and now and then, since time changes it, too.
func (n *node) until(within time.Duration, what func() error) {
	n.t.Helper()
	late := time.NewTimer(within)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		changed := n.Changed()
		err := what()
		if err == nil {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-late.C:
			n.t.Fatalf("after %v: %v\n%s", within, err, n.lines)
		}
	}
}

// counter returns the value of a counter of n.
func (n *node) counter(name, label string) float64 {
	n.t.Helper()
	all, err := n.reg.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			if label == "" || len(m.Label) == 1 && m.Label[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	n.t.Fatalf("no metric %s %s", name, label)
	return 0
}

// counts waits until a counter of n has risen above base.
func (n *node) counts(within time.Duration, name, label string, base float64) {
	n.t.Helper()
	n.until(within, func() error {
		if got := n.counter(name, label); got <= base {
			return fmt.Errorf("%s{%s} is %v, want more than %v", name, label, got, base)
		}
		return nil
	})
}

func all(s Status, names ...string) map[string]Status {
	out := map[string]Status{}
	for _, n := range names {
		out[n] = s
	}
	return out
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
