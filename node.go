package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/agent"
	"freshet/cluster/cert"
	"freshet/cluster/identity"
	"freshet/cluster/ops"
	"freshet/cluster/relay"
	"freshet/cluster/stream"
	"freshet/cluster/trace"
	"freshet/control"
	"freshet/control/account"
	"freshet/control/geo"
	"freshet/control/keys"
	"freshet/control/person"
	"freshet/control/store"
	"freshet/edge"
	"freshet/edge/admit"
	"freshet/edge/relayed"
	"freshet/origin"
	"freshet/origin/gate"
	pb "freshet/proto"
)

// Roles of a node.
const (
	roleOrigin  = "origin"
	roleEdge    = "edge"
	roleControl = "control"
)

// linger is how long an edge keeps a stream after its last viewer: a reload finds it still there.
const linger = 10 * time.Second

// A nodeConfig is an origin or an edge as the command line describes it.
type nodeConfig struct {
	Node, Role, Region string
	Position           *pb.Position // nil: where the region is
	HTTP, Media, Relay string       // where it listens, host:port
	URL                string       // base of its WHIP or WHEP as others reach it, empty for its address
	Certs              *cert.Holder // nil: in the clear
	Advertise          []netip.Addr
	ICEServers         []string
	Shards             int        // edge only
	Capacity           admit.Rate // edge only; 0 is no limit
	Next               []string   // edge only: bases of the edges to go to when this one is full
	Upstreams          []relay.Upstream
	Control            []string
	Cache              string      // file of the agent's snapshot
	Mesh               *meshConfig // nil: upstreams and control nodes are those given
	Streams            []*pb.StreamRecord
	Watch              func(http.Handler) http.Handler // sees what comes to the node's own handler; nil for none
}

// A mediaNode is an origin or an edge with all its parts bound.
type mediaNode struct {
	cfg     nodeConfig
	log     *slog.Logger
	http    *ops.HTTP
	handler http.Handler // of http
	table   *stream.Table
	relay   *relay.Relay
	state   *agent.State
	agent   *agent.Agent // nil without control
	mesh    *meshPart    // nil where nodes are named by hand
	role    stage
	tracer  *trace.Tracer
	base    string // URL of its HTTP server

	stopping atomic.Bool
}

// newMediaNode binds everything the node listens on.
func newMediaNode(cfg nodeConfig, id *identity.Identity, log *slog.Logger) (*mediaNode, error) {
	n := &mediaNode{cfg: cfg, log: log.With("node", cfg.Node, "role", cfg.Role), table: stream.NewTable()}
	media, err := net.ResolveUDPAddr("udp", cfg.Media)
	if err != nil {
		return nil, badConfig("media", "%w", err)
	}
	n.cfg.Media = media.String()
	if cfg.Role == roleEdge { // an origin's ICE finds all of the machine's addresses by itself
		if n.cfg.Advertise, err = reachable(media.IP, cfg.Advertise); err != nil {
			return nil, err
		}
	}

	reg := ops.NewRegistry(cfg.Node, cfg.Role, thisBuild().Version)
	id.Register(reg)
	if n.tracer, err = newTracer(cfg.Node, cfg.Role, cfg.Region, n.log, reg); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if n.http, err = ops.NewHTTP(serveHTTP(cfg.HTTP, cfg.Certs), mux, n.log); err != nil {
		return nil, badConfig("http", "%w", err)
	}
	n.handler = mux
	if n.base, err = nodeURL(cfg.URL, n.http, cfg.Certs, cfg.Advertise, reg); err != nil {
		return nil, err
	}
	state := agent.NewState(cfg.Streams...)
	n.state = state
	var guides relay.Guide
	if cfg.Mesh != nil {
		if n.mesh, err = newMeshPart(n, id, reg); err != nil {
			return nil, err
		}
		guides = n.mesh.relayGuide()
	}
	n.relay, err = relay.New(
		relay.Config{
			Node: cfg.Node, Role: cfg.Role, Region: cfg.Region, Listen: cfg.Relay, Upstreams: cfg.Upstreams, Linger: linger,
		},
		relay.Deps{Log: n.log, Metrics: reg, Identity: id, Table: n.table, Guide: guides})
	if err != nil {
		return nil, &configError{err} // it names relay
	}

	self := agent.Self{Relay: n.relay.Addr().String(), Metrics: n.base + "/metrics", Mbps: cfg.Capacity.Completed().Bits / 1e6}
	if cfg.Mesh != nil {
		if self.Relay, err = cfg.Mesh.reached(self.Relay); err != nil {
			return nil, err
		}
	}
	var audience agent.Audience
	if cfg.Role == roleOrigin {
		self.WHIP = n.base + "/whip"
		err = n.bindOrigin(mux, state, reg, log) // it binds the fields itself
	} else {
		self.WHEP, self.RTT = n.base+"/whep", n.base+"/rtt"
		audience, err = n.bindEdge(mux, state, reg)
	}
	if err != nil {
		return nil, err
	}
	if n.mesh != nil {
		n.mesh.facts = agent.NewReporter(self, n.table, audience)
	}
	if len(cfg.Control) > 0 || n.mesh != nil {
		facts := agent.NewReporter(self, n.table, audience)
		var controls func() []string
		if n.mesh != nil {
			controls = n.mesh.controls
		}
		n.agent, err = agent.New(
			agent.Config{
				Node: cfg.Node, Role: cfg.Role, Region: cfg.Region, Software: thisBuild().Version,
				Position: cfg.Position, Control: cfg.Control, Cache: cfg.Cache,
			},
			agent.Deps{
				Log: n.log, Metrics: reg, Identity: id, State: state, Facts: facts.Facts, Changed: n.table.Changed,
				Controls: controls,
			})
		if err != nil {
			return nil, err
		}
	}
	ops.Mount(mux, reg, n.ready)
	return n, nil
}

// ready says whether the node can do its job now.
func (n *mediaNode) ready() error {
	switch {
	case n.stopping.Load():
		return errors.New("stopping")
	case n.agent != nil && !n.state.Known():
		return errors.New("control not heard yet")
	case n.leaving():
		return errors.New("draining")
	}
	return nil
}

// leaving says whether the node gives away in order what it has.
func (n *mediaNode) leaving() bool {
	return n.mesh != nil && n.mesh.admin() == pb.AdminState_ADMIN_STATE_DRAINING
}

func (n *mediaNode) bindOrigin(mux *http.ServeMux, records gate.Records, reg prometheus.Registerer, log *slog.Logger) error {
	o, err := origin.New(
		origin.Config{
			Node: n.cfg.Node, Region: n.cfg.Region, Media: n.cfg.Media,
			Advertise: n.cfg.Advertise, ICEServers: n.cfg.ICEServers,
		},
		origin.Deps{Log: log, Metrics: reg, Records: records, Table: n.table, Leaving: n.leaving})
	if err != nil {
		return badConfig("media", "%w", err)
	}
	h := o.Handler()
	if n.cfg.Watch != nil {
		h = n.cfg.Watch(h)
	}
	mux.Handle("/whip/", n.tracer.Handler(h))
	n.role = stage{"origin", o.Run}
	return nil
}

func (n *mediaNode) bindEdge(mux *http.ServeMux, state *agent.State, reg prometheus.Registerer) (agent.Audience, error) {
	var access edge.Access = state
	if len(n.cfg.Control) == 0 && n.mesh == nil && !state.Known() {
		n.log.Warn("no control and no list of streams: whatever the upstreams have is open to every viewer")
		access = openAccess{}
	}
	cfg := edge.Config{
		Node: n.cfg.Node, Region: n.cfg.Region, Media: n.cfg.Media, Shards: n.cfg.Shards,
		Advertise: n.cfg.Advertise, ICEServers: n.cfg.ICEServers, Capacity: n.cfg.Capacity,
	}
	for _, base := range n.cfg.Next {
		cfg.Next = append(cfg.Next, base+"/whep")
	}
	deps := edge.Deps{Log: n.log, Metrics: reg, Access: access, Puller: relayed.Puller(n.relay)}
	if n.mesh != nil && len(cfg.Next) == 0 {
		deps.Next = n.mesh.otherEdges
	}
	e, err := edge.New(cfg, deps)
	if err != nil {
		return nil, badConfig("media", "%w", err)
	}
	if n.mesh != nil {
		n.mesh.edge = e
	}
	mux.Handle("/whep/", n.tracer.Handler(e.Handler()))
	mux.Handle("/rtt", edge.NewRTT(reg))
	n.role = stage{"edge", e.Run}
	return e, nil
}

// stage runs the node. Sessions and the HTTP server stop first; the relay outlives them, so that media
// flows until a viewer has its goodbye; the agent stops last, so that control sees the node to its end.
func (n *mediaNode) stage() stage {
	serve := together("serve", stage{"http", n.http.Run}, n.role)
	mark := stage{"serve", func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { n.stopping.Store(true) })
		defer stop()
		n.log.Info("serving", "url", n.base, "relay", n.relay.Addr().String(), "region", n.cfg.Region)
		return serve.run(ctx)
	}}
	stages := []stage{mark, {"relay", n.relay.Run}}
	if n.agent != nil {
		stages = append(stages, stage{"agent", n.agent.Run})
	}
	if n.mesh != nil {
		stages = append(stages, stage{"mesh", n.mesh.run})
	}
	parts := traced(inOrder(n.cfg.Node, 3*time.Second, n.log, stages...), n.tracer)
	if n.mesh == nil || !n.cfg.Mesh.Drains {
		return parts
	}
	return stage{parts.name, func(ctx context.Context) error {
		run, stop := context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		g, run := errgroup.WithContext(run)
		g.Go(func() error {
			defer stop()
			return parts.run(run)
		})
		g.Go(func() error {
			select {
			case <-run.Done():
				return nil
			case <-ctx.Done():
			}
			n.stopping.Store(true)
			n.mesh.drain(n.table)
			stop()
			return nil
		})
		return g.Wait()
	}}
}

// openAccess lets every viewer watch every stream.
type openAccess struct{}

func (openAccess) CheckViewer(string, string, time.Time) (string, error) { return "", nil }

// A controlNode is a control node with all its parts bound.
type controlNode struct {
	keys    *keys.Keys
	name    string
	log     *slog.Logger
	http    *ops.HTTP
	control *control.Control
	store   *store.DB
	tracer  *trace.Tracer
	base    string

	stopping atomic.Bool
}

type controlConfig struct {
	Mesh                    *control.MeshConfig // nil: with a development CA
	Node, HTTP, Agents, URL string
	Advertise               []netip.Addr // under which people reach HTTP, where its own are not
	Certs                   *cert.Holder // nil: in the clear
	Data, Passphrase        string       // where its secret keys are, and what opens them; empty: a key beside them
	Database                store.Config
	Mail                    control.Mail
	GeoIP                   string // file that says where addresses are, empty for none
	TrustProxy              []netip.Prefix
	Streams                 []*pb.StreamRecord
}

// newControlNode binds everything the node listens on, and brings its database up to date.
func newControlNode(ctx context.Context, cfg controlConfig, id *identity.Identity, log *slog.Logger) (_ *controlNode, err error) {
	n := &controlNode{name: cfg.Node, log: log.With("node", cfg.Node, "role", roleControl)}
	reg := ops.NewRegistry(cfg.Node, roleControl, thisBuild().Version)
	region := ""
	if cfg.Mesh != nil {
		region = cfg.Mesh.Region
	}
	if n.tracer, err = newTracer(cfg.Node, roleControl, region, n.log, reg); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if n.http, err = ops.NewHTTP(serveHTTP(cfg.HTTP, cfg.Certs), mux, n.log); err != nil {
		return nil, badConfig("http", "%w", err)
	}
	if n.base, err = nodeURL(cfg.URL, n.http, cfg.Certs, cfg.Advertise, reg); err != nil {
		return nil, err
	}
	secrets, err := keys.Open(cfg.Data, cfg.Passphrase)
	if err != nil {
		return nil, badConfig("passphrase", "%w", err)
	}
	n.keys = secrets
	if cfg.Mesh != nil {
		if id, err = controlIdentity(cfg.Mesh.Dir, cfg.Node, secrets); err != nil {
			return nil, badConfig("data", "%w", err)
		}
	}
	id.Register(reg)
	places, err := geo.Open(cfg.GeoIP, geo.Deps{Log: n.log, Metrics: reg})
	if err != nil {
		return nil, badConfig("geoip", "%w", err)
	}
	if n.store, err = store.Open(ctx, cfg.Database, store.Deps{Log: n.log, Metrics: reg}); err != nil {
		return nil, badConfig("database", "%w", err)
	}
	erased := person.In(cfg.Database.Dir)
	if again, err := erased.Obey(ctx, n.store, n.log, time.Now()); err != nil {
		return nil, errors.Join(err, n.store.Close())
	} else if again > 0 {
		n.log.Warn("persons whom an older copy of the database had brought back were erased again", "persons", again)
	}
	if none, err := account.NobodyOps(ctx, n.store); err != nil {
		return nil, errors.Join(err, n.store.Close())
	} else if none {
		n.log.Warn("nobody operates this installation on its pages: freshet admin ops grant EMAIL names somebody")
	}
	n.control, err = control.New(
		control.Config{
			Node: cfg.Node, Mesh: cfg.Mesh, Version: thisBuild().Version, Agents: cfg.Agents, Streams: cfg.Streams,
			Pages: n.base, Hosts: cfg.Certs.Hosts(), Proxied: cfg.URL != "" && cfg.Certs == nil, Trusted: cfg.TrustProxy, Mail: cfg.Mail,
		},
		control.Deps{Log: n.log, Metrics: reg, Identity: id, Store: n.store, Keys: secrets, Erased: erased, Places: places})
	if err != nil {
		return nil, errors.Join(badConfig("agents", "%w", err), n.store.Close())
	}
	mux.Handle("/", n.control.Handler())
	for _, asked := range []string{"/api/", "/whip/"} { // pages are files
		mux.Handle(asked, n.tracer.Handler(n.control.Handler()))
	}
	ops.Mount(mux, reg, func() error {
		if n.stopping.Load() {
			return errors.New("stopping")
		}
		return n.control.Ready()
	})
	return n, nil
}

// admit lets a node in that is in this process, with the directory dir.
func (n *controlNode) admit(dir, name, role, region string) (*identity.Identity, error) {
	key, err := identity.OpenKey(dir)
	if err != nil {
		return nil, err
	}
	id, err := n.keys.CA().IssueOver(key, name, role)
	if err != nil {
		return nil, err
	}
	n.control.Admit(identity.Subject{Node: name, Role: role, Key: id.Key()}, region)
	return id, nil
}

// stage runs the node. People are answered until the last; nodes go on without control anyway.
func (n *controlNode) stage() stage {
	return traced(inOrder(n.name, 3*time.Second, n.log,
		stage{"agents", func(ctx context.Context) error {
			stop := context.AfterFunc(ctx, func() { n.stopping.Store(true) })
			defer stop()
			n.log.Info("serving", "url", n.base, "agents", n.control.Agents().String())
			return n.control.Run(ctx)
		}},
		stage{"http", n.http.Run},
		stage{"database", func(ctx context.Context) error {
			<-ctx.Done()
			return n.store.Close()
		}}), n.tracer)
}
