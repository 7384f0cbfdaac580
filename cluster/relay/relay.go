// Package relay carries streams from node to node over QUIC links: it serves what this node has to the
// nodes below it, and pulls what it lacks from the nodes above. RELAY.md (proto) is the protocol.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/identity"
	"freshet/cluster/shim"
	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// Why a stream cannot be had here.
var (
	ErrUnknownStream = errors.New("no upstream knows the stream")
	ErrNoUpstream    = errors.New("no upstream can be reached")
	ErrLoop          = errors.New("the stream would come from where it goes")
	ErrTooManyHops   = errors.New("the stream would cross too many nodes")
	ErrFull          = errors.New("node carries as many streams as it may")

	errStaleEpoch = errors.New("upstream has an older epoch only")
)

const (
	defaultLinger = 5 * time.Second
	maxDowns      = 256 * rtpq.MaxConns // connections of downstream nodes
	maxDownsOfOne = 8 * rtpq.MaxConns   // of one node: those of a process that is gone stay for idleTimeout
	maxUpstreams  = 16
)

// Config says who this node is and from whom it takes streams.
type Config struct {
	Node, Role, Region string
	Listen             string        // UDP host:port; port 0 takes a free one
	Upstreams          []Upstream    // ranked, the best first, of every stream; empty at the origin, and where a Guide says
	Linger             time.Duration // how long a stream is kept after its last lease; 0 is 5 s
}

// Upstream is a node to take streams from.
type Upstream struct {
	Node string // as in its certificate
	Addr string // UDP host:port
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	if c.Node == "" || len(c.Node) > 64 {
		return fmt.Errorf("relay: node name %q must have 1 to 64 bytes", c.Node)
	}
	if c.Role != identity.RoleOrigin && c.Role != identity.RoleEdge {
		return fmt.Errorf("relay: role %q is neither origin nor edge", c.Role)
	}
	if len(c.Region) > 64 {
		return fmt.Errorf("relay: region %.80q has more than 64 bytes", c.Region)
	}
	if c.Linger < 0 {
		return fmt.Errorf("relay: linger %v is negative", c.Linger)
	}
	if len(c.Upstreams) > maxUpstreams {
		return fmt.Errorf("relay: %d upstreams, at most %d are taken", len(c.Upstreams), maxUpstreams)
	}
	for _, u := range c.Upstreams {
		if u.Node == c.Node {
			return fmt.Errorf("relay: node %s is its own upstream", c.Node)
		}
		if _, _, err := net.SplitHostPort(u.Addr); err != nil {
			return fmt.Errorf("relay: address of upstream %s: %w", u.Node, err)
		}
	}
	return nil
}

// Deps is what the relay works with. It puts the streams it pulls into Table and serves all that is there. Guide is nil
// where Config.Upstreams says it all.
type Deps struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Identity *identity.Identity
	Table    *stream.Table
	Guide    Guide
}

// A Relay is a node's part in the relay. Its Run owns a goroutine for each upstream, each downstream
// link and each pulled stream.
type Relay struct {
	cfg   Config
	log   *slog.Logger
	m     *metrics
	id    *identity.Identity
	table *stream.Table
	sock  net.PacketConn // what QUIC reads and writes
	shim  *shim.Conn     // in it; nil in tests of version 1
	tr    *quic.Transport
	ln    *quic.Listener
	ways  *ways

	version uint32        // rtpq.Version; lower in tests of neighbouring versions
	behind  time.Duration // maxBehind; longer in tests of what must arrive, whatever else the machine does
	starts  chan *pull    // from Pull to Run
	stopped chan struct{} // closed when Run takes no more pulls

	mu        sync.Mutex
	pulls     map[string]*pull
	awaited   map[string]int // subscriptions that wait, by stream
	links     map[*link]struct{}
	byName    map[linkName]*link // those that were dialled from below
	downs     map[string]int     // connections that were dialled from below, by node
	downSum   int                // of all nodes
	upChanged chan struct{}      // closed when a link to an upstream comes or goes, or the guide says other ones
}

// New binds the relay's UDP socket. Peers are answered once Run has begun.
func New(cfg Config, d Deps) (*Relay, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	sock, err := listen(cfg.Listen, d.Metrics)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return newRelay(cfg, d, sock, sock)
}

// newRelay runs the relay on sock, which it closes; sh is the repair layer in it, if there is one.
func newRelay(cfg Config, d Deps, sock net.PacketConn, sh *shim.Conn) (*Relay, error) {
	if cfg.Linger == 0 {
		cfg.Linger = defaultLinger
	}
	r := &Relay{
		cfg: cfg, log: d.Log, m: newMetrics(d.Metrics), id: d.Identity, table: d.Table,
		version: rtpq.Version, behind: maxBehind, sock: sock, shim: sh, tr: &quic.Transport{Conn: sock},
		starts: make(chan *pull), stopped: make(chan struct{}),
		pulls: map[string]*pull{}, awaited: map[string]int{}, links: map[*link]struct{}{}, byName: map[linkName]*link{}, downs: map[string]int{},
		upChanged: make(chan struct{}),
	}
	if sh == nil {
		r.version = rtpq.VersionOne
	}
	if d.Guide == nil {
		d.Guide = fixed(cfg.Upstreams)
	}
	r.ways = newWays(r, d.Guide)
	d.Metrics.MustRegister(newLinkMetrics(r))
	var err error
	r.ln, err = r.tr.Listen(r.id.ServerTLS([]string{rtpq.ALPN}, identity.RoleEdge, identity.RoleOrigin), quicConfig())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("relay: %w", err), sock.Close())
	}
	return r, nil
}

// Addr returns where the relay listens.
func (r *Relay) Addr() netip.AddrPort { return r.sock.LocalAddr().(*net.UDPAddr).AddrPort() }

// Run serves until ctx ends. Streams that were pulled end with it.
func (r *Relay) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if r.shim != nil {
		g.Go(func() error { return r.shim.Run(ctx) })
	}
	g.Go(func() error { return r.ways.run(ctx) })
	g.Go(func() error { return r.accept(ctx, g) })
	g.Go(func() error {
		defer close(r.stopped)
		for {
			select {
			case p := <-r.starts:
				g.Go(func() error { newPuller(p).run(ctx); return nil })
			case <-ctx.Done():
				return nil
			}
		}
	})
	err := g.Wait()
	return errors.Join(err, r.ln.Close(), r.tr.Close(), r.sock.Close())
}

func (r *Relay) accept(ctx context.Context, g *errgroup.Group) error {
	for {
		conn, err := r.ln.Accept(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("relay: accept: %w", err)
		}
		peer, _, err := identity.Peer(conn.ConnectionState().TLS)
		if err != nil || !r.admit(peer) {
			closeConn(conn, r.m, &peerError{code: rtpq.CodeFull}, false)
			continue
		}
		context.AfterFunc(conn.Context(), func() { r.dismiss(peer) })
		g.Go(func() error { r.welcome(ctx, conn); return nil })
	}
}

// admit gives node a place among the downstream connections, where there is one: no node takes all of them.
func (r *Relay) admit(node string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.downSum >= maxDowns || r.downs[node] >= maxDownsOfOne {
		return false
	}
	r.downSum++
	r.downs[node]++
	return true
}

func (r *Relay) dismiss(node string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.downSum--
	if r.downs[node]--; r.downs[node] == 0 {
		delete(r.downs, node)
	}
}

// A linkName is what a downstream node calls a link.
type linkName struct {
	node string
	id   uint64
}

// welcome serves one connection of a downstream node: with connection 0 a link begins, and ends.
func (r *Relay) welcome(ctx context.Context, q *quic.Conn) {
	c, err := greet(ctx, q, false, r.hello(0, 0, 1))
	if err == nil && c.index() > 0 {
		err = r.further(ctx, c)
		if err == nil {
			return
		}
	}
	if err != nil {
		closeConn(q, r.m, err, ctx.Err() != nil)
		r.log.Warn("downstream refused", "remote", q.RemoteAddr().String(), "err", err)
		return
	}
	l := newLink(c, r.linkConfig(false))
	defer r.track(l)()
	l.log.Info("downstream joined", "region", l.region, "version", l.version)
	err = l.run(ctx, newSink(r, l))
	l.log.Info("downstream left", "err", err)
}

// further hands c to the link it belongs to. One that is not known is gone, or its first connection's hello got
// lost and comes later: the dialler tries again.
func (r *Relay) further(ctx context.Context, c *conn) error {
	r.mu.Lock()
	l := r.byName[linkName{c.peer.GetNode(), c.peer.GetLink()}]
	r.mu.Unlock()
	if l == nil || l.version == rtpq.VersionOne {
		return broke(rtpq.CodeReplaced, "connection %d of a link that is not there", c.index())
	}
	select {
	case l.joins <- c:
		return nil
	case <-l.main.quic.Context().Done():
		return broke(rtpq.CodeReplaced, "connection %d of a link that has ended", c.index())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hello is what this node says first on a connection: which of how many of a link it is.
func (r *Relay) hello(link uint64, index, count int) *pb.Hello {
	return &pb.Hello{
		Version: r.version, Node: r.cfg.Node, Role: r.cfg.Role, Region: r.cfg.Region,
		Link: link, Index: uint32(index), Count: uint32(count),
	}
}

func (r *Relay) linkConfig(dialled bool) linkConfig {
	return linkConfig{id: r.id, version: r.version, dialled: dialled, behind: r.behind, shim: r.shim, log: r.log, m: r.m}
}

// track keeps l in the list of links until the returned function is called.
func (r *Relay) track(l *link) func() {
	d, name := up, linkName{l.node, l.id}
	if !l.dialled {
		d = down
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[l] = struct{}{}
	if d == down {
		r.byName[name] = l
	}
	r.m.links.WithLabelValues(string(d)).Inc()
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.links, l)
		if r.byName[name] == l {
			delete(r.byName, name)
		}
		r.m.links.WithLabelValues(string(d)).Dec()
	}
}

// changed returns a channel that is closed when a link to an upstream comes or goes, or the guide says other ones.
func (r *Relay) changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.upChanged
}

func (r *Relay) tellChanged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.upChanged)
	r.upChanged = make(chan struct{})
}
