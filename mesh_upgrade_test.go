package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freshet/cluster/stream"
	"freshet/control/ops"
)

// freezeAt is what a pause between two pictures of the sample is a freeze at (RELIABILITY, section 1): it has 30 a second.
const freezeAt = time.Second/30 + 150*time.Millisecond

// TestRollingUpgrade holds R3: each node in its turn is stopped in order and started again, and nobody notices, neither who
// watches nor who asks control. Then a page in Chromium watches, too, while one node of each role is, and goes on in one stay;
// what it takes to show pictures leaves too little of a small machine for all others to be held to milliseconds beside it.
func TestRollingUpgrade(t *testing.T) {
	c, slug := startMesh(t)
	c.farApart(false) // so that each pause is one that a node's stop made
	viewers := slices.Concat(c.follow(2, slug, "yul"), c.follow(2, slug, "par"), c.follow(2, slug, "sin"))
	c.watching(viewers)
	asking := c.asks(slug)
	roles := []string{roleOrigin, roleEdge, roleControl}
	for _, role := range roles {
		busy := c.counters()
		var frozen int
		var longest []time.Duration
		for _, node := range c.of(role) {
			begun := time.Now()
			c.upgrade(node)
			c.watching(viewers)
			for i, f := range viewers {
				for _, g := range f.GapsSince(stream.Video, begun, freezeAt) {
					frozen++
					t.Logf("%s: viewer %d froze for %s at %s", node, i, g.For, g.Since.Format("15:04:05.000"))
				}
				gap, _, _ := f.Longest(stream.Video, begun, time.Now())
				longest = append(longest, gap)
			}
		}
		c.result("R3", role+" stopped and started", longest, frozen)
		if l := c.counters().Since(busy); l.Starved() {
			c.Logf("VOID, the machine is starved: %s", l)
		} else if frozen > 0 {
			t.Errorf("%s: %d freezes, want none", role, frozen)
		}
	}
	if page := c.browse(slug); page != nil {
		for _, role := range roles {
			node := c.of(role)[0]
			if role == roleEdge {
				node = page.at()
			}
			begun := time.Now()
			c.upgrade(node)
			c.watching(viewers)
			c.result("R3 in Chromium", role+" stopped and started", []time.Duration{page.gap(begun)}, 0)
		}
		c.unbroken(page)
	}
	if asked, failed := asking(); failed > 0 {
		t.Errorf("%d of %d joins failed", failed, asked)
	} else {
		t.Logf("%d joins, each answered", asked)
	}
	c.leave(viewers)
}

// of returns the nodes of a role.
func (c *cluster) of(role string) (nodes []string) {
	c.Helper()
	for _, n := range c.view().Nodes {
		if n.Role == role {
			nodes = append(nodes, n.Node)
		}
	}
	return nodes
}

// upgrade stops a node in order, which it has 60 s for, and starts it again. What that start takes, other nodes have first:
// none of them would share a machine with it.
func (c *cluster) upgrade(node string) {
	c.Helper()
	p, all := c.nodes[node], len(c.nodes)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		c.Fatalf("%s does not stop", node)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		c.Errorf("%s ended with %d", node, code)
	}
	p = c.launch(node, p.args...)
	gets(p.cmd.Process.Pid, whatIsLeft)
	c.await(p)
	gets(p.cmd.Process.Pid, fair)
	c.until(node+" is back, and all is placed", 30*time.Second, func(v ops.View) bool {
		if len(v.Streams) == 0 {
			return false // who has just begun has not read it yet
		}
		s := v.Streams[0]
		return alive(all)(v) && v.Quorum.Leader != "" && s.Live && s.Standby != "" && !slices.ContainsFunc(v.Quorum.Peers, func(p ops.Peer) bool { return !p.Answers })
	})
}

// asks joins the event again and again, at one control node and then at another, until the result is asked for: how many
// joins there were, and how many of them no node would answer.
func (c *cluster) asks(slug string) (result func() (asked, failed int64)) {
	var apis []string
	for i := range regions {
		apis = append(apis, c.nodes[fmt.Sprintf("control-%d", i+1)].url)
	}
	ctx, stop := context.WithCancel(c.Context())
	var asked, failed atomic.Int64
	done := make(chan struct{})
	client := &http.Client{Timeout: 2 * time.Second}
	one := func(api string) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/api/v1/events/"+slug+"/join", strings.NewReader("{}"))
		if err != nil {
			return false
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			return false
		}
		_ = res.Body.Close() // the status tells
		return res.StatusCode == http.StatusOK
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			turned := slices.Concat(apis[i%len(apis):], apis[:i%len(apis)])
			ok := slices.ContainsFunc(turned, one)
			if ctx.Err() == nil {
				asked.Add(1)
				if !ok {
					failed.Add(1)
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return func() (int64, int64) {
		stop()
		<-done
		return asked.Load(), failed.Load()
	}
}
