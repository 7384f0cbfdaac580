package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"freshet/cluster/agent"
	"freshet/cluster/cert"
	"freshet/cluster/identity"
	"freshet/cluster/ops"
	"freshet/cluster/relay"
	"freshet/cluster/stream"
	"freshet/control"
	"freshet/control/account"
	"freshet/edge/admit"
	pb "freshet/proto"
)

// How long the mesh has to be ready, and the sample to cross it.
const (
	readyWithin  = 15 * time.Second
	sampleWithin = 20 * time.Second
)

// A mesh is control, an origin and edges in this process, each with sockets of its own: nothing passes
// between them but what would pass between machines.
type mesh struct {
	log     *slog.Logger
	data    string
	key     string // of the sample stream
	mailbox bool   // mails stay here
	control *controlNode
	origin  *mediaNode
	edges   []*mediaNode
	sample  *sampler     // nil with --no-sample
	inside  *ops.HTTP    // where the sample reaches the origin, by no certificate and no NAT; nil where it needs neither
	certs   *cert.Holder // of all nodes; nil without TLS

	ready chan struct{} // closed when all nodes know the streams and control knows all nodes
}

// newMesh binds everything. capacity is each edge's.
func newMesh(ctx context.Context, c *upCommand, at ports, capacity admit.Rate, log *slog.Logger) (*mesh, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, badConfig("data", "%w", err)
	}
	key, err := streamKey(filepath.Join(c.Data, "keys"), sampleStream)
	if err != nil {
		return nil, fmt.Errorf("key of the sample: %w", err)
	}
	streams, err := streamRecords(c.Stream)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(streams, func(r *pb.StreamRecord) bool { return r.Id == sampleStream }) {
		return nil, badConfig("stream", "%s is there already, with a key of its own", sampleStream)
	}
	streams = append(streams, agent.Record(sampleStream, key))
	database, err := c.in(c.Data)
	if err != nil {
		return nil, err
	}
	mail, err := c.mail(true)
	if err != nil {
		return nil, err
	}
	const first = roleControl + "-1"
	if _, err := identity.Open(c.Data); errors.Is(err, identity.ErrNotJoined) {
		if _, err := found(c.Data, first, c.Regions[0], ""); err != nil {
			return nil, err
		}
	}
	m := &mesh{log: log, data: c.Data, key: key, mailbox: mail.SMTP == "", ready: make(chan struct{})}
	if m.certs, err = c.holder(at.pages(), c.Data, log); err != nil {
		return nil, err
	}
	m.control, err = newControlNode(ctx, controlConfig{
		Node: first, HTTP: at.pages(), Certs: m.certs, Advertise: c.Advertise, Agents: at.mesh(0, portRelay), Streams: streams,
		Database: database, Mail: mail, Data: c.Data, GeoIP: c.GeoIP,
		Mesh: &control.MeshConfig{Dir: c.Data, Region: c.Regions[0], Gossip: at.mesh(0, portGossip)},
	}, nil, log)
	if err != nil {
		return nil, err
	}
	node := func(i int, name, role string) (*mediaNode, error) {
		dir := filepath.Join(c.Data, name)
		region := c.Regions[max(i-2, 0)%len(c.Regions)]
		id, err := m.control.admit(dir, name, role, region)
		if err != nil {
			return nil, err
		}
		cfg := nodeConfig{
			Node: name, Role: role, Region: region, Shards: 1, Capacity: capacity,
			HTTP: at.public(i, portHTTP), Certs: m.certs, Relay: at.mesh(i, portRelay), Media: at.public(i, portMedia), Advertise: c.Advertise,
			Cache: filepath.Join(dir, name+".state"),
			Mesh:  &meshConfig{Dir: dir, Gossip: at.mesh(i, portGossip), Seed: m.control.control.Seed()},
		}
		if role == roleOrigin && m.sample != nil {
			cfg.Watch = m.sample.watch
		}
		return newMediaNode(cfg, id, log)
	}
	if c.Sample {
		m.sample = newSampler(sampleStream, key, log)
	}
	if m.origin, err = node(1, "origin-1", roleOrigin); err != nil {
		return nil, err
	}
	if m.sample != nil {
		m.sample.url, m.sample.table = m.origin.base+"/whip/"+sampleStream, m.origin.table
		if m.certs != nil || len(c.Advertise) > 0 {
			if m.inside, err = ops.NewHTTP(ops.HTTPConfig{Listen: "127.0.0.1:0"}, m.origin.handler, log); err != nil {
				return nil, err
			}
			m.sample.url = "http://" + m.inside.Addr().String() + "/whip/" + sampleStream
		}
	}
	for i := range c.Edges {
		e, err := node(2+i, fmt.Sprintf("edge-%d", i+1), roleEdge)
		if err != nil {
			return nil, err
		}
		m.edges = append(m.edges, e)
	}
	return m, nil
}

// run runs the mesh until ctx ends, and calls tell when all of it is ready.
func (m *mesh) run(ctx context.Context, tell func() error) error {
	// Against the way of media: the sample first, so that viewers are told it is over and do not look
	// for another edge; then edges, while their upstreams still answer; the origin; and control last, so
	// that the pages can say what goes on. Each node may take 3 s for a part of it; together within 10 s.
	var edges []stage
	for _, e := range m.edges {
		edges = append(edges, e.stage())
	}
	origin := m.origin.stage()
	if m.inside != nil {
		origin = together(origin.name, origin, stage{"inside", m.inside.Run})
	}
	stages := []stage{together("edges", edges...), origin, certified(m.control.stage(), m.control.http, m.certs)}
	if m.sample != nil {
		stages = append([]stage{{"sample", func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil
			case <-m.ready:
				return m.sample.Run(ctx)
			}
		}}}, stages...)
	}
	watch := stage{"start", func(ctx context.Context) error {
		if err := m.start(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := tell(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}}
	return inOrder("mesh", 4*time.Second, m.log, append([]stage{watch}, stages...)...).run(ctx)
}

// start returns when every node is ready and, with a sample, its first picture has crossed every hop.
func (m *mesh) start(ctx context.Context) error {
	all := append([]*mediaNode{m.origin}, m.edges...)
	err := until(ctx, readyWithin, func() bool {
		for _, n := range all {
			if n.ready() != nil {
				return false
			}
		}
		return m.control.control.Heard(roleOrigin) == 1 && m.control.control.Heard(roleEdge) == len(m.edges)
	})
	if err != nil {
		return fmt.Errorf("nodes did not find each other: %w", err)
	}
	close(m.ready)
	if m.sample == nil {
		return nil
	}
	// Asked before the origin has it, the hub says that there is no such stream, and the far edge goes past it.
	if err := until(ctx, sampleWithin, func() bool {
		s := m.origin.table.Get(sampleStream)
		return s != nil && hasPicture(s)
	}); err != nil {
		return fmt.Errorf("sample did not reach %s: %w", m.origin.cfg.Node, err)
	}
	last := m.edges[len(m.edges)-1]
	if err := firstPicture(ctx, last.relay, sampleStream); err != nil {
		return fmt.Errorf("sample did not reach %s: %w", last.cfg.Node, err)
	}
	return nil
}

// firstPicture pulls stream id by r until a key frame is there.
func firstPicture(ctx context.Context, r *relay.Relay, id string) error {
	ctx, cancel := context.WithTimeout(ctx, sampleWithin)
	defer cancel()
	for {
		// The publisher may not be there yet, which is an answer and no failure.
		l, err := r.Pull(ctx, id)
		if err == nil {
			err = until(ctx, sampleWithin, func() bool { return hasPicture(l.Stream()) })
			l.Release()
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func hasPicture(s *stream.Stream) bool {
	for _, f := range s.Flows {
		if _, ok := f.Ring.Newest(); ok && f.Format.Kind == stream.Video {
			return true
		}
	}
	return false
}

var errLate = errors.New("not in time")

// until asks ok every 20 ms, and returns errLate where it does not hold within d.
func until(ctx context.Context, d time.Duration, ok func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(d)
	defer late.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return errLate
		case <-tick.C:
		}
	}
	return nil
}

// The JSON line of `freshet up --output json`.
type meshJSON struct {
	Web     string     `json:"web"`
	API     string     `json:"api"`
	Stream  string     `json:"stream"`
	Key     string     `json:"key"`
	Control []nodeJSON `json:"control"`
	Origins []nodeJSON `json:"origins"`
	Edges   []nodeJSON `json:"edges"`
}

type nodeJSON struct {
	Node    string `json:"node"`
	Region  string `json:"region,omitempty"`
	HTTP    string `json:"http,omitempty"`
	WHIP    string `json:"whip,omitempty"`
	WHEP    string `json:"whep,omitempty"`
	Metrics string `json:"metrics"`
	PID     int    `json:"pid"`
}

// tell says where to look.
func (m *mesh) tell(ctx context.Context, w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(m.json())
	}
	accounts, err := account.Any(ctx, m.control.store)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what, where string) { _, _ = fmt.Fprintf(t, "  %s\t%s\n", what, where) } // Flush has the error
	_, _ = fmt.Fprintf(t, "\nFreshet is up: control, an origin and %d edges.", len(m.edges))
	if m.sample != nil {
		_, _ = fmt.Fprintf(t, " The sample is on the air; %s has its first picture.", m.edges[len(m.edges)-1].cfg.Node)
	}
	_, _ = fmt.Fprint(t, "\n\n")
	if accounts {
		line("Log in", m.control.base+"/login")
	} else {
		line("Set up", m.control.base+"/setup\tmakes the first account")
	}
	if m.mailbox && m.certs == nil { // the mailbox is for this machine alone
		line("Mails", m.control.base+"/dev/mail\tas there is no --smtp")
	}
	line("Watch", m.control.base+"/")
	line("Go live", m.control.base+"/live/"+sampleStream)
	line("Publish", m.origin.base+"/whip/"+sampleStream)
	line("with key", m.key)
	for _, e := range m.edges {
		line("Play", fmt.Sprintf("%s/whep/%s\t%s, %s", e.base, sampleStream, e.cfg.Node, e.cfg.Region))
	}
	line("API", m.control.base+"/api/v1/streams")
	line("Metrics", m.control.base+"/metrics and at every node")
	line("Data", m.data)
	_, _ = fmt.Fprint(t, "\nCtrl-C stops it.\n")
	return t.Flush()
}

func (m *mesh) json() meshJSON {
	j := meshJSON{
		Web: m.control.base, API: m.control.base + "/api/v1", Stream: sampleStream, Key: m.key,
		Control: []nodeJSON{{
			Node: m.control.name, HTTP: m.control.base, Metrics: m.control.base + "/metrics", PID: os.Getpid(),
		}},
	}
	for _, n := range append([]*mediaNode{m.origin}, m.edges...) {
		x := nodeJSON{Node: n.cfg.Node, Region: n.cfg.Region, Metrics: n.base + "/metrics", PID: os.Getpid()}
		if n.cfg.Role == roleOrigin {
			x.WHIP = n.base + "/whip"
			j.Origins = append(j.Origins, x)
		} else {
			x.WHEP = n.base + "/whep"
			j.Edges = append(j.Edges, x)
		}
	}
	return j
}
