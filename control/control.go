// Package control is the small control node: the pages, the list of streams, the join call, and the line
// on which nodes are told what they must know.
package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/identity"
	"freshet/control/api"
	"freshet/control/node"
	"freshet/control/web"
	pb "freshet/proto"
)

// Config says what a control node serves.
type Config struct {
	Node    string
	Version string // of the software
	Agents  string // TCP host:port on which agents are heard
	Streams []*pb.StreamRecord
}

// Validate names the first thing that is wrong.
func (c Config) Validate() error {
	if c.Node == "" {
		return errors.New("node: no name")
	}
	seen := map[string]bool{}
	for _, s := range c.Streams {
		if seen[s.Id] {
			return fmt.Errorf("stream %s: given twice", s.Id)
		}
		seen[s.Id] = true
	}
	return nil
}

// Deps are what a control node is given.
type Deps struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Identity *identity.Identity
	Pages    fs.FS // nil takes those embedded in the binary
}

// Control is a control node. Its methods may be called from any goroutine.
type Control struct {
	records *node.Records
	fleet   *node.Fleet
	agents  *node.Server
	api     *api.API
	handler http.Handler
}

// New binds the agents' listener.
func New(cfg Config, d Deps) (*Control, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Pages == nil {
		d.Pages = web.Dist()
	}
	pages, err := web.New(d.Pages)
	if err != nil {
		return nil, err
	}
	if !pages.Built() {
		d.Log.Warn("built without pages; make build has them built")
	}
	c := &Control{records: node.NewRecords(cfg.Streams...), fleet: node.NewFleet()}
	c.api = api.New(api.Config{Version: cfg.Version},
		api.Deps{Log: d.Log, Metrics: d.Metrics, Records: c.records, Fleet: c.fleet})
	c.agents, err = node.New(node.Config{Listen: cfg.Agents},
		node.Deps{Log: d.Log, Metrics: d.Metrics, Identity: d.Identity, Records: c.records, Fleet: c.fleet})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", c.api)
	mux.Handle("/whip/", c.api)
	mux.Handle("/", pages)
	c.handler = mux
	return c, nil
}

// Run hears agents until ctx ends.
func (c *Control) Run(ctx context.Context) error { return c.agents.Run(ctx) }

// Handler serves the pages, /api/v1/… and /whip/….
func (c *Control) Handler() http.Handler { return c.handler }

// Agents returns where agents are heard.
func (c *Control) Agents() net.Addr { return c.agents.Addr() }

// OpenAPI returns the document of the API as YAML.
func (c *Control) OpenAPI() ([]byte, error) { return c.api.OpenAPI() }

// Heard returns how many nodes with role were heard in the last 5 s.
func (c *Control) Heard(role string) int { return c.fleet.Count(role, time.Now()) }
