package quorum

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	pb "freshet/proto"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		if err := child(name); err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// A cluster is control nodes in this process, on a network of their own.
type cluster struct {
	testing.TB
	net   *network
	dir   string
	nodes map[string]*node
	first string
	ahead atomic.Int64 // of the clocks, ns
	full  sync.Map     // names of nodes whose disk is full
}

type node struct {
	*Quorum
	name string
	reg  *prometheus.Registry
	stop context.CancelFunc
	done chan error // nil once it was read
}

// metric is what the node shows under name, -1 where it shows nothing.
func (n *node) metric(name string) float64 {
	all, _ := n.reg.Gather()
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

func addrOf(name string) string { return name + ":1" }

// newCluster starts size nodes that vote: c1, c2, …
func newCluster(t testing.TB, size int) *cluster {
	c := &cluster{TB: t, net: newNetwork(t), dir: t.TempDir(), nodes: map[string]*node{}, first: "c1"}
	t.Cleanup(func() {
		for _, n := range c.nodes {
			c.end(n)
		}
	})
	c.start("c1")
	for i := 2; i <= size; i++ {
		name := fmt.Sprintf("c%d", i)
		c.start(name)
		// With a vote at once: care, which looks each second, would give it one later.
		err := c.leaderBut(c.nodes[name]).raft.Load().AddVoter(raft.ServerID(name), raft.ServerAddress(addrOf(name)), 0, 10*time.Second).Error()
		if err != nil {
			t.Fatal(err)
		}
	}
	c.until("all vote", func() bool { return c.voting() == size })
	return c
}

// start starts a node on what its directory has. c1 begins the quorum.
func (c *cluster) start(name string) *node {
	c.Helper()
	n := c.built(name)
	c.nodes[name] = n
	c.run(n)
	return n
}

func (c *cluster) run(n *node) {
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	go func() { n.done <- n.Run(ctx) }()
}

// built is a node that does not run yet.
func (c *cluster) built(name string) *node {
	c.Helper()
	n := &node{name: name, reg: prometheus.NewRegistry(), done: make(chan error, 1)}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("FRESHET_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", name)
	}
	q, err := New(Config{
		Node: name, Advertise: addrOf(name), Dir: filepath.Join(c.dir, name), Bootstrap: name == c.first, Seeds: []string{addrOf(c.first)},
	}, Deps{
		Log: log, Metrics: n.reg, Raft: c.net.line(addrOf(name), RaftALPN), Calls: c.net.line(addrOf(name), CallALPN),
		Now: func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) },
	})
	if err != nil {
		c.Fatal(err)
	}
	n.Quorum = q
	q.disk.used = func(string) (float64, error) {
		if _, ok := c.full.Load(name); ok {
			return .95, nil
		}
		return .5, nil
	}
	return n
}

// end stops n in order, if it runs.
func (c *cluster) end(n *node) {
	c.Helper()
	n.stop()
	if n.done == nil {
		return
	}
	select {
	case err := <-n.done:
		if err != nil {
			c.Errorf("%s: %v", n.name, err)
		}
		n.done = nil
	case <-time.After(20 * time.Second):
		c.Fatalf("%s does not stop", n.name)
	}
}

// kill ends a node without a word to the others: by the time it stops, nothing of it passes any more. Its connections
// break only afterwards, as those of a machine that lost its power never do.
func (c *cluster) kill(n *node) {
	c.Helper()
	c.net.isolate(addrOf(n.name), c.others(n.name)...)
	c.end(n)
}

// crash is kill where the system lives on: it answers for the dead at once.
func (c *cluster) crash(n *node) {
	c.Helper()
	c.net.reset(addrOf(n.name))
	c.end(n)
}

// revive starts a node that was killed.
func (c *cluster) revive(name string) *node {
	c.net.mend(addrOf(name))
	return c.start(name)
}

func (c *cluster) others(name string) []string {
	var out []string
	for o := range c.nodes {
		if o != name {
			out = append(out, addrOf(o))
		}
	}
	return out
}

func (c *cluster) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	c.Cleanup(cancel)
	return ctx
}

func (c *cluster) until(what string, ok func() bool) {
	c.Helper()
	late := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(late) {
			for _, n := range c.nodes {
				c.Logf("%s: %+v", n.name, n.Status())
			}
			c.Fatalf("not within 20 s: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// leader waits for a node that leads, and that the others which run know.
func (c *cluster) leader() *node {
	c.Helper()
	var is *node
	c.until("a leader", func() bool {
		is = nil
		for _, n := range c.nodes {
			if r := n.raft.Load(); n.done != nil && r != nil && r.State() == raft.Leader {
				if _, ok := n.leads(r); ok {
					is = n
				}
			}
		}
		if is == nil {
			return false
		}
		for _, n := range c.nodes {
			if n.done != nil && n.Status().Leader != is.name {
				return false
			}
		}
		return true
	})
	return is
}

// leaderBut waits for a leader that another node than away has; away may think what it likes.
func (c *cluster) leaderBut(away *node) *node {
	c.Helper()
	var is *node
	c.until("a leader of the others", func() bool {
		for _, n := range c.nodes {
			if l := c.nodes[n.Status().Leader]; n != away && l != nil && l != away {
				is = l
				return true
			}
		}
		return false
	})
	return is
}

// follower returns a node that runs and does not lead.
func (c *cluster) follower() *node {
	c.Helper()
	l := c.leader()
	for _, n := range c.nodes {
		if n.done != nil && n != l {
			return n
		}
	}
	c.Fatal("no follower")
	return nil
}

// voting is how many nodes vote, as all that run have it; -1 where they differ.
func (c *cluster) voting() int {
	n := voters(c.leader().raft.Load())
	for _, name := range c.running() {
		if voters(c.nodes[name].raft.Load()) != n {
			return -1
		}
	}
	return n
}

// same waits until all nodes that run have the same ledger.
func (c *cluster) same() {
	c.Helper()
	c.until("all have the same ledger", func() bool {
		var have string
		for _, n := range c.nodes {
			if n.done == nil {
				continue
			}
			b := string(c.snapshot(n))
			if have != "" && b != have {
				return false
			}
			have = b
		}
		return true
	})
}

func (c *cluster) snapshot(n *node) []byte {
	n.machine.mu.Lock()
	s := n.machine.l.Snapshot()
	n.machine.mu.Unlock()
	b, err := s.Append(nil)
	if err != nil {
		c.Fatal(err)
	}
	return b
}

// running are the names of the nodes that run, but for some.
func (c *cluster) running(but ...string) []string {
	var out []string
	for name, n := range c.nodes {
		if n.done != nil && !slices.Contains(but, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (c *cluster) apply(n *node, e *pb.Entry) Result {
	c.Helper()
	r, err := n.Apply(c.within(10*time.Second), e)
	if err != nil {
		c.Fatal(err)
	}
	return r
}

func setting(name, value string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_PutSetting{PutSetting: &pb.PutSetting{Name: name, Value: []byte(value)}}}
}

func placing(stream, origin string, expect uint64) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_Place{Place: &pb.Place{Stream: stream, Origin: origin, Expect: expect}}}
}

func removing(node string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_RemoveNode{RemoveNode: &pb.RemoveNode{Node: node}}}
}
