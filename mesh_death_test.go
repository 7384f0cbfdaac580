package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/control/ops"
)

// Deaths, as RELIABILITY has them. A cut takes hosts of their own.
const (
	deathKill   = "kill"
	deathFreeze = "freeze"
	deathCut    = "cut"
)

func (c *cluster) deaths() []string {
	if c.hosts == nil {
		return []string{deathKill, deathFreeze}
	}
	return []string{deathKill, deathFreeze, deathCut}
}

// die has a node die in one of these ways. What is returned has it live again, and waits until others know.
func (c *cluster) die(node, death string) (revive func()) {
	c.Helper()
	p := c.nodes[node]
	nodes := len(c.nodes)
	switch death {
	case deathKill:
		_ = p.cmd.Process.Signal(os.Kill)
	case deathFreeze:
		_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	case deathCut:
		c.cut(node, true)
	}
	return func() {
		c.Helper()
		switch death {
		case deathKill:
			<-p.done
			c.start(node, p.args...)
		case deathFreeze:
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
		case deathCut:
			c.cut(node, false)
		}
		c.until(node+" is back", 30*time.Second, alive(nodes))
	}
}

// cut parts a node from all others, or undoes that.
func (c *cluster) cut(node string, apart bool) {
	own := c.host(node)
	for i := range c.hosts.Hosts {
		switch {
		case i == own:
		case apart:
			c.hosts.Cut(own, i)
			c.hosts.Cut(i, own)
		default:
			c.hosts.Heal(own, i)
			c.hosts.Heal(i, own)
		}
	}
}

// TestEdgeDeath holds R1: who watched at an edge that dies plays on at another, in the same stay.
func TestEdgeDeath(t *testing.T) {
	c, slug := startMesh(t)
	viewers := slices.Concat(c.follow(5, slug, "yul"), c.follow(5, slug, "par"), c.follow(5, slug, "sin"))
	page := c.browse(slug)
	c.watching(viewers)
	for _, death := range c.deaths() {
		t.Run(death, func(t *testing.T) {
			var all, seen []time.Duration
			dark, void := 0, false
			for range rounds() {
				there := c.mostWatched(viewers)
				edge, _ := there[0].at()
				if page != nil {
					edge = page.at()
					there = slices.DeleteFunc(slices.Clone(viewers), func(f *follower) bool { node, _ := f.at(); return node != edge })
				}
				busy := c.counters()
				died := time.Now()
				revive := c.die(edge, death)
				c.moved(there, edge)
				if page != nil {
					c.browserMoved(page, edge)
					seen = append(seen, page.gap(died))
				}
				c.watching(there)
				void = void || c.counters().Since(busy).Starved()
				longest, still := gaps(there, died)
				all, dark = append(all, longest...), dark+still
				revive()
			}
			if page != nil {
				c.unbroken(page)
				c.result("R1 in Chromium", death, seen, 0)
				all = append(all, seen...)
			}
			c.held("R1", death, all, dark, void, 2500*time.Millisecond, 5*time.Second)
		})
	}
	c.leave(viewers)
}

// TestEdgeDeathOfMany has the bench watch while the edge of some tens of viewers dies, and reads what it prints (NET-10).
func TestEdgeDeathOfMany(t *testing.T) {
	const viewers, dies = 40, "edge-1"
	c, slug := startMesh(t)
	for _, death := range c.deaths() {
		t.Run(death, func(t *testing.T) {
			watch := func(v ops.View) (sum int) {
				for _, n := range v.Nodes {
					sum += n.Viewers
				}
				return sum
			}
			c.until("nobody watches any more, nor is thought to at an edge that stood still", time.Minute, func(v ops.View) bool { return watch(v) == 0 })
			bench := exec.CommandContext(t.Context(), c.exe, "bench", "follow", "--event", c.web+"/e/"+slug, "--region", regions[0],
				"--viewers", strconv.Itoa(viewers), "--for", "20s", "--output", "json")
			bench.Stderr = t.Output()
			var said bytes.Buffer
			bench.Stdout = &said
			if err := bench.Start(); err != nil {
				t.Fatal(err)
			}
			var there int
			c.until("all watch", 30*time.Second, func(v ops.View) bool {
				for _, n := range v.Nodes {
					if n.Node == dies {
						there = n.Viewers
					}
				}
				return watch(v) >= viewers
			})
			revive := c.die(dies, death)
			if err := bench.Wait(); err != nil {
				t.Fatal(err)
			}
			revive()
			var r load.AudienceResult
			if err := json.Unmarshal(said.Bytes(), &r); err != nil {
				t.Fatalf("%v: %q", err, said.Bytes())
			}
			t.Logf("%d of them at the edge that died: %s", there, said.Bytes())
			if r.Seen != viewers || r.Dark > 0 || r.Ended > 0 || r.Moved < there || there == 0 {
				t.Errorf("%d see, %d no more, %d gave up, %d moved; want all of %d, and %d of them moved", r.Seen, r.Dark, r.Ended, r.Moved, viewers, there)
			}
			if r.Void {
				t.Log("VOID, the machine was starved")
			} else if r.Without.P99 > 2500 {
				t.Errorf("p99 %.0f ms without a new frame, want 2500 at most", r.Without.P99)
			}
		})
	}
}

// mostWatched returns those of viewers who are at the edge that most of them are at.
func (c *cluster) mostWatched(viewers []*follower) []*follower {
	at := map[string][]*follower{}
	most := ""
	for _, f := range viewers {
		node, _ := f.at()
		at[node] = append(at[node], f)
		if len(at[node]) > len(at[most]) {
			most = node
		}
	}
	return at[most]
}

// held prints what was measured of a promise, and whether it was kept: by most of the times at the 99th percentile, and
// by all. On a starved machine nothing is held.
func (c *cluster) held(id, death string, times []time.Duration, broken int, void bool, p99, most time.Duration) {
	c.Helper()
	c.result(id, death, times, broken)
	if void {
		c.Log("VOID, the machine was starved")
		return
	}
	slices.Sort(times)
	if at := times[min(len(times)-1, len(times)*99/100)]; at > p99 {
		c.Errorf("%s, %s: %s at the 99th percentile, want %s", id, death, at, p99)
	}
	if last := times[len(times)-1]; last > most || broken > 0 {
		c.Errorf("%s, %s: %s at most, %d broken, want %s and none", id, death, last, broken, most)
	}
}

// TestOriginDeath holds R4: nobody who watches has to go to another edge, where the one publisher comes back by itself, and
// where a second one sends to the standby. Where regions are apart, that is asked over the way between them: the round trip of the
// farthest comes on top of R4's 300 ms.
func TestOriginDeath(t *testing.T) {
	c, slug := startMesh(t)
	two := 300 * time.Millisecond
	if c.hosts != nil {
		farthest := slices.MaxFunc(slices.Collect(maps.Values(apart)), func(a, b impair.Path) int { return cmp.Compare(a.Delay, b.Delay) })
		two += 2 * farthest.Delay
	}
	viewers := slices.Concat(c.follow(3, slug, "yul"), c.follow(3, slug, "par"), c.follow(3, slug, "sin"))
	c.watching(viewers)
	for _, death := range c.deaths() {
		t.Run(death, func(t *testing.T) {
			o := c.outages(viewers, death, func() {})
			c.held("R4", death, o.gaps, o.moved, o.void, 2*time.Second, 2*time.Second)
		})
		t.Run(death+" with two publishers", func(t *testing.T) {
			backup := c.ingest
			backup.Backup = true
			stop := c.publish(backup)
			o := c.outages(viewers, death, func() {
				c.apartPublish() // after a death, too, though both were at one origin then
				c.watching(viewers)
			})
			c.held("R4 with two publishers", death, o.gaps, o.moved, o.void, two, two+200*time.Millisecond)
			stop()
			c.watching(viewers)
		})
	}
	c.leave(viewers)
}

// apartPublish waits until of two publishers one is at the origin, and one at the standby.
func (c *cluster) apartPublish() {
	c.Helper()
	c.lasting("a second publisher at the standby", func(v ops.View) bool {
		s := v.Streams[0]
		sends := func(node string, number uint64) bool {
			return slices.ContainsFunc(s.Hops, func(h ops.Hop) bool { return h.Node == node && h.Live && h.Hops == 0 && h.Number == number })
		}
		return sends(s.Origin, s.Epoch) && sends(s.Standby, s.Epoch+1)
	})
}

// lasting waits until ok has held for 3 s: what is told of nodes is up to two old.
func (c *cluster) lasting(what string, ok func(ops.View) bool) {
	c.Helper()
	var since time.Time
	c.until(what, 30*time.Second, func(v ops.View) bool {
		switch now := time.Now(); {
		case !ok(v):
			since = time.Time{}
		case since.IsZero():
			since = now
		default:
			return now.Sub(since) >= 3*time.Second
		}
		return false
	})
}

// An outage is what viewers saw of the deaths of origins.
type outage struct {
	gaps  []time.Duration
	moved int // viewers who went to another edge
	void  bool
}

// outages has the stream's origin die as often as rounds says. Before each death, prepare is called.
func (c *cluster) outages(viewers []*follower, death string, prepare func()) (o outage) {
	c.Helper()
	for range rounds() {
		c.lasting("an origin and a standby", func(v ops.View) bool {
			s := v.Streams[0]
			return s.Live && s.Origin != "" && s.Standby != "" && !slices.ContainsFunc(v.Nodes, func(n ops.Node) bool {
				return n.Role == roleOrigin && !(n.Heard >= 0 && n.Heard < 2)
			})
		})
		prepare()
		was := c.view().Streams[0]
		var before []int
		for _, f := range viewers {
			_, edges := f.at()
			before = append(before, edges)
		}
		busy := c.counters()
		died := time.Now()
		revive := c.die(was.Origin, death)
		c.until("another origin", 15*time.Second, func(v ops.View) bool {
			s := v.Streams[0]
			return s.Epoch > was.Epoch && slices.ContainsFunc(s.Hops, func(h ops.Hop) bool { return h.Node == s.Origin && h.Live })
		})
		c.watching(viewers)
		o.void = o.void || c.counters().Since(busy).Starved()
		longest, _ := gaps(viewers, died)
		o.gaps = append(o.gaps, longest...)
		for i, f := range viewers {
			if _, edges := f.at(); edges != before[i] {
				o.moved++
			}
		}
		revive()
		c.until("the old one stands by", 20*time.Second, func(v ops.View) bool {
			s := v.Streams[0]
			return s.Epoch > was.Epoch && s.Standby == was.Origin && !slices.ContainsFunc(s.Hops, func(h ops.Hop) bool {
				return h.Node == was.Origin && h.Live
			})
		})
	}
	return o
}
