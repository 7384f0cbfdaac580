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
	netmail "net/mail"
	"net/netip"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/control/api"
	"freshet/control/brand"
	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/geo"
	"freshet/control/guest"
	"freshet/control/hook"
	"freshet/control/keys"
	"freshet/control/live"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/node"
	"freshet/control/once"
	"freshet/control/ops"
	"freshet/control/order"
	"freshet/control/pass"
	"freshet/control/person"
	"freshet/control/port"
	"freshet/control/route"
	"freshet/control/store"
	"freshet/control/web"
	"freshet/control/why"
	pb "freshet/proto"
)

// Config says what a control node serves.
type Config struct {
	Node    string
	Version string // of the software
	Agents  string // TCP host:port on which agents are heard
	Streams []*pb.StreamRecord
	Mesh    *MeshConfig    // nil: nodes are those of a development CA, and streams are where they are published
	Pages   string         // base address of the pages, as people reach them
	Hosts   []string       // other names of the node, which lead to Pages
	Proxied bool           // through a proxy, whose X-Forwarded-For says from where
	Trusted []netip.Prefix // proxies that are believed; none: where Proxied holds, whoever reaches us
	Mail    Mail
}

// Mail says what becomes of mails. The zero value has them wait.
type Mail struct {
	SMTP    string // server that takes them: smtp://USER:PASSWORD@HOST:PORT or smtps://…
	From    string // address of the sender, with or without a name
	Mailbox bool   // without a server: keep them for whoever sits at this machine
	Staff   string // address of whoever runs the installation, told of quotes; empty: nobody is told
}

// server returns what takes mails, nil where nothing does.
func (m Mail) server(pages string, db *store.DB) (mail.Server, error) {
	if m.SMTP == "" {
		if m.Mailbox {
			return &mail.Mailbox{Store: db}, nil
		}
		return nil, nil
	}
	u, err := url.Parse(pages)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	s, err := mail.NewSMTP(m.SMTP, m.From, u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return s, nil
}

// sender returns the address of mails.
func (m Mail) sender(pages string) string {
	if a, err := netmail.ParseAddress(m.From); err == nil {
		return a.Address
	}
	if u, err := url.Parse(pages); err == nil && u.Hostname() != "" {
		return "webcasts@" + u.Hostname()
	}
	return "webcasts@localhost"
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
	Store    *store.DB
	Erased   person.Tombstones
	Keys     *keys.Keys
	Places   *geo.Places // nil: nothing is known of addresses
	Pages    fs.FS       // nil takes those embedded in the binary
}

// Control is a control node. Its methods may be called from any goroutine.
type Control struct {
	records *node.Records
	fleet   *node.Fleet
	board   *event.Board
	live    *live.Hub
	door    *door.Door
	port    *port.Port
	mesh    *mesh // nil where there is none
	api     *api.API
	handler http.Handler
	sender  *mail.Sender // nil where mails wait
	mailer  *guest.Mailer
	hooks   *hook.Sender
	store   *store.DB
	places  *geo.Places
	why     *why.Log
	log     *slog.Logger
}

// New binds the agents' listener.
func New(cfg Config, d Deps) (*Control, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Pages == nil {
		d.Pages = web.Dist()
	}
	pages, err := web.New(d.Pages, event.NewFrames(d.Store, time.Now))
	if err != nil {
		return nil, err
	}
	if !pages.Built() {
		d.Log.Warn("built without pages; make build has them built")
	}
	c := &Control{records: node.NewRecords(cfg.Streams...), fleet: node.NewFleet(), store: d.Store, places: d.Places, why: why.New(), log: d.Log}
	c.live = live.New(live.Config{Pages: cfg.Pages, Leaving: c.fleet.Leaving}, d.Log, d.Store, d.Metrics)
	c.board = event.NewBoard(d.Log, d.Store, c.records, c.live)
	c.records.SetKeys(d.Keys.Public()...)
	queue := mail.NewQueue()
	server, err := cfg.Mail.server(cfg.Pages, d.Store)
	if err != nil {
		return nil, err
	}
	if server != nil {
		c.sender = mail.NewSender(mail.Sender{Log: d.Log, Store: d.Store, Queue: queue, Server: server, Now: time.Now}, d.Metrics)
	} else {
		d.Log.Warn("mails wait: no server is given (--smtp)")
	}
	sealer, err := login.NewSealer(d.Keys.Derived("second steps"))
	if err != nil {
		return nil, err
	}
	hasher, key := login.NewHasher(login.Recommended), d.Keys.Derived("pass")
	passes := pass.New(key)
	c.door = door.New(door.Deps{
		Log: d.Log, Metrics: d.Metrics, Store: d.Store, Board: c.board, Revoked: c.records, Hasher: hasher, Keys: d.Keys, Places: d.Places,
		Guests: &guest.Desk{Store: d.Store, Passes: passes}, Now: time.Now,
	})
	c.mailer = guest.NewMailer(guest.Mailer{Log: d.Log, Store: d.Store, Now: time.Now, Letters: &guest.Letters{
		Mail: queue, Passes: passes, Stops: pass.NewStop(key), Pages: cfg.Pages, From: cfg.Mail.sender(cfg.Pages),
	}})
	mailbox := cfg.Mail.Mailbox && cfg.Mail.SMTP == ""
	hooks, reach, signer := hook.NewQueue(), hook.NewReach(mailbox, d.Metrics), hook.NewSigner(d.Keys.Derived("webhooks"))
	c.hooks = hook.NewSender(hook.Sender{
		Log: d.Log, Store: d.Store, Queue: hooks, Reach: reach, Signer: signer, Mail: queue, Now: time.Now, Pages: cfg.Pages,
	}, d.Metrics)
	if c.port, err = port.New(cfg.Agents, d.Log, d.Metrics); err != nil {
		return nil, err
	}
	agents := node.New(node.Deps{Log: d.Log, Metrics: d.Metrics, Identity: d.Identity, Records: c.records, Fleet: c.fleet})
	hear := agents.Serve
	var desk *ops.Desk
	var move func(context.Context, *pb.StreamRecord) (*pb.StreamRecord, error)
	if cfg.Mesh != nil {
		if c.mesh, err = newMesh(*cfg.Mesh, cfg.Node, cfg.Version, c.port, c.records, c.fleet, c.why, c.board.Away, d); err != nil {
			return nil, err
		}
		hear, move, desk = c.mesh.hear(hear), c.mesh.lead.Move, c.mesh.desk
	}
	c.port.Add(port.Protocol{ALPN: agent.ALPN, TLS: agents.TLS(), Serve: hear})
	c.api = api.New(api.Config{
		Version: cfg.Version, Pages: cfg.Pages, Proxied: cfg.Proxied, Trusted: cfg.Trusted, Mailbox: mailbox, Staff: cfg.Mail.Staff,
	}, api.Deps{
		Log: d.Log, Metrics: d.Metrics, Records: c.records, Fleet: c.fleet, Board: c.board, Live: c.live, Door: c.door,
		Hooks: hooks, Reach: reach, Signer: signer, Store: d.Store, Mail: queue, Hasher: hasher, Sealer: sealer, Mailer: c.mailer,
		Now: time.Now, Erased: d.Erased,
		Places: d.Places, Why: c.why, Move: move, Ops: desk,
	})
	mux := http.NewServeMux()
	mux.Handle("/api/", c.api)
	mux.Handle("/whip/", c.api)
	mux.Handle("/", pages)
	if c.handler, err = hosts(cfg.Pages, cfg.Hosts, d.Metrics, mux); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return c, nil
}

// sweepEvery is how often log-ins, links, kept answers, deliveries and events whose time is over are forgotten.
const sweepEvery = time.Hour

// Run shows what is on and tells pages of it, hears agents, sends mails and webhooks, and forgets what is over, until ctx ends.
func (c *Control) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.board.Run(ctx) })
	g.Go(func() error { return c.live.Run(ctx) })
	g.Go(func() error { return c.door.Run(ctx) })
	first := func(ctx context.Context) {
		c.board.First(ctx) // a node that is told of no streams lets go those it carries
		c.door.First(ctx)  // and one that is told of no revoked tokens takes them
	}
	if c.mesh != nil {
		g.Go(func() error { return c.mesh.run(ctx, c.port, first) })
	} else {
		g.Go(func() error {
			first(ctx)
			return c.port.Run(ctx)
		})
	}
	if c.sender != nil {
		g.Go(func() error { return c.sender.Run(ctx) })
	}
	g.Go(func() error { return c.mailer.Run(ctx) })
	g.Go(func() error { return c.hooks.Run(ctx) })
	if c.places != nil {
		g.Go(func() error { return c.places.Run(ctx) })
	}
	g.Go(func() error { return c.sweep(ctx) })
	return g.Wait()
}

func (c *Control) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		for _, broom := range []struct {
			of    string
			sweep func(context.Context, *store.DB, time.Time) error
		}{
			{"log-ins and links", login.Sweep}, {"kept answers", once.Sweep}, {"revoked tokens", door.Sweep},
			{"deliveries", hook.Sweep}, {"events that were never held", event.Sweep}, {"quotes", order.Sweep},
			{"images of events that are gone", func(ctx context.Context, db *store.DB, _ time.Time) error { return brand.Sweep(ctx, db) }},
		} {
			if err := broom.sweep(ctx, c.store, time.Now()); err != nil && ctx.Err() == nil {
				c.log.Warn("what is over stays", "of", broom.of, "err", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Handler serves the pages, /api/v1/… and /whip/….
func (c *Control) Handler() http.Handler { return c.handler }

// Agents returns where agents are heard.
func (c *Control) Agents() net.Addr { return c.port.Addr() }

// Admit has a node that stands in this process let into the cluster without a token, once the quorum is there. It must not be
// called once Run was.
func (c *Control) Admit(s identity.Subject, region string) {
	c.mesh.own = append(c.mesh.own, admitted{s, region})
}

// Seed is how nodes find the others of the cluster.
func (c *Control) Seed() *pb.MeshSeed { return c.mesh.seed() }

// Ready says why this node cannot do its part in the cluster, nil where it can, or where there is none.
func (c *Control) Ready() error {
	if c.mesh == nil {
		return nil
	}
	return c.mesh.trouble()
}

// OpenAPI returns the document of the API as YAML.
func (c *Control) OpenAPI() ([]byte, error) { return c.api.OpenAPI() }

// Why returns why a session was sent where it was, as far as this node decided that in the last day.
func (c *Control) Why(session uuid.UUID) (route.Decision, bool) { return c.why.Of(session, time.Now()) }

// Heard returns how many nodes with role were heard in the last 5 s.
func (c *Control) Heard(role string) int { return c.fleet.Count(role, time.Now()) }
