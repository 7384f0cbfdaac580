// Package member is a node's part in the gossip of the mesh: who is there, what each node says of itself, which carries
// which stream, and how far apart they are. All of it is a hint: it kicks nobody and owns nothing.
//
// hashicorp/memberlist finds out who lives, and carries messages. What a node says is signed by its TLS key, so that it
// counts from whomever it comes; membership alone, which needs only the gossip key, makes nobody a node.
package member

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/coordinate"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

// Config says who the node is and where others are.
type Config struct {
	Node, Role, Region string // as in the node's certificate

	Listen    string   // host:port of UDP and TCP; port 0 takes one that is free on both
	Advertise string   // IP:port that others reach it by; empty for Listen
	Seeds     []string // host:port of any nodes of the mesh
	Keys      [][]byte // AES-256; the first is used to send, the second, if any, is understood too
	Peers     string   // file that keeps whom this node knew last; empty for none
}

// Validate names the first thing that is wrong.
func (c Config) Validate() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("gossip: listen: %w", err)
	}
	if ip := net.ParseIP(host); c.Advertise == "" && (host == "" || ip != nil && ip.IsUnspecified()) {
		return fmt.Errorf("gossip: listen on %s says not where others reach it: advertise an address", c.Listen)
	}
	for _, s := range c.Seeds {
		if _, _, err := net.SplitHostPort(s); err != nil {
			return fmt.Errorf("gossip: seed: %w", err)
		}
	}
	return nil
}

// Deps are what a member is given.
type Deps struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Identity *identity.Identity
	// Facts returns what the node says of itself now: software, place, addresses, capacity, load, viewers, drain and
	// announcements; the rest is the member's to fill in. It is copied, and called by one goroutine at a time.
	Facts   func(now time.Time) *pb.NodeState
	Changed func() <-chan struct{} // closed when facts changed that others should hear of at once; asked for before Facts
	Now     func() time.Time       // the node's clock
}

// A Member is this node in the mesh.
type Member struct {
	cfg    Config
	d      Deps
	log    *slog.Logger
	m      *metrics
	now    func() time.Time
	boot   boot
	name   string // as memberlist has it
	table  *table
	ring   *ring
	socket *socket
	here   *coordinate.Client
	queue  *memberlist.TransmitLimitedQueue
	peers  *peers
}

// New checks cfg and binds its port. The error wraps ErrKey where a key is no good. A list of peers that cannot be read is
// logged and left alone.
func New(cfg Config, d Deps) (*Member, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Node != d.Identity.Node || cfg.Role != d.Identity.Role {
		return nil, fmt.Errorf("gossip: %s %s has a certificate for %s %s", cfg.Role, cfg.Node, d.Identity.Role, d.Identity.Node)
	}
	ring, err := newRing(cfg.Keys)
	if err != nil {
		return nil, err
	}
	here, err := coordinate.NewClient(coordinate.DefaultConfig())
	if err != nil {
		return nil, err
	}
	m := &Member{cfg: cfg, d: d, log: d.Log, m: newMetrics(d.Metrics), now: d.Now, ring: ring, here: here}
	peers, last, err := loadPeers(cfg.Peers)
	if err != nil {
		m.m.peerErrors.Inc()
		m.log.Warn("list of peers unreadable, going by the seeds", "err", err)
	}
	m.peers = peers
	m.boot = newBoot(last, d.Now())
	m.name = memberName(cfg.Node, m.boot.id)
	m.table = newTable(cfg.Node, m.boot, d.Identity, m.m)
	m.queue = newQueue(m.table.size)
	if m.socket, err = listen(cfg.Listen, cfg.Advertise, m.m); err != nil {
		return nil, err
	}
	return m, nil
}

// newBoot names this process. It starts after the last one, even where the clock was set back since.
func newBoot(last uint64, now time.Time) boot {
	var b [8]byte
	rand.Read(b[:]) // never fails, it ends the process first
	b[0] |= 1       // not zero
	return boot{started: max(uint64(max(now.UnixMilli(), 1)), last+1), id: binary.BigEndian.Uint64(b[:])}
}

// Addr returns the host:port that others reach this node by.
func (m *Member) Addr() string { return m.socket.address() }

// Superseded returns a channel that is closed once a newer process is heard under this node's name: nobody listens to this
// one any more, and it had better end.
func (m *Member) Superseded() <-chan struct{} { return m.table.replaced }

// SetRemoved replaces the list of nodes that are refused from now on, whatever they say and whoever passes it on. Their
// processes are neither heard nor told anything. Since they know the gossip key, that is to be rotated, too.
func (m *Member) SetRemoved(all []identity.Removed) {
	m.socket.ban(m.table.setRemoved(all), time.Now())
}

// Run gossips until ctx ends; then it says that the node leaves, and returns nil. A probe of memberlist's that is under way
// ends by itself within 5 s; its socket is closed.
func (m *Member) Run(ctx context.Context) error {
	defer m.socket.shut()
	var g errgroup.Group
	g.Go(func() error { m.socket.run(); return nil })
	list, err := memberlist.Create(m.config())
	if err != nil {
		m.socket.shut()
		return errors.Join(fmt.Errorf("gossip: %w", err), g.Wait())
	}
	v := &voice{}
	m.speak(v, false) // so that the first exchange brings it along

	var work errgroup.Group
	work.Go(func() error { m.tell(ctx, v); return nil })
	work.Go(func() error { m.rejoin(ctx, list); return nil })
	_ = work.Wait() // neither fails

	if list.NumMembers() > 1 && !m.part(v) {
		m.log.Warn("nobody may have heard that the node leaves, others will find out")
	}
	if err := list.Leave(partingWait); err != nil {
		m.log.Warn("nobody may have heard that the process ends, others will find out", "err", err)
	}
	_ = list.Shutdown() // returns nil
	return g.Wait()
}

func (m *Member) config() *memberlist.Config {
	c := tuned()
	g := gossip{m}
	c.Name, c.Transport, c.BindPort, c.Keyring = m.name, m.socket, m.socket.port, m.ring.keys
	c.Delegate, c.Events, c.Alive, c.Ping = g, g, g, g
	c.Logger = log.New(&scribe{log: m.log, m: m.m, now: m.now, suspect: func(name string) { m.table.suspect(name, m.now()) }}, "", 0)
	return c
}
