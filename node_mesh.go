package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/agent"
	"freshet/cluster/guide"
	"freshet/cluster/identity"
	"freshet/cluster/join"
	"freshet/cluster/member"
	"freshet/cluster/relay"
	"freshet/cluster/stream"
	"freshet/cluster/tree"
	"freshet/edge"
	pb "freshet/proto"
)

// A meshConfig says how a node takes part in a cluster that it has joined.
type meshConfig struct {
	Dir    string // of its identity, and of how it finds the others
	Gossip string // UDP and TCP host:port
	Host   string // IP under which other nodes reach it; empty for the one it listens on
	Seed   *pb.MeshSeed
	Drains bool // it gives away what it has before it stops
}

// reached returns where other nodes reach what listens at addr.
func (c *meshConfig) reached(addr string) (string, error) {
	at, err := member.Reached(c.Host, addr)
	if err != nil {
		return "", &configError{err} // it names advertise
	}
	return at, nil
}

// A meshPart is a media node's part in the cluster: gossip, the guide of its relay, and its certificate.
type meshPart struct {
	cfg    *meshConfig
	log    *slog.Logger
	id     *identity.Identity
	state  *agent.State
	member *member.Member
	guide  *guide.Guide
	facts  *agent.Reporter // set before run, as edge
	edge   *edge.Edge      // nil at an origin

	going atomic.Bool // it is about to stop

	mu   sync.Mutex
	kept *pb.MeshSeed // on disk
}

func newMeshPart(n *mediaNode, id *identity.Identity, reg prometheus.Registerer) (*meshPart, error) {
	cfg := n.cfg.Mesh
	m := &meshPart{cfg: cfg, log: n.log, id: id, state: n.state, kept: cfg.Seed}
	advertise := ""
	var err error
	if cfg.Host != "" {
		if advertise, err = cfg.reached(cfg.Gossip); err != nil {
			return nil, err
		}
	}
	m.member, err = member.New(
		member.Config{
			Node: n.cfg.Node, Role: n.cfg.Role, Region: n.cfg.Region, Listen: cfg.Gossip, Advertise: advertise,
			Seeds: cfg.Seed.Gossip, Keys: cfg.Seed.GossipKeys, Peers: n.cfg.Cache + ".peers",
		},
		member.Deps{Log: n.log, Metrics: reg, Identity: id, Now: time.Now, Changed: n.table.Changed, Facts: func(now time.Time) *pb.NodeState {
			s := member.StateOf(m.facts.Facts(now))
			s.Software, s.Lat, s.Lon = thisBuild().Version, n.cfg.Position.GetLatitude(), n.cfg.Position.GetLongitude()
			s.Drain = drainOf(m.admin())
			return s
		}})
	if err != nil {
		return nil, badConfig("gossip", "%w", err)
	}
	m.guide = guide.New(tree.Site{Node: n.cfg.Node, Region: n.cfg.Region}, n.state, m.member)
	return m, nil
}

// relayGuide is what the relay goes by: an origin takes streams from nobody.
func (m *meshPart) relayGuide() relay.Guide {
	if m.id.Role == roleOrigin {
		return m.guide.AtOrigin()
	}
	return m.guide
}

// admin is what control has decided of this node.
func (m *meshPart) admin() pb.AdminState {
	if m.going.Load() {
		return pb.AdminState_ADMIN_STATE_DRAINING
	}
	for _, a := range m.state.Cluster().GetAdmin() {
		if a.Node == m.id.Node {
			return a.State
		}
	}
	return pb.AdminState_ADMIN_STATE_IN
}

func drainOf(a pb.AdminState) pb.DrainState {
	switch a {
	case pb.AdminState_ADMIN_STATE_CORDONED:
		return pb.DrainState_DRAIN_STATE_CORDONED
	case pb.AdminState_ADMIN_STATE_DRAINING:
		return pb.DrainState_DRAIN_STATE_DRAINING
	}
	return pb.DrainState_DRAIN_STATE_UNSPECIFIED
}

func serviceOf(a pb.AdminState) edge.Service {
	switch a {
	case pb.AdminState_ADMIN_STATE_CORDONED:
		return edge.Cordoned
	case pb.AdminState_ADMIN_STATE_DRAINING:
		return edge.Draining
	}
	return edge.Serving
}

// otherEdges are the bases of edges that take viewers, the nearest first.
func (m *meshPart) otherEdges() []string {
	type one struct {
		base string
		away time.Duration
	}
	var all []one
	for _, n := range m.member.Nodes() {
		base := n.State.GetAddresses().GetWhep()
		if n.Name == m.id.Node || n.Status != member.Alive || base == "" || n.State.GetDrain() != pb.DrainState_DRAIN_STATE_UNSPECIFIED ||
			n.State.GetLoadPermille() >= 1000 {
			continue
		}
		d, ok := m.member.Distance(m.id.Node, n.Name)
		if !ok {
			d = time.Hour
		}
		all = append(all, one{base, d})
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.away, b.away) })
	bases := make([]string, len(all))
	for i, o := range all {
		bases[i] = o.base
	}
	return bases
}

// controls are where control nodes are: as gossip says now and, where it knows of none, as it was.
func (m *meshPart) controls() []string {
	var all []string
	for _, n := range m.member.Nodes() {
		if at := n.State.GetAddresses().GetMesh(); at != "" && (n.Status == member.Alive || n.Status == member.Suspect) {
			all = append(all, at)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range m.kept.Controls {
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// run takes part until ctx ends.
func (m *meshPart) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.member.Run(ctx) })
	g.Go(func() error { return m.guide.Run(ctx) })
	g.Go(func() error { m.follow(ctx); return nil })
	renewal := &join.Renewal{
		Identity: m.id, Dir: m.cfg.Dir, Control: m.controls(), Software: thisBuild().Version, Log: m.log,
		Told: func(s *pb.MeshSeed) { m.keep(s) },
	}
	g.Go(func() error { return m.id.Run(ctx, m.log, renewal.Ask) })
	g.Go(func() error {
		select {
		case <-m.member.Superseded():
			return fmt.Errorf("another process runs as node %s", m.id.Node)
		case <-ctx.Done():
			return nil
		}
	})
	return g.Wait()
}

// follow does what control says of the cluster, until ctx ends.
func (m *meshPart) follow(ctx context.Context) {
	for {
		changed := m.state.Changed()
		if c := m.state.Cluster(); c != nil {
			m.take(c)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (m *meshPart) take(c *pb.Cluster) {
	if m.edge != nil {
		m.edge.SetService(serviceOf(m.admin()))
	}
	var removed []identity.Removed
	for _, r := range c.Removed {
		removed = append(removed, identity.Removed{Node: r.Node, Key: r.Key})
	}
	m.id.SetRemoved(removed)
	m.member.SetRemoved(removed)
	if len(c.GossipKeys) == 0 {
		return
	}
	if err := m.member.SetKeys(c.GossipKeys); err != nil {
		m.log.Error("gossip keys stay as they were", "err", err)
	}
	m.keep(&pb.MeshSeed{GossipKeys: c.GossipKeys})
}

// maxControls bounds the control nodes that are remembered: those that live come first.
const maxControls = 16

// keep keeps on disk how the node finds the others at its next start: what now has, and what is known.
func (m *meshPart) keep(now *pb.MeshSeed) {
	controls := m.controls()
	for _, at := range now.Controls {
		if !slices.Contains(controls, at) {
			controls = append(controls, at)
		}
	}
	gossip := []string{}
	for _, n := range m.member.Nodes() {
		if n.Status == member.Alive && n.Name != m.id.Node && len(gossip) < 8 {
			gossip = append(gossip, n.Gossip)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(now.GossipKeys) == 0 {
		now.GossipKeys = m.kept.GossipKeys
	}
	now.Region = m.kept.Region
	if now.Controls = controls[:min(len(controls), maxControls)]; len(gossip) > 0 {
		now.Gossip = gossip
	} else {
		now.Gossip = m.kept.Gossip
	}
	if proto.Equal(now, m.kept) {
		return
	}
	if err := join.KeepMesh(m.cfg.Dir, now); err != nil {
		m.log.Warn("how to find the others was not kept", "err", err)
		return
	}
	m.kept = now
}

// How long a node that is told to stop has to give away what it has, and how often it looks whether that is done.
const (
	drainMost = 30 * time.Second
	drainLook = 100 * time.Millisecond
)

// drain gives away what the node has, before it stops: others are told that it goes, control sends nobody and places nothing
// here, and pages open another edge. It returns when nothing is left, or after drainMost.
func (m *meshPart) drain(table *stream.Table) {
	m.going.Store(true)
	if m.edge != nil {
		m.edge.SetService(edge.Draining)
	}
	m.log.Info("giving away what is here before the stop")
	late := time.After(drainMost)
	tick := time.NewTicker(drainLook)
	defer tick.Stop()
	for m.busy(table) {
		select {
		case <-tick.C:
		case <-late:
			m.log.Warn("stopping with what is left")
			return
		}
	}
}

// busy says whether the node has viewers, or streams begin here.
func (m *meshPart) busy(table *stream.Table) bool {
	if m.edge != nil {
		return len(m.edge.Viewers()) > 0
	}
	return slices.ContainsFunc(table.All(), func(s *stream.Stream) bool { return len(s.Hops()) == 0 && s.Err() == nil && s.Live(time.Now()) })
}
