package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/cluster/identity"
	"freshet/control/ops"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

// TestClusterOfControls has three control nodes, on one PostgreSQL: their leader is killed, and then all of them. What is on
// the air stays there; what was decided holds.
func TestClusterOfControls(t *testing.T) {
	database := storetest.Empty(t, store.Postgres)
	args := []string{"--stream", "talk=a-secret", "--database", database}
	c := newCluster(t, args...)
	for _, name := range []string{"control-2", "control-3"} {
		c.await(c.control(name, c.address(name), append(args, "--join", c.agents, "--token", c.token(roleControl, "yul"), "--node", name)...))
	}
	c.node("origin-1", roleOrigin, "yul")
	c.node("origin-2", roleOrigin, "par")
	edge := c.node("edge-1", roleEdge, "yul")
	c.until("three voters", 30*time.Second, func(v ops.View) bool {
		return len(v.Quorum.Peers) == 2 && !slices.ContainsFunc(v.Quorum.Peers, func(p ops.Peer) bool { return !p.Voter || !p.Answers })
	})
	publishing, unpublish := context.WithCancel(t.Context())
	published := make(chan error, 1)
	go func() {
		published <- load.Publish(publishing, load.PublishConfig{URL: c.web + "/whip/talk", Key: "a-secret", Reconnect: true}, slog.New(slog.DiscardHandler))
	}()
	defer func() {
		unpublish()
		if err := <-published; err != nil {
			t.Errorf("publish: %v", err)
		}
	}()
	c.until("on the air", 15*time.Second, func(v ops.View) bool { return v.Streams[0].Live })
	w := c.watch(edge.url + "/whep/talk")
	c.playing([]*watcher{w}, 30)

	c.leaderDies()
	c.playing([]*watcher{w}, 30)
	c.allControlsDie(w)
	w.stop()
	if err := <-w.ended; err != nil {
		t.Errorf("the viewer: %v", err)
	}
}

// decide writes to the ledger by way of a control node, as often as it takes, and returns how long that was.
func (c *cluster) decide(by, state string, within time.Duration) time.Duration {
	c.Helper()
	id, err := identity.Open(c.data(by))
	if err != nil {
		c.Fatal(err)
	}
	begun := time.Now()
	for {
		_, err := askOne(c.Context(), id, c.agentsOf(by), http.MethodPut, "/nodes/edge-1/state", ops.Decision{State: state}, &struct{}{})
		if err == nil {
			return time.Since(begun)
		}
		if time.Since(begun) > within {
			c.Fatalf("nothing was decided within %s: %v", within, err)
		}
	}
}

func (c *cluster) agentsOf(control string) string {
	args := c.nodes[control].args
	return args[slices.Index(args, "--agents")+1]
}

// leaderDies holds R6 from end to end, once.
func (c *cluster) leaderDies() {
	c.Helper()
	leader := c.view().Quorum.Leader
	rest := slices.DeleteFunc([]string{"control-1", "control-2", "control-3"}, func(n string) bool { return n == leader })
	c.decide(rest[0], "cordoned", 5*time.Second)
	busy := c.counters()
	p := c.nodes[leader]
	_ = p.cmd.Process.Kill()
	took := c.decide(rest[0], "in", 15*time.Second)
	c.result("R6", "kill", []time.Duration{took}, 0)
	if l := c.counters().Since(busy); l.Starved() {
		c.Logf("VOID, the machine is starved: %s", l)
	} else if took > 2*time.Second && !testing.Short() || took > 4*time.Second {
		c.Errorf("a decision %s after the leader's death, want 2 s at most; %s", took, l)
	}
	<-p.done
	c.start(leader, p.args...)
	c.until("the old leader is back", 20*time.Second, func(v ops.View) bool {
		return v.Quorum.Leader != "" && !slices.ContainsFunc(v.Quorum.Peers, func(p ops.Peer) bool { return !p.Answers })
	})
}

// allControlsDie holds R21, and R7 for as long as that takes.
func (c *cluster) allControlsDie(w *watcher) {
	c.Helper()
	names := []string{"control-1", "control-2", "control-3"}
	c.decide("control-1", "cordoned", 5*time.Second)
	was := c.view().Streams[0]
	for _, name := range names {
		_ = c.nodes[name].cmd.Process.Kill()
	}
	for _, name := range names {
		<-c.nodes[name].done
	}
	c.playing([]*watcher{w}, 90)
	busy := c.counters()
	begun := time.Now()
	for _, name := range names {
		c.start(name, c.nodes[name].args...)
	}
	c.decide("control-2", "cordoned", 20*time.Second)
	took := time.Since(begun)
	c.result("R21", "kill", []time.Duration{took}, 0)
	if l := c.counters().Since(busy); l.Starved() {
		c.Logf("VOID, the machine is starved: %s", l)
	} else if took > 5*time.Second && !testing.Short() || took > 20*time.Second {
		c.Errorf("back after %s, want 5 s at most; %s", took, l)
	}
	c.until("all is as it was", 20*time.Second, func(v ops.View) bool {
		s := v.Streams[0]
		i := slices.IndexFunc(v.Nodes, func(n ops.Node) bool { return n.Node == "edge-1" })
		return s.Origin == was.Origin && s.Epoch == was.Epoch && s.Live && v.Nodes[i].Admin == "cordoned"
	})
	c.playing([]*watcher{w}, 30)
}
