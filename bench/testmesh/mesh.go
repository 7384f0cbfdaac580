// Package testmesh starts meshes for tests and measurements: an origin and edges in one process, with real sockets on
// loopback, real QUIC with mutual TLS between the nodes, and WHIP and WHEP in front, but no control.
// bench/load publishes to them and plays from them. A test names a topology, waits for states by a
// deadline, and has everything stopped and checked at its end.
package testmesh

import (
	"fmt"
	"log/slog"
	"time"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/cluster/relay"
	"freshet/edge/admit"
	pb "freshet/proto"
)

// Stream and Key are what every mesh takes without further words: an open stream and its publisher's key.
const (
	Stream = "s"
	Key    = "publisher-key"
)

// A Topology says which nodes there are and who takes streams from whom.
type Topology struct {
	Edges   []Edge             // each after those it names as upstreams
	Streams []*pb.StreamRecord // beside Stream
	Linger  time.Duration      // how long an edge keeps a stream nobody watches; 0: the relay's own default
}

// An Edge is one edge of a topology.
type Edge struct {
	Name      string   // empty: edge-1, edge-2, …, by place
	Region    string   // empty: test
	Upstreams []string // names, ranked; empty: the origin
	Shards    int      // 0: 1

	Capacity admit.Rate // what it sends at most; 0 is no limit
	Next     []string   // WHEP bases of the edges to go to when it is full

	// Via, where set, returns where the edge reaches upstream, which listens at addr: a proxy between them.
	// It is called before the edge starts.
	Via func(upstream, addr string) string
}

// Origin is the name of the origin in every topology.
const Origin = "origin-1"

// Chain is n edges, each below the one before, the first below the origin: media crosses n hops.
func Chain(n int) Topology {
	var t Topology
	for i := range n {
		e := Edge{Name: edgeName(i)}
		if i > 0 {
			e.Upstreams = []string{edgeName(i - 1)}
		}
		t.Edges = append(t.Edges, e)
	}
	return t
}

func edgeName(i int) string { return fmt.Sprintf("edge-%d", i+1) }

// A Mesh is a running topology.
type Mesh struct {
	Origin *Node
	Edges  []*Node

	t  T
	ca *identity.CA
}

// New starts top. At the end of the test the nodes are stopped against the way of media, and each must stop
// without an error.
func New(t T, top Topology) *Mesh {
	t.Helper()
	ca, err := identity.OpenCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &Mesh{t: t, ca: ca}
	records := append([]*pb.StreamRecord{agent.Record(Stream, Key)}, top.Streams...)
	log := Log(t)
	start := func(cfg nodeConfig) *Node {
		n, err := newNode(t, ca, cfg, log)
		if err != nil {
			t.Fatalf("%s: %v", cfg.name, err)
		}
		n.run()
		// Cleanups run last first: an edge stops before the node it takes streams from.
		t.Cleanup(n.Stop)
		return n
	}
	m.Origin = start(nodeConfig{name: Origin, role: identity.RoleOrigin, region: "test", records: records})
	for i, e := range top.Edges {
		if e.Name == "" {
			e.Name = edgeName(i)
		}
		if e.Region == "" {
			e.Region = "test"
		}
		if len(e.Upstreams) == 0 {
			e.Upstreams = []string{Origin}
		}
		cfg := nodeConfig{
			name: e.Name, role: identity.RoleEdge, region: e.Region, records: records, shards: max(e.Shards, 1), linger: top.Linger,
			capacity: e.Capacity, next: e.Next,
		}
		for _, name := range e.Upstreams {
			addr := m.Node(name).Relay.Addr().String()
			if e.Via != nil {
				addr = e.Via(name, addr)
			}
			cfg.upstreams = append(cfg.upstreams, relay.Upstream{Node: name, Addr: addr})
		}
		m.Edges = append(m.Edges, start(cfg))
	}
	return m
}

// Node returns the node called name, which must be there.
func (m *Mesh) Node(name string) *Node {
	m.t.Helper()
	if name == m.Origin.Name {
		return m.Origin
	}
	for _, e := range m.Edges {
		if e.Name == name {
			return e
		}
	}
	m.t.Fatalf("the mesh has no node %q (an edge stands after its upstreams)", name)
	return nil
}

// Last returns the edge that is furthest from the origin in the order of the topology.
func (m *Mesh) Last() *Node { return m.Edges[len(m.Edges)-1] }

// Log returns a logger that writes to the test's output.
func Log(t T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}
