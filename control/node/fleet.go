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

	// A node that fell silent is remembered for memory, for the case that all did; see Fleet.Nodes.
	memory = 15 * time.Minute

	maxNodes = 1024 // certificates bound it already; this bounds a CA gone wild
)

// A Node is one node as it was last heard. Facts is shared and never changed.
type Node struct {
	Name, Role, Region, Software string

	At   *geo.Point // where it stands; nil: nobody knows
	Away bool       // it is drained, or cordoned: no viewer is sent to it

	Facts *pb.NodeFacts
	Heard time.Time
}

// A Fleet is the nodes control hears from. All methods may be called from any goroutine.
type Fleet struct {
	mu    sync.Mutex
	nodes map[string]Node
}

// NewFleet returns a fleet without nodes.
func NewFleet() *Fleet { return &Fleet{nodes: map[string]Node{}} }

// Hear keeps n, which was heard at n.Heard. It returns false where the fleet is full.
func (f *Fleet) Hear(n Node) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.nodes[n.Name]; !ok && len(f.nodes) >= maxNodes {
		f.sweep(n.Heard)
		if len(f.nodes) >= maxNodes {
			return false
		}
	}
	f.nodes[n.Name] = n
	return true
}

func (f *Fleet) sweep(now time.Time) {
	for name, n := range f.nodes {
		if now.Sub(n.Heard) > Expiry {
			delete(f.nodes, name)
		}
	}
}

// Nodes returns the nodes with role, by name, that were heard within Expiry before now. Where there is
// none, it returns those last heard before all fell silent: it is likelier that control is cut off than
// that every node died at once, and a viewer sent to a dead edge goes on to the next by itself.
func (f *Fleet) Nodes(role string, now time.Time) []Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	var fresh, last []Node
	var newest time.Time
	for _, n := range f.nodes {
		age := now.Sub(n.Heard)
		switch {
		case n.Role != role || age > memory:
			continue
		case age <= Expiry:
			fresh = append(fresh, n)
		}
		last = append(last, n)
		if n.Heard.After(newest) {
			newest = n.Heard
		}
	}
	if len(fresh) == 0 {
		fresh = slices.DeleteFunc(last, func(n Node) bool { return newest.Sub(n.Heard) > Expiry })
	}
	slices.SortFunc(fresh, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return fresh
}

// Count returns how many nodes with role were heard within Expiry before now.
func (f *Fleet) Count(role string, now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, x := range f.nodes {
		if x.Role == role && now.Sub(x.Heard) <= Expiry {
			n++
		}
	}
	return n
}
