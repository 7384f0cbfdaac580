package node

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"freshet/control/geo"
	pb "freshet/proto"
)

const (
	// Expiry is how long facts count after they were heard; a node sends them each second.
	Expiry = 5 * time.Second
	// Lately is how old a node's word may be for that node to be taken for reachable, and for what it said to hold now.
	Lately = 2500 * time.Millisecond

	// A node that fell silent is remembered for memory, for the case that all did; see Fleet.Nodes.
	memory = 15 * time.Minute

	maxNodes = 1024 // certificates bound it already; this bounds a CA gone wild
)

// A Node is one node as it was last heard. Facts is shared and never changed.
type Node struct {
	Name, Role, Region, Software string

	At     *geo.Point // where it stands; nil: nobody knows
	Away   bool       // it is drained, or cordoned: no viewer is sent to it
	Failed bool       // as others say: it answers nobody, or has left
	Going  bool       // as it says itself: it is about to stop, and gives away what it has

	Facts *pb.NodeFacts
	Heard time.Time
}

// A Fleet is the nodes of the mesh, as agents of theirs and gossip tell. All methods may be called from any goroutine.
type Fleet struct {
	mu    sync.Mutex
	heard map[string]Node // by their agents, at this node
	told  map[string]Node // by gossip
	away  map[string]bool

	leaving []string
}

// NewFleet returns a fleet without nodes.
func NewFleet() *Fleet {
	return &Fleet{heard: map[string]Node{}, told: map[string]Node{}, away: map[string]bool{}}
}

// Hear keeps n, whose agent was heard at n.Heard. It returns false where the fleet is full.
func (f *Fleet) Hear(n Node) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.heard[n.Name]; !ok && len(f.heard) >= maxNodes {
		f.sweep(n.Heard)
		if len(f.heard) >= maxNodes {
			return false
		}
	}
	f.heard[n.Name] = n
	return true
}

func (f *Fleet) sweep(now time.Time) {
	for name, n := range f.heard {
		if now.Sub(n.Heard) > Expiry {
			delete(f.heard, name)
		}
	}
}

// Tell replaces what gossip says. Of a node whose agent is heard here, too, the newer word counts.
func (f *Fleet) Tell(all []Node) {
	told := make(map[string]Node, len(all))
	for _, n := range all[:min(len(all), maxNodes)] {
		told[n.Name] = n
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = told
}

// SetAway replaces the lists of nodes to which nobody is sent, and of those among them whose viewers are to move on.
func (f *Fleet) SetAway(names, leaving []string) {
	away := make(map[string]bool, len(names))
	for _, name := range names {
		away[name] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away, f.leaving = away, leaving
}

// Leaving returns the nodes whose viewers are to move on. It is not to be changed.
func (f *Fleet) Leaving() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.leaving
	for name, n := range f.told {
		if n.Going && !n.Failed && !slices.Contains(f.leaving, name) {
			all = append(slices.Clip(all), name)
		}
	}
	return all
}

// all calls use for each node, by its newest word; the caller holds mu. What an agent has said within Expiry counts more
// than a newer word of gossip, which has less in it, but for a failure.
func (f *Fleet) all(now time.Time, use func(Node)) {
	one := func(n Node) {
		n.Going = n.Going || f.told[n.Name].Going
		n.Away = n.Away || f.away[n.Name] || n.Going
		use(n)
	}
	for name, h := range f.heard {
		t, both := f.told[name]
		switch {
		case !both || now.Sub(h.Heard) <= Expiry && (!t.Failed || h.Heard.After(t.Heard)):
			one(h)
		case t.Heard.After(h.Heard):
			one(t)
		default:
			h.Failed = t.Failed
			one(h)
		}
	}
	for name, t := range f.told {
		if _, both := f.heard[name]; !both {
			one(t)
		}
	}
}

// fresh says whether n counts as there.
func (n Node) fresh(now time.Time) bool { return now.Sub(n.Heard) <= Expiry && !n.Failed }

// Nodes returns the nodes with role, by name, that were heard within Expiry before now and have not failed. Where there is
// none, it returns those last heard before all fell silent: it is likelier that control is cut off than
// that every node died at once, and a viewer sent to a dead edge goes on to the next by itself.
func (f *Fleet) Nodes(role string, now time.Time) []Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	var fresh, last []Node
	var newest time.Time
	f.all(now, func(n Node) {
		age := now.Sub(n.Heard)
		switch {
		case n.Role != role || age > memory:
			return
		case n.fresh(now):
			fresh = append(fresh, n)
		}
		last = append(last, n)
		if n.Heard.After(newest) {
			newest = n.Heard
		}
	})
	if len(fresh) == 0 {
		fresh = slices.DeleteFunc(last, func(n Node) bool { return newest.Sub(n.Heard) > Expiry })
	}
	slices.SortFunc(fresh, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return fresh
}

// All returns all nodes that were heard within Expiry before now and have not failed, by name.
func (f *Fleet) All(now time.Time) []Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	var fresh []Node
	f.all(now, func(n Node) {
		if n.fresh(now) {
			fresh = append(fresh, n)
		}
	})
	slices.SortFunc(fresh, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return fresh
}

// Node returns one node, whatever its role and however long ago it was heard.
func (f *Fleet) Node(name string, now time.Time) (Node, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found Node
	f.all(now, func(n Node) {
		if n.Name == name {
			found = n
		}
	})
	return found, found.Name != ""
}

// Count returns how many nodes with role were heard within Expiry before now.
func (f *Fleet) Count(role string, now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	f.all(now, func(x Node) {
		if x.Role == role && x.fresh(now) {
			n++
		}
	})
	return n
}
