// Package api is control's public HTTP interface: /api/v1, described by the OpenAPI document it serves,
// and the router that sends a publisher to an origin.
package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/trace"
	"freshet/control/access"
	"freshet/control/brand"
	"freshet/control/contact"
	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/geo"
	"freshet/control/guest"
	"freshet/control/hook"
	"freshet/control/key"
	"freshet/control/live"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/member"
	"freshet/control/node"
	"freshet/control/ops"
	"freshet/control/order"
	"freshet/control/person"
	"freshet/control/store"
	pb "freshet/proto"
	"freshet/proto/problem"
)

// Prefix stands before every path of the API.
const Prefix = access.Prefix

// Config says what the API tells of itself.
type Config struct {
	Version string         // of the software, for the OpenAPI document
	Pages   string         // base address of the pages, for links in mails: https://webcasts.example
	Proxied bool           // a proxy stands before us, and nobody else reaches us
	Trusted []netip.Prefix // proxies, where it is known which; they alone are believed then
	Mailbox bool           // whoever sits at this machine may read all mails
	Staff   string         // address of whoever runs the installation, for news of quotes; empty: nobody is told
}

// Deps are what an API is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Records *node.Records
	Fleet   *node.Fleet
	Places  *geo.Places // nil: nothing is known
	Why     Decisions
	Move    func(ctx context.Context, r *pb.StreamRecord) (*pb.StreamRecord, error) // to another origin than r has; nil: nobody places streams
	Ops     *ops.Desk                                                               // nil: this node is in no cluster
	Board   *event.Board
	Live    *live.Hub
	Door    *door.Door
	Hooks   *hook.Queue
	Reach   *hook.Reach
	Signer  *hook.Signer
	Store   *store.DB
	Mail    *mail.Queue
	Mailer  *guest.Mailer
	Hasher  *login.Hasher
	Sealer  *login.Sealer
	Now     func() time.Time
	Erased  person.Tombstones
}

// An API starts no goroutine, and may be used from any. What viewers and publishers ask it answers from memory alone.
type API struct {
	d   Deps
	m   *metrics
	mux *http.ServeMux
	doc huma.API

	pages   string       // origin of our own pages
	guarded http.Handler // mux behind the guard
	limits  *limits
}

// New assembles the routes.
func New(cfg Config, d Deps) *API {
	useProblems()
	a := &API{d: d, m: newMetrics(d.Metrics), mux: http.NewServeMux(), pages: strings.TrimSuffix(cfg.Pages, "/")}
	c := huma.DefaultConfig("Freshet", cfg.Version)
	c.Info.Description = "Live streams of a Freshet mesh, the way to them, and the accounts they belong to. Media goes by WHIP and WHEP, at the addresses this API names. " +
		"Whoever asks has a rate: an address where it is nobody, an account, or a key. RateLimit and RateLimit-Policy tell what is left; 429 comes with Retry-After."
	c.OpenAPIPath = Prefix + "/openapi"
	c.DocsPath, c.SchemasPath = "", "" // the ready-made page loads scripts from elsewhere
	c.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.CreateHooks = nil // no $schema fields, no links to schemas
	a.doc = humago.New(a.mux, c)
	g := newGuard(cfg, d, a.m)
	a.doc.UseMiddleware(a.count, g.middleware, g.once)
	a.doc.OpenAPI().Components.SecuritySchemes = access.Schemes()
	a.guarded, a.limits = g.wrap(http.HandlerFunc(a.routed)), g.limits
	a.routeStreams()
	a.routeJoin()
	logins := &login.Routes{Store: d.Store, Mail: d.Mail, Hasher: d.Hasher, Sealer: d.Sealer, Now: d.Now, Pages: cfg.Pages}
	d.Door.Register(a.doc)
	logins.Register(a.doc)
	(&person.Routes{Store: d.Store, Now: d.Now, Confirm: logins.Confirm, Tombstones: d.Erased}).Register(a.doc)
	(&member.Routes{Store: d.Store, Mail: d.Mail, Now: d.Now, Pages: cfg.Pages}).Register(a.doc)
	(&hook.Routes{Store: d.Store, Queue: d.Hooks, Reach: d.Reach, Signer: d.Signer, Now: d.Now}).Register(a.doc)
	(&key.Routes{Store: d.Store, Now: d.Now}).Register(a.doc)
	(&contact.Routes{Store: d.Store, Now: d.Now}).Register(a.doc)
	(&brand.Routes{Store: d.Store, Now: d.Now}).Register(a.doc)
	(&event.Routes{
		Store: d.Store, Mail: d.Mail, Hasher: d.Hasher, Board: d.Board, Hooks: d.Hooks, Random: rand.Reader, Now: d.Now,
		Pages:   cfg.Pages,
		Changed: d.Mailer.Changed,
	}).Register(a.doc)
	(&guest.Routes{
		Store: d.Store, Letters: d.Mailer.Letters, Mailer: d.Mailer, Door: d.Door, Now: d.Now,
		Desk: &guest.Desk{Store: d.Store, Passes: d.Mailer.Letters.Passes},
	}).Register(a.doc)
	(&ops.Routes{Desk: d.Ops, Now: d.Now}).Register(a.doc)
	(&live.Routes{Hub: d.Live, Board: d.Board}).Register(a.doc)
	(&order.Routes{Store: d.Store, Mail: d.Mail, Now: d.Now, Pages: cfg.Pages, Staff: cfg.Staff}).Register(a.doc)
	(&mail.Mailbox{Store: d.Store, Open: cfg.Mailbox}).Register(a.doc)
	a.mux.HandleFunc("/whip/", a.redirect)
	a.mux.HandleFunc("/", a.nothing)
	return a
}

// OpenAPI returns the OpenAPI 3.1 document as YAML.
func (a *API) OpenAPI() ([]byte, error) { return a.doc.OpenAPI().YAML() }

// ServeHTTP serves /api/v1/… and /whip/…. Any page may call it; a cookie counts for those of our own site
// alone (guard).
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Location, Link, ETag, Retry-After, RateLimit, RateLimit-Policy")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodOptions {
		allow := a.methods(r)
		if allow == "" {
			a.nothing(w, r)
			return
		}
		h.Set("Allow", allow)
		h.Set("Access-Control-Allow-Methods", allow)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Cache-Control", "no-store") // answers are of the moment
	a.guarded.ServeHTTP(w, r)
}

// routed serves r by the route that takes it, by which its trace is named.
func (a *API) routed(w http.ResponseWriter, r *http.Request) {
	a.mux.ServeHTTP(w, r)
	if r.Pattern != "/" {
		trace.Route(r, r.Pattern)
	}
}

// nothing answers what no route takes: 405 where another method would be taken, else 404.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) {
	if allow := a.methods(r); allow != "" {
		p := problem.New(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", "This address takes "+allow+".")
		p.Allow = allow
		p.Write(w)
		return
	}
	problem.New(http.StatusNotFound, "not-found", "Not found", "There is nothing at this address.").Write(w)
}

// methods returns the methods that r's path takes, empty for a path that is none of ours.
func (a *API) methods(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/whip/") {
		return "POST, OPTIONS"
	}
	var taken []string
	probe := r.Clone(r.Context())
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe.Method = m
		if _, pattern := a.mux.Handler(probe); pattern != "" && pattern != "/" {
			taken = append(taken, m)
		}
	}
	if taken == nil {
		return ""
	}
	return strings.Join(append(taken, http.MethodOptions), ", ")
}

// schemaName is a type's name in the document. Those of ops say whose they are: a stream of a View is another one than a Stream.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.PkgPath() == reflect.TypeFor[ops.View]().PkgPath() {
		return "Mesh" + name
	}
	return name
}

// useProblems makes huma's errors ours; they are variables of its package, the same for all APIs.
var useProblems = sync.OnceFunc(func() { huma.NewError, huma.NewErrorWithContext = newError, newErrorIn })
