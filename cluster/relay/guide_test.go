package relay

import (
	"errors"
	"sync"
	"testing"
	"time"

	"freshet/cluster/identity"
)

// A scripted guide says what the test has told it last.
type scripted struct {
	mu      sync.Mutex
	ups     map[string][]Upstream
	standby string
	origin  Upstream
	kept    []Upstream
	changed chan struct{}
}

func newScripted() *scripted {
	return &scripted{ups: map[string][]Upstream{}, changed: make(chan struct{})}
}

func (g *scripted) tell(id string, ups ...Upstream) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ups[id] = ups
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *scripted) Upstreams(id string) []Upstream {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ups[id]
}

func (g *scripted) Standby(string) string { return g.standby }

func (g *scripted) Origin(string) (Upstream, bool) { return g.origin, g.origin.Node != "" }

func (g *scripted) Kept() []Upstream { return g.kept }

func (g *scripted) Changed() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

// upstreamOf returns the node from which n takes stream id now.
func (n *node) upstreamOf(id string) string {
	n.mu.Lock()
	p := n.pulls[id]
	n.mu.Unlock()
	if p == nil {
		return ""
	}
	if path, _ := p.where(); len(path) > 1 {
		return path[len(path)-2]
	}
	return ""
}

// A guide that names another node has the stream come from there, whole, and the link that is of no use ends.
func TestGuideMoves(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	one := m.node("hub-1", nodeConfig{}, origin.up())
	two := m.node("hub-2", nodeConfig{}, origin.up())
	pub := publish(origin, "a", 1, audioFormat)
	g := newScripted()
	g.tell("a", one.up())
	edge := m.node("edge", nodeConfig{role: identity.RoleEdge, guide: g, idle: time.Millisecond})
	lease := pullNow(t, edge, "a")
	defer lease.Release()
	f := lease.Stream().Flows[0]
	got := record(f)
	n := 0
	feed := func(k int) {
		for range k {
			write(pub.Stream.Flows[0], n, n+1, -1)
			n++
			time.Sleep(time.Millisecond) // the pace of a publisher
		}
	}
	feed(50)
	eventually(t, "the stream comes from hub-1", func() bool { return edge.upstreamOf("a") == "hub-1" && got.len() > 0 })
	first := n
	g.tell("a", two.up())
	eventually(t, "the stream comes from hub-2", func() bool { feed(5); return edge.upstreamOf("a") == "hub-2" })
	feed(50)
	eventually(t, "every packet is there", func() bool { return has(f, first, n) })
	if l := edge.metric("upstream_losses_total"); l != 0 {
		t.Errorf("lost its upstream %v times, want none", l)
	}
	eventually(t, "the link to hub-1 has ended", func() bool { feed(1); return edge.metric("links") == 1 })
}

// A stream of which the guide knows no upstream is none, until it does; the link is made then.
func TestGuideLearns(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	publish(origin, "a", 1, audioFormat)
	g := newScripted()
	edge := m.node("edge", nodeConfig{role: identity.RoleEdge, guide: g})
	if _, err := edge.Pull(t.Context(), "a"); !errors.Is(err, ErrUnknownStream) {
		t.Fatalf("got %v, want %v", err, ErrUnknownStream)
	}
	g.tell("a", origin.up())
	pullNow(t, edge, "a").Release()
}

// An origin of before, whose epoch is older, does not get the stream back, whatever the guide says.
func TestGuideDoesNotBringBack(t *testing.T) {
	m := newMesh(t)
	old, next := m.node("origin-1", nodeConfig{}), m.node("origin-2", nodeConfig{})
	publish(old, "a", 1, audioFormat)
	g := newScripted()
	g.tell("a", old.up())
	edge := m.node("edge", nodeConfig{role: identity.RoleEdge, guide: g})
	lease := pullNow(t, edge, "a")
	defer lease.Release()
	publish(next, "a", 2, audioFormat)
	g.tell("a", next.up())
	eventually(t, "the newer epoch is here", func() bool { return lease.Stream().Epoch == 2 })
	g.tell("a", old.up())
	eventually(t, "the old origin was asked, and has refused", func() bool { return old.metric("refused_total") > 0 })
	if s := lease.Stream(); s.Epoch != 2 || s.Err() != nil {
		t.Errorf("epoch %d, %v; want 2, on the air", s.Epoch, s.Err())
	}
}
