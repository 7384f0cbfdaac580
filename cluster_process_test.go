package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/bench/impair"
	"freshet/bench/impair/testnet"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/control/ops"
)

// A cluster is one whose nodes are processes of this machine: on loopback, or each on a host of its own.
type cluster struct {
	*testing.T
	exe, dir string
	agents   string // of control
	web      string
	nodes    map[string]*process
	hosts    *testnet.Net // nil: all on loopback. The first is the test itself.
	placed   map[string]int
	database string             // of all control nodes; empty: the first has one of its own
	ingest   load.PublishConfig // of the webcast's publisher
	viewed   string             // control node that is asked how things are
	browsers []int              // processes, which have others
	port     int
}

// A process is one node.
type process struct {
	name string
	cmd  *exec.Cmd
	args []string
	at   chan served // once each time it serves
	url  string

	mu   sync.Mutex
	said bytes.Buffer // what it logged last
	done chan struct{}
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// lastPort is the one that freePort gave last: each process of tests begins at another.
var lastPort = 20_000 + os.Getpid()%10_000

// freePort returns an address that nobody listens on now, at a port below those that the kernel chooses from for who asks for
// any, or calls somebody: none of these takes it before the node it is meant for starts.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		lastPort++
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lastPort))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_ = l.Close()
		if p, err := net.ListenPacket("udp", addr); err == nil {
			_ = p.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// newCluster makes a cluster on loopback and starts its first control node, with args.
func newCluster(t *testing.T, args ...string) *cluster {
	t.Helper()
	c := emptyCluster(t)
	c.found(args...)
	return c
}

// newClusterOn makes one whose nodes have a host each, as many as there are, with a path between any two.
func newClusterOn(t *testing.T, nodes int, path impair.Path, args ...string) *cluster {
	t.Helper()
	c := emptyCluster(t)
	c.hosts = testnet.NewAround(t, nodes+1, path)
	c.found(args...)
	return c
}

func emptyCluster(t *testing.T) *cluster {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{T: t, dir: t.TempDir(), viewed: "control-1", nodes: map[string]*process{}, placed: map[string]int{}, port: 20_000}
	c.exe = filepath.Join(c.dir, "freshet") // by which name the test is main: see TestMain
	if err := os.Symlink(exe, c.exe); err != nil {
		t.Fatal(err)
	}
	c.ahead()
	return c
}

// found founds the cluster by its first control node.
func (c *cluster) found(args ...string) {
	c.Helper()
	c.agents = c.address("control-1")
	c.freshet("cluster", "init", "--data", c.data("control-1"), "--region", "yul")
	c.web = c.await(c.control("control-1", c.agents, args...)).url
}

// host returns where a node stands among hosts, which is a place of its own.
func (c *cluster) host(node string) int {
	i, ok := c.placed[node]
	if !ok {
		i = len(c.placed) + 1
		if i >= len(c.hosts.Hosts) {
			c.Fatalf("no host is left for %s", node)
		}
		c.placed[node] = i
	}
	return i
}

// address returns one of a node that nobody listens on.
func (c *cluster) address(node string) string {
	c.Helper()
	if c.hosts == nil {
		return freePort(c.T)
	}
	c.port++
	return net.JoinHostPort(c.hosts.Hosts[c.host(node)].Addr.String(), strconv.Itoa(c.port))
}

// any returns an address of a node at a port that nobody has to know beforehand.
func (c *cluster) any(node string) string {
	if c.hosts == nil {
		return "127.0.0.1:0"
	}
	return c.address(node)
}

// control launches a control node that is heard at agents.
func (c *cluster) control(name, agents string, args ...string) *process {
	c.Helper()
	return c.launch(name, append([]string{
		"control", "--data", c.data(name), "--http", c.address(name), "--agents", agents, "--gossip", c.address(name),
	}, args...)...)
}

func (c *cluster) data(node string) string { return filepath.Join(c.dir, node) }

// freshet runs a command to its end, and returns what it printed.
func (c *cluster) freshet(args ...string) string {
	c.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.Fatalf("freshet %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (c *cluster) try(args ...string) (string, error) {
	var out, wrong bytes.Buffer
	cmd := exec.CommandContext(c.Context(), c.exe, args...)
	cmd.Stdout, cmd.Stderr = &out, &wrong
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, wrong.String())
	}
	return out.String(), nil
}

// ask runs a command of cluster.
func (c *cluster) ask(args ...string) string {
	c.Helper()
	return c.freshet(append([]string{"cluster"}, append(args, "--data", c.data(c.viewed))...)...)
}

func (c *cluster) token(role, region string) string {
	c.Helper()
	var out ops.Invited
	in := ops.Invitation{Role: role, Region: region}
	if err := (clusterFlags{Data: c.data("control-1")}).ask(c.Context(), http.MethodPost, "/tokens", in, &out); err != nil {
		c.Fatal(err)
	}
	return out.Token
}

// start starts a node and waits until it serves.
func (c *cluster) start(name string, args ...string) *process {
	c.Helper()
	return c.await(c.launch(name, args...))
}

// launch starts a node.
func (c *cluster) launch(name string, args ...string) *process {
	c.Helper()
	p := &process{name: name, args: args, at: make(chan served, 1), done: make(chan struct{})}
	if c.hosts == nil {
		p.cmd = exec.Command(c.exe, args...)
	} else {
		p.cmd = c.hosts.Hosts[c.host(name)].Command(c.exe, args...)
	}
	r, w, err := os.Pipe()
	if err != nil {
		c.Fatal(err)
	}
	p.cmd.Stderr, p.cmd.Env = w, append(os.Environ(), oneCore)
	if err := p.cmd.Start(); err != nil {
		c.Fatal(err)
	}
	gets(p.cmd.Process.Pid, fair)
	_ = w.Close()
	go func() {
		defer close(p.done)
		p.read(r)
		_ = p.cmd.Wait() // who stops it knows why
		_ = r.Close()
	}()
	c.nodes[name] = p
	c.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
		_ = p.cmd.Process.Kill()
		<-p.done
		if c.Failed() {
			c.Logf("%s:\n%s", name, p.log())
		}
	})
	return p
}

// await waits until a node serves.
func (c *cluster) await(p *process) *process {
	c.Helper()
	select {
	case s := <-p.at:
		p.url = s.URL
	case <-p.done:
		c.Fatalf("%s ended: %s", p.name, p.log())
	case <-time.After(30 * time.Second):
		c.Fatalf("%s does not serve: %s", p.name, p.log())
	}
	return p
}

// read keeps what the process logs.
func (p *process) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		p.mu.Lock()
		p.said.Write(append(lines.Bytes(), '\n'))
		p.mu.Unlock()
		var s served
		if json.Unmarshal(lines.Bytes(), &s) == nil && s.Msg == "serving" {
			p.at <- s
		}
	}
}

// node starts a machine that joins.
func (c *cluster) node(name, role, region string) *process {
	c.Helper()
	return c.await(c.joins(name, role, region))
}

// joins launches a machine that joins.
func (c *cluster) joins(name, role, region string, more ...string) *process {
	c.Helper()
	args := []string{
		role, "--join", c.agents, "--token", c.token(role, region), "--node", name, "--data", c.data(name),
		"--http", c.address(name), "--relay", c.any(name), "--media", c.any(name), "--gossip", c.any(name),
	}
	if role == roleEdge {
		args = append(args, "--shards", "1")
	}
	return c.launch(name, append(args, more...)...)
}

func (c *cluster) view() ops.View {
	c.Helper()
	v, err := c.viewOf(c.viewed)
	if err != nil {
		c.Fatal(err)
	}
	return v
}

// viewOf asks one control node.
func (c *cluster) viewOf(control string) (v ops.View, err error) {
	err = clusterFlags{Data: c.data(control)}.ask(c.Context(), http.MethodGet, "/mesh", nil, &v)
	return v, err
}

func (c *cluster) until(what string, within time.Duration, ok func(v ops.View) bool) {
	c.Helper()
	if err := until(c.Context(), within, func() bool { return ok(c.view()) }); err != nil {
		told := c.ask("status") + c.ask("members") + c.ask("streams")
		for _, s := range c.view().Streams {
			told += c.ask("tree", s.ID)
		}
		c.Fatalf("not within %s: %s\n%s", within, what, told)
	}
}

// counters are what the machine has done so far, the nodes' and the browsers' part as this process's own.
func (c *cluster) counters() report.Counters {
	var pids []int
	for _, p := range c.nodes {
		pids = append(pids, p.cmd.Process.Pid)
	}
	for _, pid := range c.browsers {
		pids = append(pids, offspring(pid)...)
	}
	return report.ReadCounters(pids...)
}

// alive says whether there are n nodes, and all live.
func alive(n int) func(ops.View) bool {
	return func(v ops.View) bool {
		return len(v.Nodes) == n && !slices.ContainsFunc(v.Nodes, func(n ops.Node) bool { return n.Status != "alive" })
	}
}
