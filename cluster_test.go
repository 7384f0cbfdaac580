package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/control/ops"
)

// TestCluster is the life of a small cluster, each node a process: machines join by tokens, a stream is placed, its origin
// dies by kill and by freeze, and stops in order, an edge is drained, one is removed, the gossip key changes, and control is killed. Nobody who
// watches has to join again.
func TestCluster(t *testing.T) {
	c := newCluster(t, "--stream", "talk=a-secret")
	c.node("origin-1", roleOrigin, "yul")
	c.node("origin-2", roleOrigin, "par")
	edges := []*process{c.node("edge-1", roleEdge, "yul"), c.node("edge-2", roleEdge, "par"), c.node("edge-3", roleEdge, "sin")}
	c.until("six nodes", 20*time.Second, alive(6))
	c.until("a placement", 5*time.Second, func(v ops.View) bool { return v.Streams[0].Origin != "" && v.Streams[0].Standby != "" })

	published := make(chan error, 1)
	publishing, unpublish := context.WithCancel(t.Context())
	defer unpublish()
	go func() {
		published <- load.Publish(publishing, load.PublishConfig{URL: c.web + "/whip/talk", Key: "a-secret", Reconnect: true}, slog.New(slog.NewJSONHandler(t.Output(), nil)))
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
	was, busy := c.view().Streams[0], c.counters()
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
	if l := c.counters().Since(busy); l.Starved() {
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
