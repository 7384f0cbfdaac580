package login

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/mail"
	"freshet/control/store"
	"freshet/proto/problem"
)

type setupOut struct {
	Body struct {
		Needed bool `json:"needed" doc:"There is no account yet: whoever comes first makes it"`
	}
}

// A Newcomer is what a person who comes for the first time says of itself.
type Newcomer struct {
	Name     string `json:"name" minLength:"1" maxLength:"80"`
	Language string `json:"language,omitempty" maxLength:"35" doc:"BCP 47 tag; en or fr comes of it"`
	TimeZone string `json:"timeZone,omitempty" maxLength:"64" doc:"Of the IANA database; UTC where it is none"`
}

func (n Newcomer) person(email string) account.Person {
	return account.Person{Email: &email, Name: account.Text(n.Name), Language: account.Language(n.Language), TimeZone: account.TimeZone(n.TimeZone)}
}

type setUpIn struct {
	Body struct {
		Newcomer
		Account  string `json:"account" minLength:"1" maxLength:"80" doc:"Name of the account"`
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1024" doc:"10 to 256 characters"`
	}
}

type signUpIn struct {
	Body struct {
		Newcomer
		Account string `json:"account" minLength:"1" maxLength:"80" doc:"Name of the account"`
		Email   string `json:"email" maxLength:"254"`
	}
}

type tokenIn struct {
	Body struct {
		Token string `json:"token" maxLength:"128"`
	}
}

type passwordIn struct {
	Body struct {
		Token    string `json:"token" maxLength:"128"`
		Password string `json:"password" maxLength:"1024" doc:"10 to 256 characters"`
	}
}

func (r *Routes) registerSetup(api huma.API) {
	huma.Register(api, access.Anyone(access.Op(http.MethodGet, "/setup", "get-setup", "Whether the first account is still to be made")),
		func(ctx context.Context, _ *struct{}) (*setupOut, error) {
			any, err := account.Any(ctx, r.Store)
			out := &setupOut{}
			out.Body.Needed = !any
			return out, err
		})
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/setup", "set-up", "Make the first account, and log its owner in", 409, 422)), r.setUp)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/sign-ups", "sign-up", "Ask for an account: a mail brings a link", 422)), r.signUp)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/sign-ups/use", "use-sign-up", "Make the account that was asked for", 410, 422)), r.useSignUp)
}

func (r *Routes) setUp(ctx context.Context, in *setUpIn) (out *entered, err error) {
	email, err := account.Address(in.Body.Email)
	if err != nil {
		return nil, problem.Invalid("/email", "This is not an email address.")
	}
	phc, err := r.Hasher.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, choice(err)
	}
	p := in.Body.person(email)
	if wrong := unseen(p.Name, in.Body.Account); wrong != nil {
		return nil, wrong
	}
	now := store.Moment(r.Now())
	p.Password, p.OpsSince = &phc, &now // whoever sets an installation up operates it
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		switch any, err := account.Any(ctx, q); {
		case err != nil:
			return err
		case any:
			return problem.New(http.StatusConflict, "set-up", "Set up already", "There is an account already. Log in, or sign up.")
		}
		out, err = r.found(ctx, q, in.Body.Account, p, "set-up")
		return err
	})
	return out, err
}

// found makes an account with its owner, and logs that person in.
func (r *Routes) found(ctx context.Context, q store.Querier, name string, p account.Person, action string) (*entered, error) {
	now := r.Now()
	a, p, err := account.Create(ctx, q, name, p, now)
	if err != nil {
		return nil, err
	}
	err = audit.Add(ctx, q, a.ID, now, audit.Act{
		Actor: audit.Person, ActorID: p.ID, From: access.From(ctx).From, Action: action, Subject: "account/" + a.ID.String(),
	})
	if err != nil {
		return nil, err
	}
	return r.enter(ctx, q, p, a.ID, now)
}

// sent is the answer to whoever asked for a mail: the same whether or not one is sent.
type sent struct {
	SetCookie []cookie `header:"Set-Cookie"`
	Body      struct {
		Sent bool `json:"sent" doc:"True, whether or not the address is known"`
	}
}

func wasSent() *sent {
	out := &sent{}
	out.Body.Sent = true
	return out
}

// mayMail says whether one more mail may go to email, asked for from where the caller is. Whoever asks too often gets
// the same answer, and no mail.
func (r *Routes) mayMail(ctx context.Context, email string) bool {
	now := r.Now()
	return r.tries.mailsFrom.Take(limit.Network(access.From(ctx).From), now).OK && r.tries.mails.Take(email, now).OK
}

// signUp sends a link to who is new, and to who is known a mail that says so.
func (r *Routes) signUp(ctx context.Context, in *signUpIn) (*sent, error) {
	email, err := account.Address(in.Body.Email)
	if err != nil {
		return nil, problem.Invalid("/email", "This is not an email address.")
	}
	p, name := in.Body.person(email), account.Text(in.Body.Account)
	if wrong := unseen(p.Name, name); wrong != nil {
		return nil, wrong
	}
	if !r.mayMail(ctx, email) {
		return wasSent(), nil
	}
	now := r.Now()
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		known, err := account.PersonByEmail(ctx, q, email)
		switch {
		case err == nil:
			return r.Mail.Add(ctx, q, mail.Message{
				Kind: mail.SignUpKnown, To: email, Name: known.Name, Language: known.Language,
				Values: map[string]string{"link": r.Pages + "/login"},
			}, now)
		case !errors.Is(err, store.ErrNone):
			return err
		}
		token, err := NewLink(ctx, q, Link{Kind: SignUp, Data: store.JSON[map[string]string]{V: map[string]string{
			"account": name, "email": email, "name": p.Name, "language": p.Language, "timeZone": p.TimeZone,
		}}}, now)
		if err != nil {
			return err
		}
		return r.Mail.Add(ctx, q, mail.Message{
			Kind: mail.SignUp, To: email, Name: p.Name, Language: p.Language,
			Values: map[string]string{"link": r.Pages + "/signup/" + token, "account": name},
		}, now)
	})
	return wasSent(), err
}

func (r *Routes) useSignUp(ctx context.Context, in *passwordIn) (out *entered, err error) {
	phc, err := r.Hasher.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, choice(err)
	}
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		l, err := Use(ctx, q, SignUp, in.Body.Token, r.Now())
		if err != nil {
			return dead(err)
		}
		d := l.Data.V
		email := d["email"]
		p := account.Person{Email: &email, Name: d["name"], Language: d["language"], TimeZone: d["timeZone"], Password: &phc}
		out, err = r.found(ctx, q, d["account"], p, "use-sign-up")
		if errors.Is(err, account.ErrTaken) { // invited elsewhere meanwhile
			return dead(ErrLink)
		}
		return err
	})
	return out, err
}

// choice is the error of a password that may not be chosen.
func choice(err error) error {
	if errors.Is(err, ErrPassword) {
		return problem.Invalid("/password", "A password has 10 to 256 characters.")
	}
	return err
}

// dead is the error of a link that does not work.
func dead(err error) error {
	if errors.Is(err, ErrLink) {
		return problem.New(http.StatusGone, "link-dead", "The link does not work any more",
			"It was used, or its time is over. Ask for a new one.")
	}
	return err
}

// unseen is the problem of a person's or an account's name of which nothing is seen, nil where both are.
func unseen(person, name string) error {
	switch {
	case person == "":
		return problem.Invalid("/name", account.Unseen)
	case account.Text(name) == "":
		return problem.Invalid("/account", account.Unseen)
	}
	return nil
}
