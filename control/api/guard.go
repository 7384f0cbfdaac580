package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/key"
	"freshet/control/login"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// A guard stands before all operations.
type guard struct {
	log    *slog.Logger
	db     *store.DB
	now    func() time.Time
	jar    access.Jar
	cross  *http.CrossOriginProtection
	limits *limits
	keyed  *once.Requests
	seen   *witness

	proxied bool
	trusted []netip.Prefix
}

func newGuard(cfg Config, d Deps, m *metrics) *guard {
	return &guard{
		log: d.Log, db: d.Store, now: d.Now, jar: access.NewJar(strings.HasPrefix(cfg.Pages, "https://")),
		cross: http.NewCrossOriginProtection(), limits: newLimits(m.limited), keyed: once.NewRequests(d.Now), seen: newWitness(d.Now), proxied: cfg.Proxied,
		trusted: cfg.Trusted,
	}
}

// wrap finds out who asks before next answers, and holds each to its rate. A browser's word counts only where it was not
// another site's page that had it said.
func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, p := g.actor(r)
		if strings.HasPrefix(r.URL.Path, Prefix+"/") {
			if cut := g.limits.take(a, g.now(), w.Header()); cut != nil {
				p = cut
			}
		}
		if p != nil {
			p.Write(w)
			return
		}
		ctx := context.WithValue(access.With(r.Context(), a), reporterKey{}, reporter(func(err error) string {
			id := store.NewID().String()
			g.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "id", id, "err", err)
			return id
		}))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (g *guard) actor(r *http.Request) (access.Actor, *problem.Problem) {
	a := access.Actor{From: g.remote(r), Browser: access.BrowserOf(r, g.jar)}
	a.Browser.Local = a.From.IsLoopback() && loopback(r.Host) && ourOwn(r)
	if secret := key.Of(r); secret != "" && strings.HasPrefix(r.URL.Path, Prefix+"/") { // /whip/ has keys of its own
		return g.byKey(r, a, secret)
	}
	secret := g.jar.Secret(r)
	if secret == "" {
		return a, nil
	}
	if err := g.cross.Check(r); err != nil {
		return a, problem.New(http.StatusForbidden, "cross-site", "Not from another site",
			"A page of another site has sent this. Nothing was changed.")
	}
	ctx, cancel := g.seen.patience(r, secret)
	defer cancel()
	l, err := login.Find(ctx, g.db, secret, g.now())
	if errors.Is(err, store.ErrNone) {
		g.seen.saw(secret, a)
		return a, nil
	}
	if err == nil {
		var m account.Member
		m, err = account.MemberOf(ctx, g.db, l.Account, l.Person)
		if errors.Is(err, store.ErrNone) {
			m, err = account.Member{}, nil // of no account any more: a person all the same
		}
		a.Kind, a.ID, a.Account, a.Role, a.Login = audit.Person, l.Person, l.Account, m.Role, l.ID
	}
	if err != nil {
		if was, ok := g.seen.recalls(r, secret); ok {
			was.From, was.Browser = a.From, a.Browser
			return was, nil
		}
		return a, g.noDatabase(r.Context(), err)
	}
	return a, nil
}

// ops returns a with whether it operates the installation.
func (g *guard) ops(r *http.Request, a access.Actor) (access.Actor, error) {
	secret := g.jar.Secret(r)
	ctx, cancel := g.seen.patience(r, secret)
	defer cancel()
	p, err := account.PersonByID(ctx, g.db, a.ID)
	if err != nil {
		if was, ok := g.seen.recalls(r, secret); ok {
			a.Ops, a.Recalled = was.Ops, true
			return a, nil
		}
		return a, err
	}
	a.Ops = p.OpsSince != nil
	g.seen.saw(secret, a)
	return a, nil
}

// byKey is a as an API key that r brings has it act; a cookie beside it does not count.
func (g *guard) byKey(r *http.Request, a access.Actor, secret string) (access.Actor, *problem.Problem) {
	k, err := key.Find(r.Context(), g.db, secret, g.now())
	switch {
	case errors.Is(err, store.ErrNone):
		return a, problem.New(http.StatusUnauthorized, "unauthorized", "Not a key", "The API key was revoked, has expired, or is none.")
	case err != nil:
		return a, g.noDatabase(r.Context(), err)
	}
	a.Kind, a.ID, a.Account, a.Scopes = audit.Key, k.ID, k.Account, k.Scopes.V
	return a, nil
}

// noDatabase is the answer where the database does not tell who asks.
func (g *guard) noDatabase(ctx context.Context, err error) *problem.Problem {
	if ctx.Err() == nil { // else nobody waits for it
		g.log.ErrorContext(ctx, "who asks is not known", "err", err)
	}
	return away()
}

// loopback says whether host is an address of this machine alone: a name that somebody else owns may lead here, too.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// ourOwn says whether no page of another site has sent r, as far as browsers tell.
func ourOwn(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "":
		return r.Header.Get("Origin") == ""
	case "same-origin", "none":
		return true
	}
	return false
}

// middleware refuses who may not call an operation.
func (g *guard) middleware(c huma.Context, next func(huma.Context)) {
	op := c.Operation()
	a := access.From(c.Context())
	if access.InEvent(op) && a.Somebody() {
		var err error
		if a.In, err = g.in(c.Context(), a, c.Param(access.EventParameter)); err != nil {
			refuse(c, g.noDatabase(c.Context(), err))
			return
		}
		c = huma.WithContext(c, access.With(c.Context(), a))
	}
	if access.ForOps(op) && a.Kind == audit.Person && !a.Recalled {
		r, _ := humago.Unwrap(c)
		var err error
		if a, err = g.ops(r, a); err != nil {
			refuse(c, g.noDatabase(c.Context(), err))
			return
		}
		c = huma.WithContext(c, access.With(c.Context(), a))
	}
	switch access.Judge(op, a) {
	case access.Unknown:
		refuse(c, problem.New(http.StatusUnauthorized, "unauthorized", "Not logged in", "Log in first, or send an API key."))
		return
	case access.Refused:
		if access.ForOps(op) {
			refuse(c, problem.New(http.StatusForbidden, "ops-only", "Not allowed", "This is for whoever operates the installation. On its machine, freshet admin ops grant gives that right."))
			return
		}
		refuse(c, problem.New(http.StatusForbidden, "forbidden", "Not allowed", "Your role does not allow this. An owner of the account can change that."))
		return
	case access.Hidden:
		refuse(c, event.Unknown())
		return
	}
	next(c)
}

// once has requests with an Idempotency-Key done once.
func (g *guard) once(c huma.Context, next func(huma.Context)) {
	if p := g.keyed.Serve(c, next); p != nil {
		refuse(c, p)
	}
}

// in returns what a is in an event; empty where that is none of its account, or nothing to it.
func (g *guard) in(ctx context.Context, a access.Actor, id string) (permit.Role, error) {
	asked, err := uuid.Parse(id)
	if err != nil {
		return "", nil
	}
	role, err := event.RoleIn(ctx, g.db, a.Account, asked, a.ID)
	if errors.Is(err, store.ErrNone) {
		return "", nil
	}
	return a.RoleIn(role), err
}

func refuse(c huma.Context, p *problem.Problem) {
	c.SetHeader("Content-Type", problem.ContentType)
	for name := range p.GetHeaders() {
		c.SetHeader(name, p.GetHeaders().Get(name))
	}
	c.SetStatus(p.Status)
	_, _ = c.BodyWriter().Write(p.JSON()) // nobody is left to tell
}
