package quorum

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	pb "freshet/proto"
)

func TestPlan(t *testing.T) {
	const day = goneAfter
	voter := func(n string) server { return server{node: n, voter: true, healthy: true, caught: true} }
	lead := func(n string) server { s := voter(n); s.leader = true; return s }
	dead := func(n string, silent time.Duration) server { return server{node: n, voter: true, silent: silent} }
	spare := func(n string) server { return server{node: n, healthy: true, caught: true} }
	without := func(s server) server { s.removed = true; return s }
	for _, c := range []struct {
		name string
		all  []server
		want step
		node string
	}{
		{"alone", []server{lead("a")}, stepNone, ""},
		{"two: one votes", []server{lead("a"), spare("b")}, stepNone, ""},
		{"three: all are to vote", []server{lead("a"), spare("b"), spare("c")}, stepPromote, "b"},
		{"the third", []server{lead("a"), voter("b"), spare("c")}, stepPromote, "c"},
		{"two that vote, and nobody else", []server{lead("a"), voter("b")}, stepNone, ""},
		{"behind", []server{lead("a"), voter("b"), {node: "c", healthy: true}}, stepNone, ""},
		{"does not answer", []server{lead("a"), voter("b"), {node: "c", caught: true}}, stepNone, ""},
		{"four: three vote", []server{lead("a"), voter("b"), voter("c"), spare("d")}, stepNone, ""},
		{"five: all vote", []server{lead("a"), voter("b"), voter("c"), spare("d"), spare("e")}, stepPromote, "d"},
		{"six: five vote", []server{lead("a"), voter("b"), voter("c"), voter("d"), voter("e"), spare("f")}, stepNone, ""},
		{"silent for less than a day", []server{lead("a"), voter("b"), dead("c", day-1), spare("d")}, stepNone, ""},
		{"silent for a day", []server{lead("a"), voter("b"), dead("c", day), spare("d")}, stepRemove, "c"},
		{"its place is taken", []server{lead("a"), voter("b"), spare("d")}, stepPromote, "d"},
		{"two of five silent", []server{lead("a"), voter("b"), voter("c"), dead("d", day), dead("e", day)}, stepRemove, "d"},
		{"a spare that is silent", []server{lead("a"), {node: "b", silent: day}}, stepRemove, "b"},
		{"without it no majority", []server{lead("a"), dead("b", time.Hour), dead("c", day)}, stepNone, ""},
		{"removed", []server{lead("a"), without(voter("b")), voter("c")}, stepRemove, "b"},
		{"removed, and the last but one that answers", []server{lead("a"), without(voter("b")), dead("c", time.Hour)}, stepNone, ""},
		{"removed, of two", []server{lead("a"), without(voter("b"))}, stepRemove, "b"},
		{"the leader is removed", []server{without(lead("a")), voter("b"), voter("c")}, stepYield, ""},
		{"the last is removed", []server{without(lead("a"))}, stepNone, ""},
		{"a spare is removed", []server{lead("a"), voter("b"), without(spare("c"))}, stepRemove, "c"},
	} {
		if got, node := plan(c.all); got != c.want || node != c.node {
			t.Errorf("%s: step %d of %q, want %d of %q", c.name, got, node, c.want, c.node)
		}
	}
}

// Whatever the nodes are like, no step leaves the healthy voters without a majority, and steps come to an end.
func TestPlanIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := []server{{node: "a", voter: true, leader: true, healthy: true, caught: true, removed: rapid.Bool().Draw(t, "first removed")}}
		for i := range rapid.IntRange(0, 8).Draw(t, "others") {
			s := server{
				node: fmt.Sprintf("n%d", i), voter: rapid.Bool().Draw(t, "voter"), healthy: rapid.Bool().Draw(t, "healthy"),
				caught: rapid.Bool().Draw(t, "caught"), removed: rapid.IntRange(0, 4).Draw(t, "removed") == 0,
			}
			if !s.healthy && rapid.Bool().Draw(t, "long") {
				s.silent = goneAfter
			}
			all = append(all, s)
		}
		majority := func() bool {
			votes, healthy := 0, 0
			for _, s := range all {
				if s.voter {
					votes++
					if s.healthy {
						healthy++
					}
				}
			}
			return healthy > votes/2
		}
		if !majority() {
			return // then nobody leads
		}
		for range 2 * len(all) {
			step, node := plan(all)
			switch step {
			case stepNone, stepYield:
				return
			case stepRemove:
				for i, s := range all {
					if s.node == node {
						if s.leader {
							t.Fatal("a leader cannot take out itself")
						}
						all = append(all[:i:i], all[i+1:]...)
						break
					}
				}
			case stepPromote:
				for i, s := range all {
					if s.node == node {
						if s.voter || !s.healthy || !s.caught || s.removed {
							t.Fatalf("%+v is given a vote", s)
						}
						all[i].voter = true
					}
				}
			}
			if !majority() {
				t.Fatalf("step %d of %s left %+v", step, node, all)
			}
		}
		t.Fatal("it does not come to an end")
	})
}

// Control nodes come and go; one, three or five of them vote.
func TestJoinAndLeave(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	join := func(name string) {
		t.Helper()
		n := c.start(name)
		// Through itself: it knows its seed alone.
		if err := n.Join(c.within(10*time.Second), name, addrOf(name)); err != nil {
			t.Fatal(err)
		}
		c.until("it follows", func() bool { return n.Ready() == nil })
	}
	join("c4")
	c.apply(c.nodes["c4"], setting("a", "b"))
	c.same()
	if n := c.voting(); n != 3 {
		t.Errorf("%d of four vote, want 3", n)
	}
	join("c5")
	c.until("five vote", func() bool { return c.voting() == 5 })
	if err := c.nodes["c5"].Join(c.within(5*time.Second), "c6", addrOf("c5")); err == nil {
		t.Error("two nodes at one address")
	}
	if err := c.nodes["c5"].Join(c.within(5*time.Second), "c6", "nowhere"); err == nil {
		t.Error("a node at no address")
	}

	// The leader leaves, and goes on following nobody.
	old := c.leader()
	if err := old.Leave(c.within(10*time.Second), old.name); err != nil {
		t.Fatal(err)
	}
	c.end(old)
	delete(c.nodes, old.name)
	c.until("four are left", func() bool { return len(servers(c.leader().raft.Load())) == 4 })
	if err := c.leader().Leave(c.within(5*time.Second), old.name); err != nil {
		t.Errorf("who has left leaves: %v", err)
	}

	// Who is removed for good is taken out, and does not come back.
	gone := c.follower()
	key := make([]byte, 32)
	c.apply(c.leader(), &pb.Entry{Body: &pb.Entry_PutNode{PutNode: &pb.PutNode{Node: gone.name, Role: "control", Key: key}}})
	c.apply(c.leader(), removing(gone.name))
	c.until("three are left", func() bool {
		for _, name := range c.running(gone.name) {
			if r := c.nodes[name].raft.Load(); !member(r, gone.name) && len(servers(r)) == 3 {
				return true
			}
		}
		return false
	})
	c.end(gone)
	delete(c.nodes, gone.name)
	if err := c.leader().Join(c.within(5*time.Second), gone.name, addrOf(gone.name)); !errors.Is(err, ErrRemoved) {
		t.Errorf("a removed node joins: %v", err)
	}

	// While one of three is dead, none of the others may go.
	dead := c.follower()
	c.kill(dead)
	c.until("it is missed", func() bool {
		for _, p := range c.leader().Status().Peers {
			if p.Node == dead.name {
				return !p.Answers
			}
		}
		return false
	})
	if err := c.leader().Leave(c.within(5*time.Second), c.follower().name); !errors.Is(err, ErrLastVoters) {
		t.Errorf("the last but one leaves: %v", err)
	}
}

// A control node that was silent for a day is taken out, and another votes in its place. Clocks that jump take out nobody.
func TestSilentForADay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	t.Parallel()
	c := newCluster(t, 3)
	c.start("c4")
	if err := c.nodes["c4"].Join(c.within(10*time.Second), "c4", addrOf("c4")); err != nil {
		t.Fatal(err)
	}
	c.until("it follows", func() bool { return c.nodes["c4"].Ready() == nil })
	c.until("all answer", func() bool {
		all := c.leader().Status().Peers
		for _, p := range all {
			if !p.Answers {
				return false
			}
		}
		return len(all) == 3
	})
	c.ahead.Store(int64(25 * time.Hour))
	c.apply(c.leader(), setting("a", "b"))
	dead := c.follower()
	for dead.name == "c4" {
		dead = c.follower()
	}
	c.until("a look at all since", func() bool {
		for _, p := range c.leader().Status().Peers {
			if !p.Answers || p.Heard.Before(time.Now().Add(24*time.Hour)) {
				return false
			}
		}
		return true
	})
	if n := len(servers(c.leader().raft.Load())); n != 4 {
		t.Fatalf("%d control nodes after a jump of the clocks, want 4", n)
	}
	c.kill(dead)
	c.until("it is missed", func() bool {
		for _, p := range c.leader().Status().Peers {
			if p.Node == dead.name && p.Answers {
				return false
			}
		}
		return true
	})
	c.ahead.Store(int64(50 * time.Hour))
	c.until("another votes in its place", func() bool {
		r := c.leader().raft.Load()
		return !member(r, dead.name) && len(servers(r)) == 3 && c.voting() == 3
	})
}
