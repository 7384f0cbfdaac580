// Package api is control's public HTTP interface: /api/v1, described by the OpenAPI document it serves,
// and the router that sends a publisher to an origin.
package api

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/control/node"
	"freshet/proto/problem"
)

// Prefix stands before every path of the API.
const Prefix = "/api/v1"

const (
	maxBody  = 256 << 10 // RELIABILITY section 4: JSON
	bodyTime = 15 * time.Second
)

// Config says what the API tells of itself.
type Config struct {
	Version string // of the software, for the OpenAPI document
}

// Deps are what an API is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Records *node.Records
	Fleet   *node.Fleet
}

// An API answers from memory alone; it starts no goroutine. It may be used from any.
type API struct {
	d   Deps
	m   *metrics
	mux *http.ServeMux
	doc huma.API
}

// New assembles the routes.
func New(cfg Config, d Deps) *API {
	useProblems()
	a := &API{d: d, m: newMetrics(d.Metrics), mux: http.NewServeMux()}
	c := huma.DefaultConfig("Freshet", cfg.Version)
	c.Info.Description = "Live streams of a Freshet mesh, and the way to them. Media goes by WHIP and WHEP, at the addresses this API names."
	c.OpenAPIPath = Prefix + "/openapi"
	c.DocsPath, c.SchemasPath = "", "" // the ready-made page loads scripts from elsewhere
	c.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	c.CreateHooks = nil // no $schema fields, no links to schemas
	a.doc = humago.New(a.mux, c)
	a.doc.UseMiddleware(a.count)
	a.routeStreams()
	a.routeJoin()
	a.mux.HandleFunc("/whip/", a.redirect)
	a.mux.HandleFunc("/", a.nothing)
	return a
}

// OpenAPI returns the OpenAPI 3.1 document as YAML.
func (a *API) OpenAPI() ([]byte, error) { return a.doc.OpenAPI().YAML() }

// ServeHTTP serves /api/v1/… and /whip/…. Any page may call it: it looks at no cookie.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Location, Link, ETag, Retry-After")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodOptions {
		allow := a.methods(r)
		if allow == "" {
			a.nothing(w, r)
			return
		}
		h.Set("Allow", allow)
		h.Set("Access-Control-Allow-Methods", allow)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Cache-Control", "no-store") // answers are of the moment
	a.mux.ServeHTTP(w, r)
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

// operation gives every route its limits.
func operation(method, path, id, summary string, errs ...int) huma.Operation {
	return huma.Operation{
		Method: method, Path: Prefix + path, OperationID: id, Summary: summary, Errors: errs,
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTime,
	}
}

// useProblems makes huma's errors ours; they are a variable of its package, the same for all APIs.
var useProblems = sync.OnceFunc(func() { huma.NewError = newError })
