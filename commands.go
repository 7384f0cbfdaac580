package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"freshet/bench/load"
	"freshet/cluster/identity"
	"freshet/control"
	"freshet/control/account"
	"freshet/control/store"
)

const description = `Live webcasts with WebRTC latency. A stream enters at an origin by WHIP, cascades over QUIC from edge to edge, and leaves at the edge nearest each viewer by WHEP.

Start with "freshet up": a whole mesh on this machine, with a sample on the air.

Every flag of a command can also be set by a variable, FRESHET_COMMAND_FLAG, or in the file that --config names, under [command]. A flag wins over a variable, a variable over the file. "freshet config" shows what is in force.`

// commands are the command line. Its fields, and those of the commands, give flags, variables and keys.
type commands struct {
	Config configFile `placeholder:"FILE" help:"TOML file with settings."`
	Log    slog.Level `default:"info" placeholder:"LEVEL" help:"Least severe lines to log: debug, info, warn or error. Default info."`

	Up      upCommand      `cmd:"" help:"Start a whole mesh on this machine: control, an origin, edges and a sample stream."`
	Origin  originCommand  `cmd:"" help:"Start an origin: publishers send to it by WHIP, edges pull from it."`
	Edge    edgeCommand    `cmd:"" help:"Start an edge: it pulls streams from its upstreams and serves viewers by WHEP."`
	Control controlCommand `cmd:"" help:"Start a control node: pages, the list of streams, the join call, and the nodes' line to it."`
	Publish publishCommand `cmd:"" help:"Publish a file, standard input or the sample to any WHIP URL."`
	Play    playCommand    `cmd:"" help:"Play any WHEP URL: print what arrives, or write it to a file."`
	Cluster clusterCommand `cmd:"" help:"Begin a cluster, let machines in, and look after it."`
	Bench   benchCommand   `cmd:"" help:"Try a mesh and measure it."`
	Admin   adminCommand   `cmd:"" help:"Copy, restore and check control's database; decide on quotes; export and erase a person."`
	Version versionCommand `cmd:"" help:"Print the version."`
	Show    configCommand  `cmd:"" name:"config" help:"Print the settings in force, secrets masked."`
}

const (
	outputText = "text"
	outputJSON = "json"
)

// outputFlag is for commands that print something.
type outputFlag struct {
	Output string `enum:"text,json" default:"text" help:"Print text or json on standard output."`
}

// sampleStream is the id of the stream that `freshet up` has from the start.
const sampleStream = "sample"

type upCommand struct {
	outputFlag
	databaseFlag
	mailFlags
	geoFlag
	tlsFlags
	HTTP    string   `placeholder:"HOST:PORT" help:"Address of the pages. Other ports follow from it, ten a node; port 0 takes free ones everywhere. Default 127.0.0.1:8080; 0.0.0.0:8080 with --advertise; 0.0.0.0:443 with --tls-host, which other nodes then share, at their ports."`
	Ports   int      `placeholder:"BASE" help:"First port of everything but the pages, ten a node. Default the port of --http, or 8080."`
	Edges   int      `default:"3" placeholder:"N" help:"Edges to start, 1 to 50: the first pulls from the origin, the others from the first. Default 3."`
	Regions []string `default:"yul,par,sin" placeholder:"NAME" help:"Regions of the edges, in turn; the origin stands in the first. Default yul,par,sin."`
	Data    string   `default:".freshet" placeholder:"DIR" help:"Directory of the CA, the keys and what nodes remember. Default .freshet."`
	Sample  bool     `default:"true" negatable:"" help:"Publish the built-in sample while nobody else publishes to its stream. --no-sample leaves the stream to you."`
	Stream  []string `placeholder:"ID=KEY" secret:"pair" help:"A further stream, and its key; ID=@FILE reads the key from FILE."`

	Advertise []netip.Addr `placeholder:"IP" help:"Addresses under which people reach this machine, where they are not its own (NAT). The NAT passes the ports on unchanged: HTTP by TCP, media by UDP."`
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
	loops := min(c.Edges, runtime.GOMAXPROCS(0)) // one shard an edge, and all on the same cores
	capacity := measuredCapacity(p.ctx, loops, p.log)
	capacity.Packets /= int64(c.Edges)
	m, err := newMesh(p.ctx, c, ports, capacity, p.log)
	if errors.Is(err, syscall.EADDRINUSE) {
		return &configError{fmt.Errorf("%w (--http or --ports moves the mesh)", err)}
	}
	if err != nil {
		return err
	}
	return m.run(p.ctx, func() error { return m.tell(p.ctx, p.stdout, c.Output == outputJSON) })
}

// ports are where the nodes of a mesh on one machine listen.
type ports struct {
	host string // of people: pages, WHIP, WHEP and media
	http int
	base int // node i has base+10·i and up; 0 takes free ports
}

func (c *upCommand) ports() (ports, error) {
	at, base := c.HTTP, c.Ports
	switch {
	case at == "" && len(c.TLSHost) > 0:
		at, base = tlsDefault, cmp.Or(base, 8080)
	case at == "" && len(c.Advertise) > 0:
		at = "0.0.0.0:8080"
	case at == "":
		at = "127.0.0.1:8080"
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return ports{}, badConfig("http", "%w", err)
	}
	http, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ports{}, badConfig("http", "want a port number, not %q", port)
	}
	a := ports{host: host, http: int(http), base: cmp.Or(base, int(http))}
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
	portGossip = 3
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

// databaseFlag says where control keeps what must not be lost.
type databaseFlag struct {
	Database string `placeholder:"URL" secret:"all" help:"CockroachDB or PostgreSQL: postgresql://USER@HOST:26257/NAME. Default SQLite, in the data directory."`
}

// in returns where the database is, with the data directory dir.
func (f databaseFlag) in(dir string) (store.Config, error) {
	url, err := secret("database", f.Database)
	return store.Config{URL: url, Dir: dir}, err
}

// mailFlags say what becomes of mails.
type mailFlags struct {
	SMTP     string `name:"smtp" placeholder:"URL" secret:"all" help:"Server that takes mails: smtp://USER:PASSWORD@HOST:587, or smtps://…:465. Without one they wait; under up they go to a mailbox page, /dev/mail."`
	MailFrom string `default:"Freshet <freshet@localhost>" placeholder:"ADDRESS" help:"Sender of mails. Default Freshet <freshet@localhost>."`
	Staff    string `placeholder:"EMAIL" help:"Who gets a mail when a quote is asked for. Default nobody: freshet admin quote list shows them."`
}

// mail is what the flags say; with a mailbox mails go there where no server is given.
func (f mailFlags) mail(mailbox bool) (control.Mail, error) {
	server, err := secret("smtp", f.SMTP)
	if err == nil && f.Staff != "" {
		if _, wrong := account.Address(f.Staff); wrong != nil {
			err = badConfig("staff", "%w", wrong)
		}
	}
	return control.Mail{SMTP: server, From: f.MailFrom, Mailbox: mailbox, Staff: f.Staff}, err
}

// geoFlag says how control knows where viewers are.
type geoFlag struct {
	GeoIP string `name:"geoip" placeholder:"FILE" help:"Database of places in MaxMind's format (GeoLite2 City or Country, and their like), read again when it is replaced. Without one, pages measure which edge is near."`
}

// mediaFlags are what origins and edges share.
type mediaFlags struct {
	tlsFlags
	Region    string       `placeholder:"NAME" help:"Name of the place where the node stands, as in the pages. Default that of the join token, else local."`
	At        *point       `placeholder:"LAT,LON" help:"Where the node stands, in degrees: 45.51,-73.55. Default where the region is, if that is the code of a large city's airports (yul, par, sin); a mesh whose control knows no place sends viewers by region and measured round trips."`
	HTTP      string       `placeholder:"HOST:PORT" help:"TCP address of WHIP or WHEP, metrics and health. Default 0.0.0.0:8080, or 0.0.0.0:443 with --tls-host."`
	Relay     string       `default:"0.0.0.0:8081" placeholder:"HOST:PORT" help:"UDP address of the relay, for other nodes. Default 0.0.0.0:8081."`
	Media     string       `default:"0.0.0.0:8082" placeholder:"HOST:PORT" help:"UDP address of media, for publishers or viewers. Default 0.0.0.0:8082."`
	Gossip    string       `default:"0.0.0.0:7946" placeholder:"HOST:PORT" help:"UDP and TCP address of gossip, for other nodes of a cluster. Default 0.0.0.0:7946."`
	Upstream  []string     `placeholder:"NODE=HOST:PORT" help:"With --ca: nodes to pull streams from, best first. In a cluster they follow from where streams are."`
	Advertise []netip.Addr `placeholder:"IP" help:"Addresses under which publishers, viewers and, by the first of them, other nodes reach this one, where they are not its own (NAT), or it listens on all."`
	URL       string       `placeholder:"URL" help:"Where others reach --http, if a proxy with TLS stands before it: https://HOST, without a path. Default that of --tls-host, else http:// and the node's address."`
	ICEServer []string     `placeholder:"URL" help:"STUN and TURN servers to tell clients of. Most meshes need none."`
	Control   []string     `placeholder:"HOST:PORT" help:"With --ca: control nodes (their --agents address). Without any, the node serves by itself."`
}

func (f mediaFlags) node(c *certFlags, name, role string) (nodeConfig, error) {
	up, err := upstreams(f.Upstream)
	if f.Region == "" {
		f.Region = defaultRegion
	}
	return nodeConfig{
		Node: name, Role: role, Region: f.Region, Position: f.At.position(), HTTP: f.listen(f.HTTP), Media: f.Media, Relay: f.Relay, URL: f.URL,
		Advertise: f.Advertise, ICEServers: f.ICEServer, Upstreams: up, Control: f.Control,
		Cache: filepath.Join(c.Data, name+".state"),
	}, err
}

// defaultRegion is where nodes stand of which nobody has said where.
const defaultRegion = "local"

type originCommand struct {
	Node string `help:"Name of the node, unique in the cluster. Default one that control makes; origin-1 with --ca."`
	certFlags
	mediaFlags
	Stream []string `placeholder:"ID=KEY" secret:"pair" help:"A stream that may be published here, and its key; ID=@FILE reads the key from FILE. Control's list, where there is one, replaces these."`
}

// Run serves publishers until the program is told to stop.
func (c *originCommand) Run(p *program) error {
	id, cfg, err := c.member(p, &c.certFlags, c.Node, roleOrigin)
	if err != nil {
		return err
	}
	if cfg.Streams, err = streamRecords(c.Stream); err != nil {
		return err
	}
	if len(cfg.Streams) == 0 && len(cfg.Control) == 0 && cfg.Mesh == nil {
		return badConfig("stream", "nobody could publish: give --stream ID=KEY or --control HOST:PORT")
	}
	return c.serve(p, cfg, id, c.Data)
}

type edgeCommand struct {
	Node string `help:"Name of the node, unique in the cluster. Default one that control makes; edge-1 with --ca."`
	certFlags
	mediaFlags
	Shards       int      `placeholder:"N" help:"Media sockets and loops; shard I listens on the port of --media plus I. Default one a core."`
	CapacityMbps int64    `placeholder:"N" help:"Mbit/s of media to send at most: viewers beyond it are sent elsewhere. Default what the machine can seal and send, measured at the start in 0.2s; a network card that is slower needs this."`
	Next         []string `placeholder:"URL" help:"Edges that viewers are sent to when this one is full, nearest first: http://HOST or https://HOST, their --url."`
}

// Run serves viewers until the program is told to stop.
func (c *edgeCommand) Run(p *program) error {
	id, cfg, err := c.member(p, &c.certFlags, c.Node, roleEdge)
	if err != nil {
		return err
	}
	if c.Shards < 0 || c.Shards > 1024 {
		return badConfig("shards", "want 1 to 1024, not %d", c.Shards)
	}
	if cfg.Shards = c.Shards; cfg.Shards == 0 {
		cfg.Shards = runtime.GOMAXPROCS(0)
	}
	if len(cfg.Upstreams) == 0 && cfg.Mesh == nil {
		return badConfig("upstream", "an edge without an upstream has nothing to serve: give NODE=HOST:PORT")
	}
	if cfg.Next, err = nextEdges(c.Next); err != nil {
		return err
	}
	if cfg.Capacity, err = c.capacity(p, cfg.Shards); err != nil {
		return err
	}
	return c.serve(p, cfg, id, c.Data)
}

// serve runs the node that cfg describes, with its files in data.
func (f mediaFlags) serve(p *program, cfg nodeConfig, id *identity.Identity, data string) error {
	var err error
	if cfg.Certs, err = f.holder(cfg.HTTP, data, p.log); err != nil {
		return err
	}
	n, err := newMediaNode(cfg, id, p.log)
	if err != nil {
		return err
	}
	return certified(n.stage(), n.http, cfg.Certs).run(p.ctx)
}

type controlCommand struct {
	Node string `help:"Name of the node, unique in the cluster. Default one that control makes; control-1 with --ca."`
	certFlags
	databaseFlag
	mailFlags
	geoFlag
	tlsFlags
	Passphrase string `placeholder:"@FILE" secret:"all" help:"Seals the file of control's secret keys, freshet.keys in the data directory; nodes on one database have copies of that file. Default a key beside it, freshet.key."`

	HTTP      string `placeholder:"HOST:PORT" help:"TCP address of pages, API, metrics and health. Default 0.0.0.0:8080, or 0.0.0.0:443 with --tls-host."`
	Agents    string `default:"0.0.0.0:8081" placeholder:"HOST:PORT" help:"TCP address for other nodes (their --join). Default 0.0.0.0:8081."`
	Gossip    string `default:"0.0.0.0:7946" placeholder:"HOST:PORT" help:"UDP and TCP address of gossip, for other nodes of a cluster. Default 0.0.0.0:7946."`
	Region    string `placeholder:"NAME" help:"Name of the place where the node stands. Default that of the join token, else local."`
	At        *point `placeholder:"LAT,LON" help:"Where the node stands, in degrees. Default where the region is, if that is the code of a large city's airports."`
	Advertise string `placeholder:"IP" help:"Address under which other nodes reach this one, where it listens on all of the machine's or stands behind NAT."`
	URL       string `placeholder:"URL" help:"Where others reach --http, if a proxy with TLS stands before it: https://HOST, without a path. Its X-Forwarded-For is believed, so let it alone reach --http, or name it by --trust-proxy. Default that of --tls-host, else http:// and the node's address."`

	TrustProxy []netip.Prefix `placeholder:"CIDR" help:"Networks of the proxies before --http: the X-Forwarded-For of these alone is believed, through as many of them as stand in a row. Default none; with --url and no --tls-host, whoever reaches --http."`

	Stream []string `placeholder:"ID=KEY" secret:"pair" help:"A stream of the cluster, and its key; ID=@FILE reads the key from FILE."`
}

// Run serves people and nodes until the program is told to stop.
func (c *controlCommand) Run(p *program) error {
	records, err := streamRecords(c.Stream)
	if err != nil {
		return err
	}
	database, err := c.in(c.Data)
	if err != nil {
		return err
	}
	mail, err := c.mail(false)
	if err != nil {
		return err
	}
	passphrase, err := secret("passphrase", c.Passphrase)
	if err != nil {
		return err
	}
	id, mesh, err := c.member(p, passphrase)
	if err != nil {
		return err
	}
	certs, err := c.holder(c.listen(c.HTTP), c.Data, p.log)
	if err != nil {
		return err
	}
	n, err := newControlNode(p.ctx, controlConfig{
		Node: id.Node, Mesh: mesh, HTTP: c.listen(c.HTTP), Certs: certs, Agents: c.Agents, URL: c.URL, Streams: records,
		Database: database, Mail: mail, Data: c.Data, Passphrase: passphrase, GeoIP: c.GeoIP, TrustProxy: c.TrustProxy,
	}, id, p.log)
	if err != nil {
		return err
	}
	return certified(n.stage(), n.http, certs).run(p.ctx)
}

type publishCommand struct {
	Input string `arg:"" optional:"" help:"IVF, Ogg, WebM, H.264 Annex B, or what ffmpeg reads; - is standard input. Without it, the sample."`

	URL       string        `required:"" help:"WHIP endpoint, for example http://127.0.0.1:8090/whip/sample."`
	Key       string        `secret:"all" help:"Stream key; @FILE reads it from FILE."`
	Audio     string        `placeholder:"FILE" help:"A second file, for the track that the first lacks."`
	Loop      bool          `help:"Begin again at the end."`
	Reconnect bool          `help:"Try again for ever after a lost connection."`
	Backup    bool          `help:"Be the second publisher of the stream: its standby takes it, and goes on with it when the origin of the first dies."`
	For       time.Duration `placeholder:"TIME" help:"Stop after this long on the air, for example 30s."`
	Rate      float64       `placeholder:"FPS" help:"Frames a second of H.264 Annex B. Default what the stream says, else 30."`
}

// Run publishes until the input ends or the program is told to stop.
func (c *publishCommand) Run(p *program) error {
	key, err := secret("key", c.Key)
	if err != nil {
		return err
	}
	cfg := load.PublishConfig{
		URL: c.URL, Key: key, Input: c.Input, Audio: c.Audio,
		Loop: c.Loop, Reconnect: c.Reconnect, Backup: c.Backup, For: c.For, Rate: c.Rate,
	}
	if err := cfg.Validate(); err != nil {
		return &configError{err}
	}
	return load.Publish(p.ctx, cfg, p.log)
}

type playCommand struct {
	URL string `arg:"" help:"WHEP endpoint, for example http://127.0.0.1:8100/whep/sample."`

	outputFlag
	Token   string        `secret:"all" help:"Viewer token; @FILE reads it from FILE."`
	Write   string        `placeholder:"FILE" help:"Write what arrives to FILE: .ivf, .h264, .ogg or .webm."`
	For     time.Duration `placeholder:"TIME" help:"Stop after this long, for example 30s."`
	Codec   []string      `placeholder:"NAME" help:"Video codecs to offer, best first. Default H264,VP8,VP9,AV1."`
	NoAudio bool          `help:"Take no audio."`
	NoVideo bool          `help:"Take no video."`
	Stats   bool          `help:"Show each second how the stream comes to the edge, hop by hop."`
}

// Run plays until the stream ends or the program is told to stop, and prints a report each second.
func (c *playCommand) Run(p *program) error {
	token, err := secret("token", c.Token)
	if err != nil {
		return err
	}
	cfg := load.PlayConfig{
		URL: c.URL, Token: token, Output: c.Write, For: c.For, Codecs: c.Codec, NoAudio: c.NoAudio, NoVideo: c.NoVideo,
		Stats: c.Stats,
	}
	var failed error // of writing a report; the last one counts
	report := func(r load.Report) { failed = load.WriteReport(p.stdout, r, c.Output == outputJSON) }
	if err := load.Play(p.ctx, cfg, report, p.log); err != nil {
		return err
	}
	return failed
}

// A build is what the binary knows of itself.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Time    string `json:"time,omitempty"` // of the commit
	Dirty   bool   `json:"dirty"`          // built with changes that are not committed
	Go      string `json:"go"`
}

// thisBuild reads what the go command wrote into the binary.
func thisBuild() build {
	b := build{Version: "devel"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	b.Go = info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

type versionCommand struct{ outputFlag }

// Run prints what this binary was built from.
func (c *versionCommand) Run(p *program) error {
	b := thisBuild()
	if c.Output == outputJSON {
		return json.NewEncoder(p.stdout).Encode(b)
	}
	_, err := fmt.Fprintf(p.stdout, "freshet %s (%s)\n", b.Version, b.Go)
	return err
}
