package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/control/ops"
)

// A cluster is one whose nodes are processes of this machine.
type cluster struct {
	*testing.T
	exe, dir string
	agents   string // of control
	web      string
	nodes    map[string]*process
}

// A process is one node.
type process struct {
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

// freePort returns one that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// newCluster makes a cluster and starts its first control node, with args.
func newCluster(t *testing.T, args ...string) *cluster {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{T: t, exe: exe, dir: t.TempDir(), agents: freePort(t), nodes: map[string]*process{}}
	c.freshet("cluster", "init", "--data", c.data("control-1"), "--region", "yul")
	c.web = c.control("control-1", c.agents, args...).url
	return c
}

// control starts a control node that is heard at agents.
func (c *cluster) control(name, agents string, args ...string) *process {
	c.Helper()
	return c.start(name, append([]string{
		"control", "--data", c.data(name), "--http", freePort(c.T), "--agents", agents, "--gossip", freePort(c.T),
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
	cmd.Args[0], cmd.Stdout, cmd.Stderr = "freshet", &out, &wrong
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, wrong.String())
	}
	return out.String(), nil
}

// ask runs a command of cluster.
func (c *cluster) ask(args ...string) string {
	c.Helper()
	return c.freshet(append([]string{"cluster"}, append(args, "--data", c.data("control-1"))...)...)
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
	p := &process{args: args, at: make(chan served, 1), done: make(chan struct{})}
	p.cmd = exec.Command(c.exe, args...)
	p.cmd.Args[0] = "freshet" // which makes it main: see TestMain
	r, w, err := os.Pipe()
	if err != nil {
		c.Fatal(err)
	}
	p.cmd.Stderr = w
	if err := p.cmd.Start(); err != nil {
		c.Fatal(err)
	}
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
	select {
	case s := <-p.at:
		p.url = s.URL
	case <-p.done:
		c.Fatalf("%s ended: %s", name, p.log())
	case <-time.After(20 * time.Second):
		c.Fatalf("%s does not serve: %s", name, p.log())
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
	args := []string{
		role, "--join", c.agents, "--token", c.token(role, region), "--node", name, "--data", c.data(name),
		"--http", freePort(c.T), "--relay", "127.0.0.1:0", "--media", "127.0.0.1:0", "--gossip", "127.0.0.1:0",
	}
	if role == roleEdge {
		args = append(args, "--shards", "1")
	}
	return c.start(name, args...)
}

func (c *cluster) view() ops.View {
	c.Helper()
	var v ops.View
	if err := (clusterFlags{Data: c.data("control-1")}).ask(c.Context(), http.MethodGet, "/mesh", nil, &v); err != nil {
		c.Fatal(err)
	}
	return v
}

func (c *cluster) until(what string, within time.Duration, ok func(v ops.View) bool) {
	c.Helper()
	var last ops.View
	if err := until(c.Context(), within, func() bool { last = c.view(); return ok(last) }); err != nil {
		c.Fatalf("not within %s: %s\n%s", within, what, c.ask("status")+c.ask("members")+c.ask("streams"))
	}
}

// A watcher is a viewer that never joins again.
type watcher struct {
	mu      sync.Mutex
	reports []load.Report
	stop    context.CancelFunc
	ended   chan error
}

func (c *cluster) watch(url string) *watcher {
	ctx, stop := context.WithCancel(c.Context())
	w := &watcher{stop: stop, ended: make(chan error, 1)}
	go func() {
		w.ended <- load.Play(ctx, load.PlayConfig{URL: url}, func(r load.Report) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reports = append(w.reports, r)
		}, slog.New(slog.DiscardHandler))
	}()
	c.Cleanup(stop)
	return w
}

// frames returns how many there were, and the longest time between two since report number from.
func (w *watcher) frames(from int) (n, reports int, gap time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range w.reports {
		if v := video(r); v != nil {
			n = int(v.Frames)
			if i >= from {
				gap = max(gap, v.LongestGap)
			}
		}
	}
	return n, len(w.reports), gap
}

// result prints what a promise of RELIABILITY was measured to hold.
func (c *cluster) result(id, death string, gaps []time.Duration, broken int) {
	slices.Sort(gaps)
	ms := func(q float64) int64 { return gaps[min(len(gaps)-1, int(q*float64(len(gaps))))].Milliseconds() }
	c.Logf(`{"id":%q,"death":%q,"n":%d,"p50":%d,"p99":%d,"max":%d,"broken":%d,"unit":"ms"}`,
		id, death, len(gaps), ms(.5), ms(.99), ms(1), broken)
}

// TestCluster is the life of a small cluster, each node a process: machines join by tokens, a stream is placed, its origin
// dies by kill and by freeze, and stops in order, an edge is drained, one is removed, the gossip key changes, and control is killed. Nobody who
// watches has to join again.
func TestCluster(t *testing.T) {
	c := newCluster(t, "--stream", "talk=a-secret")
	c.node("origin-1", roleOrigin, "yul")
	c.node("origin-2", roleOrigin, "par")
	edges := []*process{c.node("edge-1", roleEdge, "yul"), c.node("edge-2", roleEdge, "par"), c.node("edge-3", roleEdge, "sin")}
	alive := func(n int) func(ops.View) bool {
		return func(v ops.View) bool {
			return len(v.Nodes) == n && !slices.ContainsFunc(v.Nodes, func(n ops.Node) bool { return n.Status != "alive" })
		}
	}
	c.until("six nodes", 20*time.Second, alive(6))
	c.until("a placement", 5*time.Second, func(v ops.View) bool { return v.Streams[0].Origin != "" && v.Streams[0].Standby != "" })

	published := make(chan error, 1)
	publishing, unpublish := context.WithCancel(t.Context())
	defer unpublish()
	go func() {
		published <- load.Publish(publishing, load.PublishConfig{URL: c.web + "/whip/talk", Key: "a-secret", Reconnect: true}, slog.New(slog.DiscardHandler))
	}()
	c.until("on the air", 10*time.Second, func(v ops.View) bool { return v.Streams[0].Live })
	var watchers []*watcher
	for _, e := range edges[:2] {
		watchers = append(watchers, c.watch(e.url+"/whep/talk"))
	}
	c.playing(watchers, 30)
	t.Log(c.ask("members"), c.ask("streams"), c.ask("tree", "talk"))

	deaths := []string{"kill", "freeze", "stop"}
	if testing.Short() {
		deaths = deaths[1:2] // the one that the kernel does not answer for
	}
	for _, death := range deaths {
		c.originDies(death, watchers)
	}
	c.drain("edge-3", edges[2])
	c.remove("edge-3", edges[2])
	c.rotate()
	c.controlDies(watchers)
	unpublish()
	if err := <-published; err != nil {
		t.Errorf("publish: %v", err)
	}
}

// playing waits until all watchers have that many frames more.
func (c *cluster) playing(all []*watcher, more int) {
	c.Helper()
	for _, w := range all {
		begun, _, _ := w.frames(0)
		if err := until(c.Context(), 20*time.Second, func() bool { n, _, _ := w.frames(0); return n >= begun+more }); err != nil {
			select {
			case err := <-w.ended:
				c.Fatalf("a viewer left: %v", err)
			default:
				c.Fatal("no frames")
			}
		}
	}
}

// originDies holds R4 with one publisher.
func (c *cluster) originDies(death string, watchers []*watcher) {
	c.Helper()
	was, busy := c.view().Streams[0], report.ReadCounters()
	p := c.nodes[was.Origin]
	var before []int
	for _, w := range watchers {
		_, n, _ := w.frames(0)
		before = append(before, n)
	}
	_ = p.cmd.Process.Signal(map[string]os.Signal{"kill": os.Kill, "freeze": syscall.SIGSTOP, "stop": syscall.SIGTERM}[death])
	c.until("another origin", 15*time.Second, func(v ops.View) bool {
		s := v.Streams[0]
		return s.Origin == was.Standby && s.Epoch > was.Epoch && slices.ContainsFunc(s.Hops, func(h ops.Hop) bool {
			return h.Node == s.Origin && h.Live
		})
	})
	c.playing(watchers, 60)
	var gaps []time.Duration
	for i, w := range watchers {
		_, _, gap := w.frames(before[i])
		gaps = append(gaps, gap)
	}
	c.result("R4", death, gaps, 0)
	most := 2 * time.Second
	if testing.Short() {
		most *= 2 // with the race detector, beside other tests
	}
	if l := report.ReadCounters().Since(busy); l.Starved() {
		c.Logf("VOID, the machine is starved: %s", l)
	} else if g := slices.Max(gaps); g > most {
		c.Errorf("%s: a gap of %s, want %s at most; %s", death, g, most, l)
	}
	if death == "freeze" {
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
	} else {
		<-p.done
		if code := p.cmd.ProcessState.ExitCode(); death == "stop" && code != 0 {
			c.Errorf("stopped in order, the origin ended with %d", code)
		}
		c.start(was.Origin, p.args...) // its token is used: it needs none any more
	}
	// Who was the origin stands by, and feeds nobody.
	c.until("the old one stands by", 15*time.Second, func(v ops.View) bool {
		s := v.Streams[0]
		return s.Standby == was.Origin && !slices.ContainsFunc(s.Hops, func(h ops.Hop) bool { return h.Node == was.Origin && h.Live })
	})
	c.playing(watchers, 30)
}

// drain has an edge give away its viewer, and take nobody.
func (c *cluster) drain(name string, p *process) {
	c.Helper()
	w := c.watch(p.url + "/whep/talk")
	c.playing([]*watcher{w}, 30)
	begun := time.Now()
	c.ask("drain", name)
	took := time.Since(begun)
	if took > 30*time.Second {
		c.Errorf("drained in %s, want 30 s at most", took)
	}
	if err := <-w.ended; err != nil {
		c.Errorf("the viewer of the drained edge: %v", err)
	}
	err := load.Play(c.Context(), load.PlayConfig{URL: p.url + "/whep/talk"}, func(load.Report) {}, slog.New(slog.DiscardHandler))
	var refused *load.StatusError
	if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || len(refused.Next) == 0 {
		c.Errorf("a drained edge: %v, want 503 and where else to go", err)
	}
	c.Logf("drained in %s", took.Round(time.Millisecond))
}

// remove takes a node out: its process ends and says why, and it does not come back, by its identity or by its token.
func (c *cluster) remove(name string, p *process) {
	c.Helper()
	c.ask("remove", name, "--yes")
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		c.Fatalf("%s runs on after it was removed", name)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(p.log(), "removed") {
		c.Errorf("%s ended with %d: %s", name, code, p.log())
	}
	if err := os.RemoveAll(c.data(name)); err != nil {
		c.Fatal(err)
	}
	if _, err := c.try(p.args...); err == nil || !strings.Contains(err.Error(), "used by another machine") {
		c.Errorf("with a used token: %v", err)
	}
	wrong := c.token(roleOrigin, "yul")
	if _, err := c.try(roleEdge, "--join", c.agents, "--token", wrong, "--data", c.data("other")); err == nil || !strings.Contains(err.Error(), "for another role") {
		c.Errorf("with a token for another role: %v", err)
	}
}

// rotate waits until the gossip key has changed, as it does after a removal, and changes it once more. Nobody is lost.
func (c *cluster) rotate() {
	c.Helper()
	keys := func() string {
		b, err := os.ReadFile(filepath.Join(c.data("edge-1"), "mesh.state"))
		if err != nil {
			c.Fatal(err)
		}
		return string(b)
	}
	for range 2 {
		was := keys()
		if err := until(c.Context(), 30*time.Second, func() bool {
			err := clusterFlags{Data: c.data("control-1")}.ask(c.Context(), http.MethodPost, "/gossip-keys", nil, &struct{}{})
			return err == nil // not while one goes on
		}); err != nil {
			c.Fatal("no rotation begins")
		}
		if err := until(c.Context(), 30*time.Second, func() bool { return keys() != was }); err != nil {
			c.Fatal("edge-1 has no new key")
		}
		for _, n := range c.view().Nodes {
			if n.Status != "alive" {
				c.Errorf("%s is %s", n.Node, n.Status)
			}
		}
	}
}

// controlDies has control killed and come back: what is on the air stays, and it knows all it knew.
func (c *cluster) controlDies(watchers []*watcher) {
	c.Helper()
	was, p := c.view().Streams[0], c.nodes["control-1"]
	_ = p.cmd.Process.Kill()
	<-p.done
	c.playing(watchers, 60)
	c.start("control-1", p.args...)
	c.until("all are back", 20*time.Second, func(v ops.View) bool {
		s := v.Streams[0]
		return s.Origin == was.Origin && s.Epoch == was.Epoch && s.Live && !slices.ContainsFunc(v.Nodes, func(n ops.Node) bool { return n.Status != "alive" })
	})
	c.playing(watchers, 30)
	for _, w := range watchers {
		w.stop()
		if err := <-w.ended; err != nil {
			c.Errorf("a viewer: %v", err)
		}
	}
}
