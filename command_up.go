package main

import (
	"net"
	"strconv"
)

// sampleStream is the id of the stream that `freshet up` has from the start.
const sampleStream = "sample"

type upCommand struct {
	outputFlag
	HTTP    string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address of the pages. Other ports follow from it, ten a node; port 0 takes free ones everywhere. Default 127.0.0.1:8080."`
	Ports   int      `placeholder:"BASE" help:"First port of everything but the pages, ten a node. Default the port of --http."`
	Edges   int      `default:"3" placeholder:"N" help:"Edges to start, 1 to 50: the first pulls from the origin, the others from the first. Default 3."`
	Regions []string `default:"yul,par,sin" placeholder:"NAME" help:"Regions of the edges, in turn; the origin stands in the first. Default yul,par,sin."`
	Data    string   `default:".freshet" placeholder:"DIR" help:"Directory of the CA, the keys and what nodes remember. Default .freshet."`
	Sample  bool     `default:"true" negatable:"" help:"Publish the built-in sample while nobody else publishes to its stream. --no-sample leaves the stream to you."`
	Stream  []string `placeholder:"ID=KEY" secret:"pair" help:"A further stream, and its key; ID=@FILE reads the key from FILE."`
}

// Run starts the mesh, says where to look, and runs until the program is told to stop.
func (c *upCommand) Run(p *program) error {
	if c.Edges < 1 || c.Edges > 50 {
		return badConfig("edges", "want 1 to 50, not %d", c.Edges)
	}
	if len(c.Regions) == 0 {
		return badConfig("regions", "want at least one")
	}
	ports, err := c.ports()
	if err != nil {
		return err
	}
	m, err := newMesh(c, ports, p.log)
	if err != nil {
		return err
	}
	return m.run(p.ctx, func() error { return m.tell(p.stdout, c.Output == outputJSON) })
}

// ports are where the nodes of a mesh on one machine listen.
type ports struct {
	host string // of people: pages, WHIP, WHEP and media
	http int
	base int // node i has base+10·i and up; 0 takes free ports
}

func (c *upCommand) ports() (ports, error) {
	host, port, err := net.SplitHostPort(c.HTTP)
	if err != nil {
		return ports{}, badConfig("http", "%w", err)
	}
	http, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ports{}, badConfig("http", "want a port number, not %q", port)
	}
	a := ports{host: host, http: int(http), base: int(http)}
	if c.Ports != 0 {
		a.base = c.Ports
	}
	if last := a.base + 10*(c.Edges+1) + 9; a.base < 0 || last > 65535 {
		return ports{}, badConfig("ports", "%d to %d: not all are ports", a.base, last)
	}
	return a, nil
}

// What stands at which port of a node's ten.
const (
	portHTTP   = 0
	portRelay  = 1 // control: agents
	portMedia  = 2
	portsANode = 10
)

// pages is control's web address.
func (a ports) pages() string { return net.JoinHostPort(a.host, strconv.Itoa(a.http)) }

// public is an address for people, mesh one for other nodes of this machine.
func (a ports) public(node, what int) string { return a.at(a.host, node, what) }
func (a ports) mesh(node, what int) string   { return a.at("127.0.0.1", node, what) }

func (a ports) at(host string, node, what int) string {
	if a.base == 0 {
		return net.JoinHostPort(host, "0")
	}
	return net.JoinHostPort(host, strconv.Itoa(a.base+portsANode*node+what))
}
