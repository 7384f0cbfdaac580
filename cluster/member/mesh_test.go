package member

import (
	"fmt"
	"maps"
	"path/filepath"
	"testing"
	"time"

	pb "freshet/proto"
)

// deathBound is how long a death takes to be known to all of a small mesh; tuned says why.
const deathBound = 9 * time.Second

func TestJoinThroughAnySeed(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	a := ms.start("a", nil)
	b := ms.start("b", []string{a.Addr()})
	c := ms.start("c", []string{"127.0.0.1:1", b.Addr()}) // nobody listens at the first
	want := all(Alive, "a", "b", "c")
	for _, n := range []*node{a, b, c} {
		n.sees(3*time.Second, want)
	}
	n, _ := a.Node("c")
	if n.State.Role != "edge" || n.State.Region != "yul" || n.State.Software != "test" || n.Gossip != c.Addr() {
		t.Errorf("a holds of c: %v at %s", n.State, n.Gossip)
	}
	c.set(func(s *pb.NodeState) { s.Viewers = 41 })
	a.until(time.Second, func() error {
		if n, _ := a.Node("c"); n.State.Viewers != 41 {
			return fmt.Errorf("c has %d viewers, want 41", n.State.Viewers)
		}
		return nil
	})
}

func TestTwentyNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	ms := newMesh(t)
	first := ms.make("n00", nil)
	nodes := []*node{first}
	want := all(Alive, "n00")
	for i := 1; i < 20; i++ {
		name := fmt.Sprintf("n%02d", i)
		nodes, want[name] = append(nodes, ms.make(name, []string{first.Addr()})), Alive
	}
	began := time.Now()
	for _, n := range nodes {
		n.start()
	}
	for _, n := range nodes {
		n.sees(time.Until(began.Add(slack*3*time.Second)), want)
	}
	t.Logf("20 nodes know each other after %v", time.Since(began))
}

func TestDeath(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	nodes := ms.five()
	began := time.Now()
	nodes[4].kill()
	want := all(Alive, "a", "b", "c", "d")
	want["e"] = Failed
	for _, n := range nodes[:4] {
		n.sees(time.Until(began.Add(deathBound)), want)
	}
	t.Logf("known to be dead after %v", time.Since(began))
}

// five returns five nodes that know each other.
func (ms *mesh) five() []*node {
	ms.t.Helper()
	a := ms.start("a", nil)
	nodes := []*node{a}
	for _, name := range []string{"b", "c", "d", "e"} {
		nodes = append(nodes, ms.start(name, []string{a.Addr()}))
	}
	for _, n := range nodes {
		n.sees(5*time.Second, all(Alive, "a", "b", "c", "d", "e"))
	}
	return nodes
}

func TestLeave(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	nodes := ms.five()
	nodes[4].stop()
	want := all(Alive, "a", "b", "c", "d")
	want["e"] = Left
	for _, n := range nodes[:4] {
		n.sees(time.Second, want)
	}
}

// A node that comes back finds the mesh by whom it knew, when its seed is gone for good.
func TestComeBackWithoutSeeds(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	file := filepath.Join(t.TempDir(), "peers")
	keep := func(c *Config, _ *Deps) { c.Peers = file }
	seed := ms.start("seed", nil)
	b := ms.start("b", []string{seed.Addr()})
	c := ms.start("c", []string{seed.Addr()}, keep)
	for _, n := range []*node{b, c} {
		n.sees(3*time.Second, all(Alive, "seed", "b", "c"))
	}
	first := c.boot
	seed.kill()
	c.kill()
	c = ms.start("c", []string{seed.Addr()}, keep)
	if c.boot.compare(first) <= 0 {
		t.Errorf("the second process has boot %v, the first %v", c.boot, first)
	}
	c.until(3*time.Second, func() error {
		if c.statuses()["b"] != Alive {
			return fmt.Errorf("c sees %v", c.statuses())
		}
		return nil
	})
	b.until(3*time.Second, func() error {
		if n, ok := b.Node("c"); !ok || n.Boot != c.boot.id || n.Status != Alive {
			return fmt.Errorf("b holds of c: %+v, want boot %x", n, c.boot.id)
		}
		return nil
	})
}

// A mesh that was cut in two, for so long that each half holds the other for dead, heals by itself.
func TestHeal(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	cut := &cut{}
	a := ms.make("a", nil)
	b := ms.make("b", []string{a.Addr()})
	for _, n := range []*node{a, b} {
		cut.over(n)
		n.start()
	}
	a.sees(3*time.Second, all(Alive, "a", "b"))
	b.sees(3*time.Second, all(Alive, "a", "b"))
	cut.set(true)
	a.sees(deathBound+time.Second, map[string]Status{"a": Alive, "b": Failed})
	b.sees(deathBound+time.Second, map[string]Status{"b": Alive, "a": Failed})
	cut.set(false)
	a.sees(10*time.Second, all(Alive, "a", "b"))
	b.sees(10*time.Second, all(Alive, "a", "b"))
}

// A node that comes and goes is seen as it is, and nobody else is harmed. Its last death is found after those of the
// processes before it, which are probed in turn.
func TestFlapping(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	t.Parallel()
	ms := newMesh(t)
	a := ms.start("a", nil)
	b := ms.start("b", []string{a.Addr()})
	for range 5 {
		c := ms.start("c", []string{a.Addr()})
		for _, n := range []*node{a, b} {
			n.until(5*time.Second, func() error {
				if one, ok := n.Node("c"); !ok || one.Boot != c.boot.id || one.Status != Alive {
					return fmt.Errorf("%s holds of c: %+v, want boot %x alive", n.cfg.Node, one, c.boot.id)
				}
				return nil
			})
		}
		c.kill()
	}
	for _, n := range []*node{a, b} {
		n.sees(30*time.Second, map[string]Status{"a": Alive, "b": Alive, "c": Failed})
	}
}

// Of two processes under one name the later counts, and the earlier hears of it.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	a := ms.start("a", nil)
	first := ms.start("b", []string{a.Addr()})
	a.sees(3*time.Second, all(Alive, "a", "b"))
	second := ms.start("b", []string{a.Addr()}, func(_ *Config, d *Deps) { d.Now = func() time.Time { return time.Now().Add(time.Second) } })
	a.until(3*time.Second, func() error {
		if n, ok := a.Node("b"); !ok || n.Boot != second.boot.id {
			return fmt.Errorf("a holds %+v", n)
		}
		return nil
	})
	select {
	case <-first.Superseded():
	case <-time.After(10 * time.Second):
		t.Fatalf("the first process does not know that it is replaced:\n%s", first.lines)
	}
	first.counts(time.Second, "freshet_member_superseded", "", 0)
	select {
	case <-second.Superseded():
		t.Error("the second process holds itself for replaced")
	default:
	}
}

// 256 streams of one node reach another, and what changes follows at once.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	a := ms.start("a", nil)
	b := ms.start("b", []string{a.Addr()})
	a.sees(3*time.Second, all(Alive, "a", "b"))
	b.set(func(s *pb.NodeState) {
		for i := range maxStreams + 10 {
			s.Announcements = append(s.Announcements, announcement(i))
		}
	})
	a.until(10*time.Second, func() error {
		n, _ := a.Node("b")
		if got := len(n.State.Announcements); got != maxStreams {
			return fmt.Errorf("%d announcements, want %d", got, maxStreams)
		}
		return nil
	})
	b.counts(time.Second, "freshet_member_streams_over", "", 9)
	if c := a.Carriers(announcement(200).Stream); len(c) != 1 || c[0].Node != "b" || c[0].Announcement.Epoch != announcement(200).Epoch {
		t.Errorf("carriers: %+v", c)
	}
	b.set(func(s *pb.NodeState) { s.Announcements = s.Announcements[7:8] })
	a.until(2*time.Second, func() error {
		n, _ := a.Node("b")
		if got := n.State.Announcements; len(got) != 1 || got[0].Stream != announcement(7).Stream {
			return fmt.Errorf("%d announcements, want one", len(got))
		}
		return nil
	})
}

// Keys are rotated while nodes talk: nobody is lost, nothing is refused.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	nodes := ms.five()
	want := all(Alive, "a", "b", "c", "d", "e")
	heard := func() {
		t.Helper()
		marks := map[string]uint32{}
		for i, n := range nodes {
			marks[n.cfg.Node] = uint32(time.Now().UnixMilli()) + uint32(i)
			n.set(func(s *pb.NodeState) { s.Viewers = marks[n.cfg.Node] })
		}
		for _, n := range nodes {
			n.until(10*time.Second, func() error {
				for _, one := range n.Nodes() {
					if one.Status != Alive || one.State.Viewers != marks[one.Name] {
						return fmt.Errorf("%s holds of %s: %s, %v", n.cfg.Node, one.Name, one.Status, one.State)
					}
				}
				if !maps.Equal(n.statuses(), want) {
					return fmt.Errorf("%s sees %v", n.cfg.Node, n.statuses())
				}
				return nil
			})
		}
	}
	old := ms.key
	for round := range byte(3) {
		next := make([]byte, KeySize)
		next[0] = round + 1
		for _, step := range []func(*node) error{
			func(n *node) error { return n.AddKey(next) },
			func(n *node) error { return n.UseKey(next) },
			func(n *node) error { return n.RemoveKey(old) },
		} {
			for _, n := range nodes {
				if err := step(n); err != nil {
					t.Fatal(err)
				}
			}
			heard()
		}
		old = next
	}
	for _, n := range nodes {
		for _, why := range []refusal{wrongKey, clearText} {
			if got := n.counter("freshet_member_refused_total", string(why)); got != 0 {
				t.Errorf("%s refused %v packets: %s", n.cfg.Node, got, why)
			}
		}
	}
}
