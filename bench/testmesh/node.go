package testmesh

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/cluster/ops"
	"freshet/cluster/relay"
	"freshet/cluster/stream"
	"freshet/edge"
	"freshet/edge/admit"
	"freshet/edge/relayed"
	"freshet/origin"
	pb "freshet/proto"
)

const loopback = "127.0.0.1:0"

// stopWithin is how long a node may take to stop before the test fails.
const stopWithin = 15 * time.Second

type nodeConfig struct {
	name, role, region string
	records            []*pb.StreamRecord
	upstreams          []relay.Upstream
	shards             int
	linger             time.Duration
	capacity           admit.Rate
	next               []string
}

// A Node is one running node. Its parts are there to be looked at.
type Node struct {
	Name, Role string
	URL        string // of its HTTP server, without a slash at the end
	Table      *stream.Table
	Relay      *relay.Relay
	Registry   *prometheus.Registry
	Edge       *edge.Edge     // nil at the origin
	Origin     *origin.Origin // nil at an edge

	t     T
	http  *ops.HTTP
	serve func(context.Context) error // runs Edge or Origin

	stop func()
	done chan error
	once sync.Once
}

func newNode(t T, ca *identity.CA, cfg nodeConfig, log *slog.Logger) (*Node, error) {
	id, err := ca.Issue(cfg.name, cfg.role)
	if err != nil {
		return nil, err
	}
	log = log.With("node", cfg.name)
	n := &Node{
		Name: cfg.name, Role: cfg.role, Table: stream.NewTable(),
		Registry: ops.NewRegistry(cfg.name, cfg.role, "test"), t: t, done: make(chan error, 1),
	}
	mux := http.NewServeMux()
	if n.http, err = ops.NewHTTP(ops.HTTPConfig{Listen: loopback}, mux, log); err != nil {
		return nil, err
	}
	n.URL = "http://" + n.http.Addr().String()
	n.Relay, err = relay.New(
		relay.Config{
			Node: cfg.name, Role: cfg.role, Region: cfg.region, Listen: loopback, Upstreams: cfg.upstreams, Linger: cfg.linger,
		},
		relay.Deps{Log: log, Metrics: n.Registry, Identity: id, Table: n.Table})
	if err != nil {
		return nil, err
	}
	state := agent.NewState(cfg.records...)
	if cfg.role == identity.RoleOrigin {
		n.Origin, err = origin.New(
			origin.Config{Node: cfg.name, Region: cfg.region, Media: loopback},
			origin.Deps{Log: log, Metrics: n.Registry, Records: state, Table: n.Table})
		if err != nil {
			return nil, err
		}
		mux.Handle("/whip/", n.Origin.Handler())
		n.serve = n.Origin.Run
	} else {
		n.Edge, err = edge.New(
			edge.Config{Node: cfg.name, Region: cfg.region, Media: loopback, Shards: cfg.shards, Capacity: cfg.capacity, Next: cfg.next},
			edge.Deps{Log: log, Metrics: n.Registry, Access: state, Puller: relayed.Puller(n.Relay)})
		if err != nil {
			return nil, err
		}
		mux.Handle("/whep/", n.Edge.Handler())
		n.serve = n.Edge.Run
	}
	ops.Mount(mux, n.Registry, func() error { return nil })
	return n, nil
}

// run starts the node: one goroutine that ends with Stop.
func (n *Node) run() {
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	go func() {
		// The relay outlives the role, as in the program: media flows until a viewer has its goodbye.
		links, stopLinks := context.WithCancel(context.WithoutCancel(ctx))
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return n.Relay.Run(links) })
		g.Go(func() error {
			defer stopLinks()
			front, ctx := errgroup.WithContext(ctx)
			front.Go(func() error { return n.http.Run(ctx) })
			front.Go(func() error { return n.serve(ctx) })
			return front.Wait()
		})
		n.done <- g.Wait()
	}()
}

// Stop stops the node in order and returns when it has stopped. A second call does nothing.
func (n *Node) Stop() {
	n.once.Do(func() {
		n.stop()
		select {
		case err := <-n.done:
			if err != nil {
				n.t.Errorf("%s: %v", n.Name, err)
			}
		case <-time.After(stopWithin):
			n.t.Errorf("%s did not stop within %v", n.Name, stopWithin)
		}
	})
}

// WHIP returns where a publisher of stream id posts its offer.
func (n *Node) WHIP(id string) string { return n.URL + "/whip/" + id }

// WHEP returns where a viewer of stream id posts its offer.
func (n *Node) WHEP(id string) string { return n.URL + "/whep/" + id }
