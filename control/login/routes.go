package login

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/mail"
	"freshet/control/store"
	"freshet/proto/problem"
)

type cookie = http.Cookie

// Routes are how persons get in, and what they say of themselves.
type Routes struct {
	Store  *store.DB
	Mail   *mail.Queue
	Hasher *Hasher
	Now    func() time.Time
	Sealer *Sealer
	Pages  string // base address of the pages, for links in mails and passkeys

	tries struct{ address, network, mails, mailsFrom, steps *limit.Limiter }
	party *webauthn.WebAuthn // nil where the pages' address lets browsers have no passkeys
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	r.tries.address = limit.New(limit.Rate{Name: "log-in", N: 10, Per: 10 * time.Minute, Burst: 10})
	r.tries.network = limit.New(limit.Rate{Name: "log-in", N: 300, Per: time.Hour, Burst: 100})
	r.tries.mails = limit.New(limit.Rate{Name: "mails", N: 5, Per: 10 * time.Minute, Burst: 5}) // RELIABILITY, section 4
	r.tries.mailsFrom = limit.New(limit.Rate{Name: "mails", N: 300, Per: time.Hour, Burst: 300})
	r.tries.steps = limit.New(limit.Rate{Name: "second-step", N: 10, Per: time.Hour, Burst: 10}) // three of a million are right at once
	r.party = newParty(r.Pages)
	r.registerSetup(api)
	r.registerLinks(api)
	r.registerMe(api)
	r.registerSecond(api)
	r.registerPasskeys(api)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in", "log-in", "Log in with a password", 401, 429)), r.logIn)
	huma.Register(api, access.Person(access.Op(http.MethodPost, "/log-out", "log-out", "Log this browser out")), r.logOut)
}

type logInIn struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1024"`
	}
}

var errLogIn = problem.New(http.StatusUnauthorized, "log-in", "Not logged in", "The address or the password is wrong.")

// logIn answers the same, after as long, to a wrong password and to an address that nobody has.
func (r *Routes) logIn(ctx context.Context, in *logInIn) (*entered, error) {
	now, from := r.Now(), access.From(ctx).From
	email, err := account.Address(in.Body.Email)
	if err != nil {
		return nil, errLogIn
	}
	for _, v := range []limit.Verdict{r.tries.network.Take(limit.Network(from), now), r.tries.address.Take(email, now)} {
		if !v.OK {
			return nil, v.Refused()
		}
	}
	p, err := account.PersonByEmail(ctx, r.Store, email)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return nil, err
	}
	kept := ""
	if p.Password != nil {
		kept = *p.Password
	}
	switch ok, err := r.Hasher.Check(ctx, in.Body.Password, kept); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errLogIn
	}
	var out outcome
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		out, err = r.enterFirst(ctx, q, p, "log-in")
		return err
	})
	return out.answer(err)
}

// enterFirst does what enterAt does, in the account that comes first.
func (r *Routes) enterFirst(ctx context.Context, q store.Querier, p account.Person, action string) (outcome, error) {
	shown, err := first(ctx, q, p.ID)
	if err != nil {
		return outcome{}, err
	}
	return r.enterAt(ctx, q, p, shown, action)
}

// enterAt logs p in, in an account, or has the log-in wait for p's second step.
func (r *Routes) enterAt(ctx context.Context, q store.Querier, p account.Person, shown uuid.UUID, action string) (outcome, error) {
	k, err := stepOf(ctx, q, p.ID)
	if err != nil {
		return outcome{}, err
	}
	if k.Since != nil {
		return r.wait(ctx, q, p, shown, action)
	}
	in, err := r.admit(ctx, q, p, shown, action)
	return outcome{in: in}, err
}

// admit logs p in, of whom nothing more is asked, in an account, and notes it there; uuid.Nil is none.
func (r *Routes) admit(ctx context.Context, q store.Querier, p account.Person, shown uuid.UUID, action string) (*entered, error) {
	now := r.Now()
	out, err := r.enter(ctx, q, p, shown, now)
	if err != nil || shown == uuid.Nil {
		return out, err
	}
	return out, audit.Add(ctx, q, shown, now, audit.Act{
		Actor: audit.Person, ActorID: p.ID, From: access.From(ctx).From, Action: action, Subject: "person/" + p.ID.String(),
	})
}

type logOutOut struct {
	SetCookie cookie `header:"Set-Cookie"`
}

func (r *Routes) logOut(ctx context.Context, _ *struct{}) (*logOutOut, error) {
	a := access.From(ctx)
	if _, err := End(ctx, r.Store, a.ID, a.Login); err != nil {
		return nil, err
	}
	return &logOutOut{a.Browser.Jar.LogOut()}, nil
}
