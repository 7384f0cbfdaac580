package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"freshet/cluster/identity"
)

// certFlags say where a node keeps things and finds its cluster.
type certFlags struct {
	Data string `default:".freshet" placeholder:"DIR" help:"Directory of the node's own files. Default .freshet."`
	CA   string `placeholder:"DIR" help:"Directory of the cluster's development CA, made on first use; nodes of one cluster share it. Default DATA/ca."`
}

// open makes the data directory and issues the node's certificate.
func (f certFlags) open(node, role string) (*identity.Identity, error) {
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return nil, badConfig("data", "%w", err)
	}
	dir := f.CA
	if dir == "" {
		dir = filepath.Join(f.Data, "ca")
	}
	ca, err := identity.OpenCA(dir)
	if err != nil {
		return nil, badConfig("ca", "%w", err)
	}
	id, err := ca.Issue(node, role)
	if err != nil {
		return nil, badConfig("node", "%w", err)
	}
	return id, nil
}

// mediaFlags are what origins and edges share.
type mediaFlags struct {
	Region    string       `default:"local" help:"Name of the place where the node stands, as in the pages. Default local."`
	HTTP      string       `default:"0.0.0.0:8080" placeholder:"HOST:PORT" help:"TCP address of WHIP or WHEP, metrics and health. Default 0.0.0.0:8080."`
	Relay     string       `default:"0.0.0.0:8081" placeholder:"HOST:PORT" help:"UDP address of the relay, for other nodes. Default 0.0.0.0:8081."`
	Media     string       `default:"0.0.0.0:8082" placeholder:"HOST:PORT" help:"UDP address of media, for publishers or viewers. Default 0.0.0.0:8082."`
	Upstream  []string     `placeholder:"NODE=HOST:PORT" help:"Nodes to pull streams from, best first."`
	Advertise []netip.Addr `placeholder:"IP" help:"Addresses under which publishers and viewers reach this node, where they are not its own (NAT)."`
	URL       string       `placeholder:"URL" help:"Where others reach --http, if a proxy with TLS stands before it. Default http:// and the node's address."`
	ICEServer []string     `placeholder:"URL" help:"STUN and TURN servers to tell clients of. Most meshes need none."`
	Control   []string     `placeholder:"HOST:PORT" help:"Control nodes (their --agents address). Without any, the node serves by itself."`
}

func (f mediaFlags) node(name, role, data string) (nodeConfig, error) {
	up, err := upstreams(f.Upstream)
	return nodeConfig{
		Node: name, Role: role, Region: f.Region, HTTP: f.HTTP, Media: f.Media, Relay: f.Relay, URL: f.URL,
		Advertise: f.Advertise, ICEServers: f.ICEServer, Upstreams: up, Control: f.Control,
		Cache: filepath.Join(data, name+".state"),
	}, err
}

type originCommand struct {
	Node string `default:"origin-1" help:"Name of the node, unique in the cluster. Default origin-1."`
	certFlags
	mediaFlags
	Stream []string `placeholder:"ID=KEY" secret:"pair" help:"A stream that may be published here, and its key; ID=@FILE reads the key from FILE. Control's list, where there is one, replaces these."`
}

// Run serves publishers until the program is told to stop.
func (c *originCommand) Run(p *program) error {
	cfg, err := c.node(c.Node, roleOrigin, c.Data)
	if err != nil {
		return err
	}
	if cfg.Streams, err = streamRecords(c.Stream); err != nil {
		return err
	}
	if len(cfg.Streams) == 0 && len(cfg.Control) == 0 {
		return badConfig("stream", "nobody could publish: give --stream ID=KEY or --control HOST:PORT")
	}
	return c.serve(p, cfg, c.certFlags)
}

type edgeCommand struct {
	Node string `default:"edge-1" help:"Name of the node, unique in the cluster. Default edge-1."`
	certFlags
	mediaFlags
	Shards int `placeholder:"N" help:"Media sockets and loops; shard I listens on the port of --media plus I. Default one a core."`
}

// Run serves viewers until the program is told to stop.
func (c *edgeCommand) Run(p *program) error {
	cfg, err := c.node(c.Node, roleEdge, c.Data)
	if err != nil {
		return err
	}
	if c.Shards < 0 || c.Shards > 1024 {
		return badConfig("shards", "want 1 to 1024, not %d", c.Shards)
	}
	if cfg.Shards = c.Shards; cfg.Shards == 0 {
		cfg.Shards = runtime.GOMAXPROCS(0)
	}
	if len(cfg.Upstreams) == 0 {
		return badConfig("upstream", "an edge without an upstream has nothing to serve: give NODE=HOST:PORT")
	}
	return c.serve(p, cfg, c.certFlags)
}

// serve runs the node that cfg describes.
func (mediaFlags) serve(p *program, cfg nodeConfig, certs certFlags) error {
	id, err := certs.open(cfg.Node, cfg.Role)
	if err != nil {
		return err
	}
	n, err := newMediaNode(cfg, id, p.log)
	if err != nil {
		return err
	}
	return n.stage().run(p.ctx)
}

type controlCommand struct {
	Node string `default:"control-1" help:"Name of the node, unique in the cluster. Default control-1."`
	certFlags
	HTTP   string   `default:"0.0.0.0:8080" placeholder:"HOST:PORT" help:"TCP address of pages, API, metrics and health. Default 0.0.0.0:8080."`
	Agents string   `default:"0.0.0.0:8081" placeholder:"HOST:PORT" help:"TCP address for other nodes (their --control). Default 0.0.0.0:8081."`
	URL    string   `placeholder:"URL" help:"Where others reach --http, if a proxy with TLS stands before it. Default http:// and the node's address."`
	Stream []string `placeholder:"ID=KEY" secret:"pair" help:"A stream of the cluster, and its key; ID=@FILE reads the key from FILE."`
}

// Run serves people and nodes until the program is told to stop.
func (c *controlCommand) Run(p *program) error {
	records, err := streamRecords(c.Stream)
	if err != nil {
		return err
	}
	id, err := c.open(c.Node, roleControl)
	if err != nil {
		return err
	}
	n, err := newControlNode(controlConfig{Node: c.Node, HTTP: c.HTTP, Agents: c.Agents, URL: c.URL, Streams: records}, id, p.log)
	if err != nil {
		return err
	}
	return n.stage().run(p.ctx)
}
