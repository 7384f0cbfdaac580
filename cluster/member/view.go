package member

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/serf/coordinate"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// A Status is how a node does, as far as gossip knows. It is a hint: nobody is kicked and nothing is owned by it.
type Status string

const (
	Alive   Status = "alive"
	Suspect Status = "suspect" // this node's own probes got no answer; others may see it still
	Failed  Status = "failed"  // it answered nobody who asked
	Left    Status = "left"    // it said that it goes
)

var statuses = []Status{Alive, Suspect, Failed, Left}

// A Node is one node of the mesh, by its newest process.
type Node struct {
	Name   string
	Boot   uint64
	Status Status
	Since  time.Time     // of Status, by this node's clock
	Heard  time.Time     // when its newest word came
	Gossip string        // host:port
	State  *pb.NodeState // facts and all announcements; shared, not to be changed
}

// A Carrier is a node that carries a stream.
type Carrier struct {
	Node         string
	Status       Status // Alive or Suspect
	Announcement *pb.Announcement
	Distance     time.Duration // round trip from here; the longest there is where nobody knows yet
}

// Nodes returns this node and all others that are or were of the mesh in the last ten minutes, by name. Only who has said
// something under a certificate of the cluster is a node; only what was said in the last minute is shown of the living.
func (m *Member) Nodes() []Node {
	now := m.now()
	m.table.mu.Lock()
	defer m.table.mu.Unlock()
	out := make([]Node, 0, len(m.table.nodes))
	for name := range m.table.nodes {
		if n, ok := m.table.node(name, now); ok {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Certificates returns until when the newest certificate counts under which each node has spoken.
func (m *Member) Certificates() map[string]time.Time {
	m.table.mu.Lock()
	defer m.table.mu.Unlock()
	ends := make(map[string]time.Time, len(m.table.nodes))
	for _, s := range m.table.signers {
		if s.Until().After(ends[s.Node]) {
			ends[s.Node] = s.Until()
		}
	}
	return ends
}

// Node returns one of Nodes.
func (m *Member) Node(name string) (Node, bool) {
	now := m.now()
	m.table.mu.Lock()
	defer m.table.mu.Unlock()
	return m.table.node(name, now)
}

// Carriers returns the other nodes that announce stream, the nearest first.
func (m *Member) Carriers(stream string) []Carrier {
	here, now := m.here.GetCoordinate(), m.now()
	t := m.table
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Carrier
	for name := range t.nodes {
		n, ok := t.node(name, now)
		if !ok || name == t.self || n.Status != Alive && n.Status != Suspect {
			continue
		}
		i := slices.IndexFunc(n.State.Announcements, func(a *pb.Announcement) bool { return a.Stream == stream })
		if i < 0 {
			continue
		}
		c := Carrier{Node: name, Status: n.Status, Announcement: n.State.Announcements[i], Distance: math.MaxInt64}
		if place := t.nodes[name].place; place != nil {
			c.Distance = here.DistanceTo(place)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Carrier) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), strings.Compare(a.Node, b.Node))
	})
	return out
}

// Changed returns a channel that is closed when Nodes or Carriers may answer otherwise than before. In a large mesh that is
// many times a second: who works hard on a change waits a little first.
func (m *Member) Changed() <-chan struct{} {
	m.table.mu.Lock()
	defer m.table.mu.Unlock()
	return m.table.changed
}

// node is Node with the lock held.
func (t *table) node(name string, now time.Time) (Node, bool) {
	h := t.nodes[name]
	if h == nil || h.parts[0] == nil {
		return Node{}, false
	}
	n := Node{Name: name, Boot: h.boot.id, Status: Alive, Heard: h.heard}
	p := t.members[memberName(name, h.boot.id)]
	if p == nil {
		return Node{}, false
	}
	n.Status, n.Since, n.Gossip = p.status, p.since, p.addr
	if h.parts[0].state.Leaving { // its own word, signed, beats what others make of its silence
		n.Status = Left
	}
	if (n.Status == Alive || n.Status == Suspect) && now.Sub(h.heard) > stateLife && name != t.self {
		return Node{}, false
	}
	n.State = h.assemble()
	return n, true
}

// assemble returns facts and announcements in one. Of a stream that is in two parts, while it moves, the later word counts.
func (h *held) assemble() *pb.NodeState {
	if h.whole != nil {
		return h.whole
	}
	facts := h.parts[0].state
	whole := proto.CloneOf(facts)
	at := map[string]int{}
	version := []uint64{}
	for _, it := range h.parts[1:] {
		if it == nil || !h.counts(int(it.state.Part)) {
			continue
		}
		for _, a := range it.state.Announcements {
			i, twice := at[a.Stream]
			switch {
			case !twice && len(whole.Announcements) < maxStreams:
				at[a.Stream] = len(whole.Announcements)
				whole.Announcements, version = append(whole.Announcements, a), append(version, it.state.Version)
			case twice && it.state.Version > version[i]:
				whole.Announcements[i], version[i] = a, it.state.Version
			}
		}
	}
	h.whole = whole
	return whole
}

func (t *table) coordinate(node string) *coordinate.Coordinate {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.nodes[node]; h != nil {
		return h.place
	}
	return nil
}

// count sets the gauge of nodes.
func (m *Member) count() {
	n := map[Status]int{}
	for _, one := range m.Nodes() {
		n[one.Status]++
	}
	for _, s := range statuses {
		m.m.nodes.WithLabelValues(string(s)).Set(float64(n[s]))
	}
}
