// Package edge is where viewers are served: WHEP in front, streams pulled from the mesh behind, and
// between them the shards of edge/egress.
package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
	"freshet/edge/admit"
	"freshet/edge/egress"
	"freshet/edge/pull"
)

// Config says what an edge is and where viewers reach it.
type Config struct {
	Node, Region string
	Media        string       // UDP host:port of shard 0; shard i uses port+i, with port 0 each a free one
	Shards       int          // send loops, one for each core is enough; 0 is 1
	Advertise    []netip.Addr // what viewers are told; none: the address of Media, or all of the machine
	ICEServers   []string     // told to viewers; the edge itself never uses one
	Capacity     admit.Rate   // what it sends at most; 0 packets or bits is no limit, and then symptoms alone make it full
	Next         []string     // where viewers go when it is full, nearest first: https://HOST/whep
}

// Validate returns what is wrong with c.
func (c Config) Validate() error {
	if c.Node == "" {
		return errors.New("edge: node has no name")
	}
	if c.Shards < 0 || c.Shards > 64 {
		return fmt.Errorf("edge: shards: %d is not between 0 and 64", c.Shards)
	}
	if c.Capacity.Packets < 0 || c.Capacity.Bits < 0 {
		return errors.New("edge: capacity is negative")
	}
	if len(c.Next) > MaxNext {
		return fmt.Errorf("edge: next: %d edges are more than %d", len(c.Next), MaxNext)
	}
	for _, base := range c.Next {
		if !validNext(base) {
			return fmt.Errorf("edge: next: want https://HOST/whep, not %q", base)
		}
	}
	_, err := mediaAddr(c.Media)
	return err
}

// Deps are what an edge needs of its node.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Access  Access
	Puller  Puller
	Next    func() []string // bases of edges for viewers that are not taken, nearest first; nil: those of Config
}

// Access says who may watch. CheckViewer returns the session of a viewer's token, empty on a stream that asks for none, or
// a *problem.Problem: 401, 403 or 404, or 503 where it does not know yet.
type Access interface {
	CheckViewer(stream, bearer string, now time.Time) (session string, err error)
}

// Lease and Puller are how an edge gets streams; see edge/pull.
type (
	Lease  = pull.Lease
	Puller = pull.Puller
)

// What a Puller returns for streams that are not there.
var (
	ErrUnknownStream = pull.ErrUnknownStream // nobody knows the stream: 404
	ErrNoUpstream    = pull.ErrNoUpstream    // no upstream answers: 503
)

// maxSessions bounds WHEP sessions on a node, far above what its cores carry.
const maxSessions = 50_000

// stopTimeout bounds how long the sessions have to end when the node stops.
const stopTimeout = 5 * time.Second

// An Edge serves viewers. All methods may be called from any goroutine.
type Edge struct {
	cfg       Config
	deps      Deps
	egress    *egress.Egress
	pool      *pull.Pool
	resource  *rtc.Resource
	gate      *admit.Gate
	quota     *admit.Quota
	print     string // of the node's DTLS certificate
	cname     string
	addresses []netip.Addr
	m         *metrics

	mu      sync.Mutex
	viewers map[string]int
	surplus []*session // of tokens that have more than they may; admission closes them
	seated  map[*session]struct{}

	service   Service
	drainFrom time.Time // goodbyes are said from then on
	drainOf   int
}

// New binds the UDP sockets of the shards. Run must be called to let go of them.
func New(cfg Config, d Deps) (*Edge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	media, err := mediaAddr(cfg.Media)
	if err != nil {
		return nil, err
	}
	cert, print, err := rtc.NewCertificate()
	if err != nil {
		return nil, fmt.Errorf("edge: dtls certificate: %w", err)
	}
	addresses, err := advertised(cfg.Advertise, media.Addr())
	if err != nil {
		return nil, err
	}
	e := &Edge{
		cfg: cfg, deps: d, print: print, cname: strings.ToLower(rand.Text()[:16]),
		addresses: addresses, viewers: map[string]int{}, seated: map[*session]struct{}{}, gate: admit.NewGate(cfg.Capacity), quota: admit.NewQuota(),
	}
	e.m = newMetrics(d.Metrics, e.gate)
	e.m.capacityOf(cfg.Capacity)
	e.egress, err = egress.New(egress.Config{Media: media, Shards: max(1, cfg.Shards), Certificate: cert},
		egress.Deps{Log: d.Log, Metrics: d.Metrics})
	if err != nil {
		return nil, fmt.Errorf("edge: %w", err)
	}
	e.pool = pull.New(d.Puller, e, d.Log)
	e.resource = rtc.NewResource(rtc.ResourceConfig{Kind: rtc.WHEP, ICEServers: cfg.ICEServers, MaxSessions: maxSessions},
		negotiator{e}, d.Log, d.Metrics)
	return e, nil
}

// Run serves until ctx ends, then ends all sessions. It returns when every goroutine has ended.
func (e *Edge) Run(ctx context.Context) error {
	// Shards outlive sessions, so that viewers hear a goodbye, and streams outlive both.
	shards, stopShards := context.WithCancel(context.WithoutCancel(ctx))
	streams, stopStreams := context.WithCancel(context.WithoutCancel(ctx))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.pool.Run(streams) })
	g.Go(func() error { return e.admission(ctx) })
	g.Go(func() error {
		defer stopStreams()
		return e.egress.Run(shards)
	})
	g.Go(func() error {
		defer stopShards()
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return e.resource.CloseAll(closing, "node stops")
	})
	return g.Wait()
}

// Handler serves WHEP under /whep/.
func (e *Edge) Handler() http.Handler { return e.resource }

// Ports returns the UDP ports that viewers send to.
func (e *Edge) Ports() []uint16 { return e.egress.Ports() }

// Viewers returns how many viewers get media, by stream.
func (e *Edge) Viewers() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make(map[string]int, len(e.viewers))
	for id, n := range e.viewers {
		all[id] = n
	}
	return all
}

// Load is the share of what the edge may do; from 1 on it takes nobody.
func (e *Edge) Load() float64 { return e.gate.Share() }

// next are the bases of other edges, nearest first.
func (e *Edge) next() []string {
	if e.deps.Next == nil {
		return e.cfg.Next
	}
	all := e.deps.Next()
	return all[:min(len(all), MaxNext)]
}

func (e *Edge) count(id string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.m.viewers.Add(float64(n))
	if e.viewers[id] += n; e.viewers[id] == 0 {
		delete(e.viewers, id)
	}
}

// Changed implements pull.Listener.
func (e *Edge) Changed(ctx context.Context, id string, next *stream.Stream) {
	e.deps.Log.Info("stream goes on", "stream", id, "epoch", next.Epoch)
	// An error means that the shards have ended, and their viewers with them.
	_ = e.egress.SetStream(ctx, id, next)
}

// Ended implements pull.Listener.
func (e *Edge) Ended(ctx context.Context, id string, _ error) { _ = e.egress.EndStream(ctx, id) }

// mediaAddr reads host:port; an empty host is all addresses of the machine.
func mediaAddr(s string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("edge: media: %w", err)
	}
	if host == "" {
		host = "::"
	}
	addr, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("edge: media: %w", err)
	}
	return addr, nil
}

// advertised returns the addresses that answers name.
func advertised(set []netip.Addr, media netip.Addr) ([]netip.Addr, error) {
	if len(set) > 0 {
		return set, nil
	}
	if !media.IsUnspecified() {
		return []netip.Addr{media}, nil
	}
	have, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("edge: addresses of the machine: %w", err)
	}
	var public, loopback []netip.Addr
	for _, a := range have {
		p, err := netip.ParsePrefix(a.String())
		switch {
		case err != nil || p.Addr().Is6() && media.Is4():
		case p.Addr().IsGlobalUnicast():
			public = append(public, p.Addr())
		case p.Addr().IsLoopback():
			loopback = append(loopback, p.Addr())
		}
	}
	if len(public) == 0 {
		public = loopback
	}
	return public, nil
}
