package control

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/cluster/join"
	"freshet/cluster/member"
	"freshet/control/enrol"
	"freshet/control/geo"
	"freshet/control/lead"
	"freshet/control/node"
	"freshet/control/ops"
	"freshet/control/port"
	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	"freshet/control/roster"
	"freshet/control/why"
	pb "freshet/proto"
)

// MeshConfig says how a control node takes part in a cluster that it lets nodes into.
type MeshConfig struct {
	Dir      string // the node's own: log of the quorum, and how it finds the others
	Region   string
	Position *pb.Position // nil: where the region is
	Host     string       // IP under which other nodes reach Config.Agents and Gossip; empty for the one that is listened on
	Gossip   string       // UDP and TCP host:port
}

// A mesh is a control node's part in a cluster: quorum, gossip, enrolment, and who decides where streams are.
type mesh struct {
	cfg    MeshConfig
	d      Deps
	log    *slog.Logger
	at     string // where others reach the port
	alone  bool   // this node began the cluster and has heard of no other
	box    roster.Box
	quorum *quorum.Quorum
	roster *roster.Roster
	enrol  *enrol.Server
	member *member.Member
	lead   *lead.Lead
	desk   *ops.Desk

	records *node.Records
	fleet   *node.Fleet
	why     *why.Log
	own     []admitted                  // nodes that this process lets in when it starts
	ready   chan struct{}               // closed when records have what the ledger says
	kept    atomic.Pointer[pb.MeshSeed] // on disk
}

// An admitted is a node that control lets in without a token.
type admitted struct {
	identity.Subject
	region string
}

// leads is a quorum that says whether this node leads it.
type leads struct{ *quorum.Quorum }

func (l leads) Leads() bool { return l.Status().State == "leader" }

func newMesh(cfg MeshConfig, name string, version string, p *port.Port, records *node.Records, fleet *node.Fleet, sessions *why.Log, away func() bool, d Deps) (*mesh, error) {
	seed, err := join.ReadMesh(cfg.Dir)
	if err != nil {
		return nil, err
	}
	m := &mesh{
		cfg: cfg, d: d, log: d.Log, alone: len(seed.Controls) == 0, box: d.Keys.Box("ledger"),
		records: records, fleet: fleet, why: sessions, ready: make(chan struct{}),
	}
	m.kept.Store(seed)
	if m.at, err = member.Reached(cfg.Host, p.Addr().String()); err != nil {
		return nil, err
	}
	if seed.Own != m.at { // commands on this machine ask there, from the first moment on
		own := proto.CloneOf(seed)
		own.Own = m.at
		if err := join.KeepMesh(cfg.Dir, own); err != nil {
			return nil, err
		}
		m.kept.Store(own)
	}
	raft, calls := p.Line(d.Identity, quorum.RaftALPN), p.Line(d.Identity, quorum.CallALPN)
	m.quorum, err = quorum.New(
		quorum.Config{Node: name, Advertise: m.at, Dir: filepath.Join(cfg.Dir, "raft"), Bootstrap: m.alone, Seeds: seed.Controls},
		quorum.Deps{
			Log: d.Log, Metrics: d.Metrics, Now: time.Now,
			Raft: quorum.Line{Listener: raft, Dial: raft.Dial}, Calls: quorum.Line{Listener: calls, Dial: calls.Dial},
		})
	if err != nil {
		return nil, err
	}
	m.roster = roster.New(m.quorum, time.Now)
	m.enrol = enrol.New(enrol.Deps{
		Log: d.Log, Metrics: d.Metrics, Identity: d.Identity, CA: d.Keys.CA(), Registry: m.roster, Mesh: m.seed,
		Secrets: d.Keys.Share, Audit: m.audit, Now: time.Now,
	})
	m.desk = m.newDesk(name, away)
	p.Add(port.Protocol{ALPN: ops.ALPN, TLS: d.Identity.ServerTLS([]string{ops.ALPN}, identity.RoleControl), Serve: m.desk.Serve})
	p.Add(port.Protocol{ALPN: join.ALPN, TLS: m.enrol.TLS(), Serve: m.enrol.Serve})
	gossipAt := ""
	if cfg.Host != "" {
		if gossipAt, err = member.Reached(cfg.Host, cfg.Gossip); err != nil {
			return nil, err
		}
	}
	m.member, err = member.New(
		member.Config{
			Node: name, Role: identity.RoleControl, Region: cfg.Region, Listen: cfg.Gossip, Advertise: gossipAt,
			Seeds: seed.Gossip, Keys: seed.GossipKeys, Peers: filepath.Join(cfg.Dir, "peers.state"),
		},
		member.Deps{
			Log: d.Log, Metrics: d.Metrics, Identity: d.Identity, Now: time.Now,
			Facts: func(time.Time) *pb.NodeState {
				return &pb.NodeState{
					Software: version, Lat: cfg.Position.GetLatitude(), Lon: cfg.Position.GetLongitude(),
					Addresses: &pb.Addresses{Mesh: m.at},
				}
			},
			Changed: func() <-chan struct{} { return nil },
		})
	if err != nil {
		return nil, err
	}
	m.lead = lead.New(lead.Deps{
		Log: d.Log, Metrics: d.Metrics, Quorum: leads{m.quorum}, Records: records, Fleet: fleet, Roster: m.roster,
		Keys: m.keysHeld, Box: m.box, Now: time.Now,
	})
	return m, nil
}

// run takes part until ctx ends. first is what must be known of streams before nodes are told of any.
func (m *mesh) run(ctx context.Context, p *port.Port, first func(context.Context)) error {
	// Port, quorum and gossip outlive what stands on them, so that a node which stops hands over and says that it goes.
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, below := errgroup.WithContext(below)
	g.Go(func() error { return p.Run(below) })
	g.Go(func() error { return m.quorum.Run(below) })
	g.Go(func() error { return m.member.Run(below) })
	g.Go(func() error {
		defer stop()
		above, ctx := errgroup.WithContext(ctx)
		above.Go(func() error {
			if !m.enter(ctx) {
				return nil
			}
			first(ctx)
			close(m.ready)
			return m.lead.Run(ctx)
		})
		above.Go(func() error { m.follow(ctx); return nil })
		above.Go(func() error { m.listen(ctx); return nil })
		above.Go(func() error { m.certify(ctx); return nil })
		above.Go(func() error {
			select {
			case <-m.member.Superseded():
				return fmt.Errorf("another process runs as node %s", m.d.Identity.Node)
			case <-below.Done(): // one of those has failed
			case <-ctx.Done():
			}
			return nil
		})
		return above.Wait()
	})
	return g.Wait()
}

const enterAgain = time.Second

// enter takes this node into the quorum and the ledger, and returns when that has all that is decided. It is false when
// ctx has ended before.
func (m *mesh) enter(ctx context.Context) bool {
	for told := false; ; {
		err := m.tryEnter(ctx)
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			return true
		case !told:
			m.log.Warn("no part in the quorum yet, trying on", "err", err)
			told = true
		}
		select {
		case <-time.After(enterAgain):
		case <-ctx.Done():
			return false
		}
	}
}

func (m *mesh) tryEnter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	id := m.d.Identity
	if !m.alone {
		if err := m.quorum.Join(ctx, id.Node, m.at); err != nil {
			return err
		}
	}
	s, err := m.quorum.Read(ctx)
	if err != nil {
		return err
	}
	if keys, err := roster.Gossip(s, m.box); err != nil {
		return err
	} else if len(keys) == 0 && m.alone {
		if err := m.roster.AddGossip(ctx, m.box, m.kept.Load().GossipKeys[0]); err != nil {
			return err
		}
	}
	if err := m.roster.Admit(ctx, identity.Subject{Node: id.Node, Role: id.Role, Key: id.Key()}, m.cfg.Region); err != nil {
		return err
	}
	if _, _, ok, err := roster.Signing(s, m.box); err != nil {
		return err
	} else if !ok && m.alone {
		if err := m.roster.AddSigning(ctx, m.box, m.d.Keys.First()); err != nil {
			return err
		}
	}
	for _, n := range m.own {
		if err := m.roster.Admit(ctx, n.Subject, n.region); err != nil {
			return err
		}
	}
	m.take(m.quorum.State())
	return nil
}

// trouble says why this node cannot do its part, nil where it can.
func (m *mesh) trouble() error {
	select {
	case <-m.ready:
		return m.quorum.Ready()
	default:
		return errors.New("no part in the quorum yet")
	}
}

// certify keeps a certificate in the node's directory, for whoever works with that, until ctx ends.
func (m *mesh) certify(ctx context.Context) {
	tick := time.NewTicker(identity.LeafLife / 3)
	defer tick.Stop()
	for {
		id := m.d.Identity
		der, err := m.d.Keys.CA().Sign(identity.Subject{Node: id.Node, Role: id.Role, Key: id.Key()}, time.Now())
		if err == nil {
			err = identity.Keep(m.cfg.Dir, der, m.d.Keys.CA().Certificate())
		}
		if err != nil {
			m.log.Warn("no certificate was kept for commands on this machine", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// follow brings what this node does and tells to what the ledger says, until ctx ends.
func (m *mesh) follow(ctx context.Context) {
	select {
	case <-m.ready:
	case <-ctx.Done():
		return
	}
	for {
		changed := m.quorum.Changed()
		m.take(m.quorum.State())
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// take brings all to what s says.
func (m *mesh) take(s *ledger.State) {
	m.records.Place(s.Placements, s.Trees)
	removed := roster.Removed(s)
	m.d.Identity.SetRemoved(removed)
	m.member.SetRemoved(removed)
	c := &pb.Cluster{Removed: s.Removed}
	var away, leaving []string
	for _, name := range slices.Sorted(maps.Keys(s.Nodes)) {
		if n := s.Nodes[name]; n.State != pb.AdminState_ADMIN_STATE_IN {
			c.Admin = append(c.Admin, &pb.NodeAdmin{Node: name, State: n.State})
			away = append(away, name)
			if n.State == pb.AdminState_ADMIN_STATE_DRAINING {
				leaving = append(leaving, name)
			}
		}
	}
	m.fleet.SetAway(away, leaving)
	keys, err := roster.Gossip(s, m.box)
	if err == nil && len(keys) > 0 {
		err = m.member.SetKeys(keys)
	}
	if err != nil {
		m.log.Error("gossip keys stay as they were", "err", err)
		keys = m.kept.Load().GossipKeys
	}
	c.GossipKeys = keys
	m.records.SetCluster(c)
	m.keep(keys)
	m.sign(s)
}

// sign has the keys of s sign and check viewer tokens.
func (m *mesh) sign(s *ledger.State) {
	use, others, ok, err := roster.Signing(s, m.box)
	if err != nil {
		m.log.Error("signing keys stay as they were", "err", err)
	}
	if err != nil || !ok {
		return
	}
	was := m.d.Keys.Public()
	m.d.Keys.SetSigning(use, others...)
	if now := m.d.Keys.Public(); !slices.EqualFunc(was, now, func(a, b *pb.PublicKey) bool { return a.Id == b.Id }) {
		m.records.SetKeys(now...)
	}
}

// keep keeps on disk how this node finds the others.
func (m *mesh) keep(keys [][]byte) {
	now, was := m.seed(), m.kept.Load()
	now.GossipKeys, now.Region, now.Own = keys, was.Region, m.at
	now.Controls = slices.DeleteFunc(now.Controls, func(at string) bool { return at == m.at })
	if len(now.Controls) == 0 {
		now.Controls = was.Controls // others are away, and are not forgotten
	}
	if proto.Equal(now, was) {
		return
	}
	if err := join.KeepMesh(m.cfg.Dir, now); err != nil {
		m.log.Warn("how to find the others was not kept", "err", err)
		return
	}
	m.kept.Store(now)
}

// seed is how nodes find the others.
func (m *mesh) seed() *pb.MeshSeed {
	s := &pb.MeshSeed{Controls: []string{m.at}, Gossip: []string{m.member.Addr()}, GossipKeys: m.gossipKeys()}
	for _, n := range m.member.Nodes() {
		if n.Name == m.d.Identity.Node || n.Status != member.Alive {
			continue
		}
		if at := n.State.GetAddresses().GetMesh(); at != "" {
			s.Controls = append(s.Controls, at)
		}
		if len(s.Gossip) < 8 {
			s.Gossip = append(s.Gossip, n.Gossip)
		}
	}
	return s
}

// gossipKeys are those of the ledger; before it is known, those on disk.
func (m *mesh) gossipKeys() [][]byte {
	if keys, err := roster.Gossip(m.quorum.State(), m.box); err == nil && len(keys) > 0 {
		return keys
	}
	return m.kept.Load().GossipKeys
}

// keysHeld says whether all nodes that are there have the gossip keys of the ledger, in its order.
func (m *mesh) keysHeld() bool {
	var want []uint32
	for _, k := range m.gossipKeys() {
		want = append(want, member.KeyID(k))
	}
	for _, n := range m.member.Nodes() {
		if (n.Status == member.Alive || n.Status == member.Suspect) && !slices.Equal(n.State.GetGossipKeys(), want) {
			return false
		}
	}
	return true
}

// listenGap is how long changes of gossip are gathered.
const listenGap = 50 * time.Millisecond

// listen has the fleet know what gossip says, until ctx ends.
func (m *mesh) listen(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		changed := m.member.Changed()
		m.fleet.Tell(nodesOf(m.member.Nodes(), m.member.Slack(), time.Now()))
		select {
		case <-time.After(listenGap):
		case <-ctx.Done():
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// nodesOf says of nodes what gossip does. Those that live speak the more rarely the more there are: slack is what does not
// count as silence.
func nodesOf(all []member.Node, slack time.Duration, now time.Time) []node.Node {
	var nodes []node.Node
	for _, n := range all {
		s := n.State
		one := node.Node{
			Name: n.Name, Role: s.GetRole(), Region: s.GetRegion(), Software: s.GetSoftware(), At: geo.Stands(s.GetLat(), s.GetLon(), s.GetRegion()),
			Facts: member.FactsOf(s), Heard: n.Heard, Going: s.GetDrain() == pb.DrainState_DRAIN_STATE_DRAINING,
		}
		if n.Status == member.Failed || n.Status == member.Left {
			one.Failed, one.Heard = true, n.Since
		} else if one.Heard = n.Heard.Add(slack); one.Heard.After(now) {
			one.Heard = now
		}
		nodes = append(nodes, one)
	}
	return nodes
}

// hear serves agents once there is something to tell them.
func (m *mesh) hear(serve func(context.Context, *tls.Conn)) func(context.Context, *tls.Conn) {
	return func(ctx context.Context, c *tls.Conn) {
		late := time.NewTimer(agent.Silence)
		defer late.Stop()
		select {
		case <-m.ready:
			serve(ctx, c)
			return
		case <-late.C:
		case <-ctx.Done():
		}
		_ = c.Close()
	}
}

func (m *mesh) audit(n enrol.Note) {
	m.log.Info("cluster", "action", n.Action, "peer", n.Node, "role", n.Role, "region", n.Region, "remote", n.From.String(), "refused", n.Refused)
}
