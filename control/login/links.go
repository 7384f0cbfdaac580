package login

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/mail"
	"freshet/control/permit"
	"freshet/control/secret"
	"freshet/control/store"
	"freshet/proto/problem"
)

type emailIn struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

type logInCodeIn struct {
	Body struct {
		Code string `json:"code" pattern:"^[0-9]{6}$" patternDescription:"six digits"`
	}
}

type logInLinkOut struct {
	Body struct {
		Email string `json:"email"`
		Here  bool   `json:"here" doc:"This browser asked for the link, so it may use it"`
		Code  string `json:"code,omitempty" doc:"To type in the browser that asked, where this is another"`
	}
}

type invitationOut struct {
	Body struct {
		Account string      `json:"account" doc:"Name of the account"`
		Email   string      `json:"email"`
		Name    string      `json:"name"`
		Role    permit.Role `json:"role" enum:"owner,organizer,collaborator,presenter"`
		Known   bool        `json:"known" doc:"The person has a password already"`
		Here    bool        `json:"here" doc:"The person is logged in in this browser, so no password is asked"`
	}
}

type useInvitationIn struct {
	Body struct {
		Token    string `json:"token" maxLength:"128"`
		Name     string `json:"name,omitempty" maxLength:"80"`
		Password string `json:"password,omitempty" maxLength:"1024" doc:"A new one of 10 to 256 characters; of a person who has one, that one, unless logged in here"`
		TimeZone string `json:"timeZone,omitempty" maxLength:"64"`
	}
}

func (r *Routes) registerLinks(api huma.API) {
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in-links", "ask-log-in-link", "Ask for a link by mail that logs this browser in")), r.askLogIn)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in-links/open", "open-log-in-link", "What a link would do; it stays as it is", 410)), r.openLogIn)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in-links/use", "use-log-in-link", "Log in by the link, in the browser that asked", 409, 410)), r.useLogIn)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in-links/code", "use-log-in-code", "Log in by the code that the link showed in another browser", 401, 410)), r.useCode)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/resets", "ask-reset", "Ask for a link by mail to choose a new password")), r.askReset)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/resets/use", "use-reset", "Choose a new password; other browsers are logged out", 410, 422)), r.useReset)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/invitations/open", "open-invitation", "Who is invited where; the invitation stays as it is", 410)), r.openInvite)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/invitations/use", "use-invitation", "Accept an invitation, and log in", 401, 410, 422, 429)), r.useInvite)
}

// askFor sends a link of kind to the person with email, where there is one. For a log-in it returns the secret of the
// browser that asks; that is made for nobody, too.
func (r *Routes) askFor(ctx context.Context, kind Kind, what mail.Kind, email, path string) (browser string, err error) {
	email, err = account.Address(email)
	if err != nil {
		return "", problem.Invalid("/email", "This is not an email address.")
	}
	browser, _ = secret.New()
	if !r.mayMail(ctx, email) {
		return browser, nil
	}
	now := r.Now()
	return browser, r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		p, err := account.PersonByEmail(ctx, q, email)
		nobody := errors.Is(err, store.ErrNone)
		if err != nil && !nobody {
			return err
		}
		l := Link{Kind: kind}
		if !nobody {
			l.Person = &p.ID
		}
		if kind == LogIn {
			l.Browser = secret.Hash(browser)
		}
		token, err := NewLink(ctx, q, l, now) // also for nobody, so that the answer takes as long
		if err != nil || nobody {
			return err
		}
		return r.Mail.Add(ctx, q, mail.Message{
			Kind: what, To: email, Name: p.Name, Language: p.Language, Values: map[string]string{"link": r.Pages + path + token},
		}, now)
	})
}

func (r *Routes) askLogIn(ctx context.Context, in *emailIn) (*sent, error) {
	browser, err := r.askFor(ctx, LogIn, mail.LogIn, in.Body.Email, "/login/link/")
	if err != nil {
		return nil, err
	}
	out := wasSent()
	out.SetCookie = []cookie{access.From(ctx).Browser.Jar.Give(access.Asked, browser, r.Now().Add(lasts[LogIn]))}
	return out, nil
}

func (r *Routes) openLogIn(ctx context.Context, in *tokenIn) (*logInLinkOut, error) {
	l, err := Look(ctx, r.Store, LogIn, in.Body.Token, r.Now())
	if err != nil {
		return nil, dead(err)
	}
	p, err := whose(ctx, r.Store, l)
	if err != nil {
		return nil, err
	}
	out := &logInLinkOut{}
	out.Body.Email = *p.Email
	if out.Body.Here = l.Asked(access.From(ctx).Browser.Asked); !out.Body.Here {
		out.Body.Code = Code(in.Body.Token)
	}
	return out, nil
}

func (r *Routes) useLogIn(ctx context.Context, in *tokenIn) (*entered, error) {
	now := r.Now()
	var out outcome
	err := r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		l, err := Use(ctx, q, LogIn, in.Body.Token, now)
		if err != nil {
			return dead(err)
		}
		if !l.Asked(access.From(ctx).Browser.Asked) {
			return problem.New(http.StatusConflict, "other-browser", "Another browser has asked",
				"This link logs in the browser in which it was asked for. Type the code there, or ask for a link here.")
		}
		out, err = r.by(ctx, q, l, "log-in-link")
		return err
	})
	return out.answer(err)
}

func (r *Routes) useCode(ctx context.Context, in *logInCodeIn) (*entered, error) {
	now, wrong := r.Now(), false
	var out outcome
	err := r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		var l Link
		l, wrong, err = UseCode(ctx, q, access.From(ctx).Browser.Asked, in.Body.Code, now)
		if err != nil || wrong {
			return dead(err)
		}
		out, err = r.by(ctx, q, l, "log-in-code")
		return err
	})
	if err == nil && wrong {
		return nil, problem.New(http.StatusUnauthorized, "code", "Wrong code", "This is not the code that the other browser shows.")
	}
	return out.answer(err)
}

// whose returns the person of l; the link is dead where that was erased, or is nobody.
func whose(ctx context.Context, q store.Querier, l Link) (account.Person, error) {
	p, err := account.PersonByID(ctx, q, l.person())
	if errors.Is(err, store.ErrNone) || err == nil && p.Email == nil {
		err = dead(ErrLink)
	}
	return p, err
}

// by logs in the person of l.
func (r *Routes) by(ctx context.Context, q store.Querier, l Link, action string) (outcome, error) {
	p, err := whose(ctx, q, l)
	if err != nil {
		return outcome{}, err
	}
	return r.enterFirst(ctx, q, p, action)
}

func (r *Routes) askReset(ctx context.Context, in *emailIn) (*sent, error) {
	if _, err := r.askFor(ctx, Reset, mail.Reset, in.Body.Email, "/reset/"); err != nil {
		return nil, err
	}
	return wasSent(), nil
}

func (r *Routes) useReset(ctx context.Context, in *passwordIn) (*entered, error) {
	phc, err := r.Hasher.Hash(ctx, in.Body.Password)
	if err != nil {
		return nil, choice(err)
	}
	var out outcome
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		l, err := Use(ctx, q, Reset, in.Body.Token, r.Now())
		if err != nil {
			return dead(err)
		}
		if err := account.SetPassword(ctx, q, l.person(), phc); err != nil {
			return err
		}
		if _, err := EndOthers(ctx, q, l.person(), uuid.Nil); err != nil {
			return err
		}
		if err := useOthers(ctx, q, l, r.Now()); err != nil { // who knows an older mail must not undo this
			return err
		}
		out, err = r.by(ctx, q, l, "reset")
		return err
	})
	return out.answer(err)
}

// invited returns who is invited by l, and as what.
func invited(ctx context.Context, q store.Querier, l Link) (account.Person, account.Member, error) {
	p, err := whose(ctx, q, l)
	if err != nil {
		return p, account.Member{}, err
	}
	m, err := account.MemberOf(ctx, q, *l.Account, p.ID)
	if errors.Is(err, store.ErrNone) || err == nil && m.JoinedAt != nil {
		err = dead(ErrLink) // taken out again, or accepted by another mail's link
	}
	return p, m, err
}

func (r *Routes) openInvite(ctx context.Context, in *tokenIn) (*invitationOut, error) {
	l, err := Look(ctx, r.Store, Invite, in.Body.Token, r.Now())
	if err != nil {
		return nil, dead(err)
	}
	p, m, err := invited(ctx, r.Store, l)
	if err != nil {
		return nil, err
	}
	a, err := account.Get(ctx, r.Store, *l.Account)
	if err != nil {
		return nil, err
	}
	out := &invitationOut{}
	out.Body.Account, out.Body.Email, out.Body.Name, out.Body.Role, out.Body.Known = a.Name, *p.Email, p.Name, m.Role, p.Password != nil
	out.Body.Here = access.From(ctx).ID == p.ID
	return out, nil
}

func (r *Routes) useInvite(ctx context.Context, in *useInvitationIn) (*entered, error) {
	now := r.Now()
	phc, err := r.proved(ctx, in)
	if err != nil {
		return nil, err
	}
	var out outcome
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		l, err := Use(ctx, q, Invite, in.Body.Token, now)
		if err != nil {
			return dead(err)
		}
		p, _, err := invited(ctx, q, l)
		if err != nil {
			return err
		}
		if p.Password == nil {
			if phc == "" {
				return problem.Invalid("/password", "Choose a password: 10 to 256 characters.")
			}
			if in.Body.Name != "" {
				p.Name = in.Body.Name
			}
			p.TimeZone = account.TimeZone(in.Body.TimeZone)
			if p, err = account.Update(ctx, q, p); err != nil {
				return err
			}
			if err := account.SetPassword(ctx, q, p.ID, phc); err != nil {
				return err
			}
			p.Password = &phc
		}
		if err := account.Joined(ctx, q, *l.Account, p.ID, now); err != nil {
			return err
		}
		if access.From(ctx).ID == p.ID { // in already, in this browser
			out.in, err = r.admit(ctx, q, p, *l.Account, "use-invitation")
			return err
		}
		out, err = r.enterAt(ctx, q, p, *l.Account, "use-invitation")
		return err
	})
	return out.answer(err)
}

// proved sees that whoever accepts an invitation is who is invited, beyond holding a mail that may be days old: a person
// who has a password gives it, or is logged in here. For a person without one it returns what the chosen one is kept as,
// empty where none was sent.
func (r *Routes) proved(ctx context.Context, in *useInvitationIn) (phc string, err error) {
	l, err := Look(ctx, r.Store, Invite, in.Body.Token, r.Now())
	if err != nil {
		return "", dead(err)
	}
	p, _, err := invited(ctx, r.Store, l)
	switch {
	case err != nil:
		return "", err
	case p.Password == nil && in.Body.Password == "":
		return "", nil
	case p.Password == nil:
		phc, err = r.Hasher.Hash(ctx, in.Body.Password)
		return phc, choice(err)
	case access.From(ctx).ID == p.ID:
		return "", nil
	}
	if v := r.tries.address.Take(*p.Email, r.Now()); !v.OK {
		return "", v.Refused()
	}
	ok, err := r.Hasher.Check(ctx, in.Body.Password, *p.Password)
	if err == nil && !ok {
		err = problem.New(http.StatusUnauthorized, "log-in", "Not logged in", "The password is wrong. It is the one you have at Freshet already.")
	}
	return "", err
}
