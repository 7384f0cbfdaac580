package main

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"freshet/control/ops"
)

// lasts is how long a partition or the absence of control goes on: minutes with FRESHET_LASTS (make test-mesh-long).
func lasts() time.Duration {
	d, err := time.ParseDuration(os.Getenv("FRESHET_LASTS"))
	if err != nil || d <= 0 {
		return 20 * time.Second
	}
	return d
}

// TestPartition holds R8: whatever is parted from whatever, one way too, no two origins feed a stream in one epoch, and
// what is healed is whole within 10 s.
func TestPartition(t *testing.T) {
	c, slug := startMesh(t)
	if c.hosts == nil {
		t.Skip("NOT TESTED: hosts are parted (make test-mesh)")
	}
	viewers := slices.Concat(c.follow(2, slug, "yul"), c.follow(2, slug, "par"), c.follow(2, slug, "sin"))
	c.watching(viewers)
	for _, p := range []struct {
		name   string
		apart  func(v ops.View) (a, b []string) // b hears nothing of a
		oneWay bool
	}{
		{"a region", regionApart("sin"), false},
		{"the leader, one way", leaderApart, true},
		{"the origin from control", originFromControl, false},
		{"the origin from its standby and edges, one way", originFromMedia, true},
	} {
		t.Run(p.name, func(t *testing.T) {
			a, b := p.apart(c.view())
			c.part(a, b, true, p.oneWay)
			end := time.Now().Add(lasts())
			seen := owners{}
			for time.Now().Before(end) {
				c.look(seen)
				select {
				case <-time.After(200 * time.Millisecond):
				case <-t.Context().Done():
				}
			}
			c.part(a, b, false, p.oneWay)
			healed := time.Now()
			c.until("all are back", 30*time.Second, func(v ops.View) bool {
				c.look(seen)
				return alive(11)(v) && v.Quorum.Leader != "" && len(v.Streams) == 1 && v.Streams[0].Live
			})
			c.watching(viewers)
			took := time.Since(healed)
			c.result("R8", p.name, []time.Duration{took}, seen.doubled())
			if n := seen.doubled(); n > 0 {
				t.Errorf("%d epochs with two origins: %v", n, seen)
			}
			if took > 10*time.Second {
				t.Errorf("whole %s after it was healed, want 10 s at most", took)
			}
		})
	}
	c.leave(viewers)
}

// owners are the origins that were seen to feed a stream, by epoch.
type owners map[uint64][]string

func (o owners) doubled() (n int) {
	for _, nodes := range o {
		if len(nodes) > 1 {
			n++
		}
	}
	return n
}

// look notes who feeds the stream, as each control node that answers sees it.
func (c *cluster) look(seen owners) {
	for i := range regions {
		v, err := c.viewOf(fmt.Sprintf("control-%d", i+1))
		if err != nil || len(v.Streams) == 0 {
			continue // it is parted from us, or from the others
		}
		for _, h := range v.Streams[0].Hops {
			if h.Upstream == "" && h.Live && !slices.Contains(seen[h.Number], h.Node) {
				seen[h.Number] = append(seen[h.Number], h.Node)
			}
		}
	}
}

// part has b hear nothing of a, and the other way round unless one way is asked for; or undoes that.
func (c *cluster) part(a, b []string, apart, oneWay bool) {
	set := c.hosts.Heal
	if apart {
		set = c.hosts.Cut
	}
	for _, x := range a {
		for _, y := range b {
			if x == y {
				continue
			}
			set(c.host(x), c.host(y))
			if !oneWay {
				set(c.host(y), c.host(x))
			}
		}
	}
}

func those(v ops.View, are func(ops.Node) bool) (names []string) {
	for _, n := range v.Nodes {
		if are(n) {
			names = append(names, n.Node)
		}
	}
	return names
}

func regionApart(region string) func(ops.View) (a, b []string) {
	return func(v ops.View) (a, b []string) {
		return those(v, func(n ops.Node) bool { return n.Region == region }), those(v, func(n ops.Node) bool { return n.Region != region })
	}
}

// leaderApart: what the leader says is not heard by anybody, who are heard by it.
func leaderApart(v ops.View) (a, b []string) {
	return []string{v.Quorum.Leader}, those(v, func(n ops.Node) bool { return n.Node != v.Quorum.Leader })
}

func originFromControl(v ops.View) (a, b []string) {
	return []string{v.Streams[0].Origin}, those(v, func(n ops.Node) bool { return n.Role == roleControl })
}

func originFromMedia(v ops.View) (a, b []string) {
	return []string{v.Streams[0].Origin}, those(v, func(n ops.Node) bool { return n.Role != roleControl && n.Node != v.Streams[0].Origin })
}
