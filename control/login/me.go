package login

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/permit"
	"freshet/control/store"
)

// Me is the person who is logged in, as the API shows it.
type Me struct {
	ID        uuid.UUID     `json:"id" format:"uuid"`
	Email     string        `json:"email" format:"email"`
	Name      string        `json:"name"`
	Language  string        `json:"language" enum:"en,fr"`
	TimeZone  string        `json:"timeZone" doc:"Of the IANA database"`
	Country   string        `json:"country" doc:"ISO 3166-1 alpha-2, empty where none was chosen"`
	Signature string        `json:"signature" doc:"Stands under mails that this person sends"`
	Password  bool          `json:"password" doc:"One was chosen"`
	Ops       bool          `json:"ops" doc:"Operates the installation: sees the mesh and decides of its nodes"`
	Account   *AccountRole  `json:"account,omitempty" doc:"The one that is shown; absent for a person who is a member of none"`
	Accounts  []AccountName `json:"accounts" nullable:"false" doc:"All that the person is a member of"`
}

// AccountName is an account by its name.
type AccountName struct {
	ID   uuid.UUID `json:"id" format:"uuid"`
	Name string    `json:"name"`
}

// AccountRole is what a person is in an account.
type AccountRole struct {
	AccountName
	Role permit.Role `json:"role" enum:"owner,organizer,collaborator,presenter"`
	May  Acts        `json:"may"`
}

// Acts are what a role allows.
type Acts []permit.Act

// Schema implements huma.SchemaProvider: the document names all acts there are.
func (Acts) Schema(huma.Registry) *huma.Schema {
	one := &huma.Schema{Type: huma.TypeString}
	for _, act := range permit.Acts() {
		one.Enum = append(one.Enum, string(act))
	}
	return &huma.Schema{Type: huma.TypeArray, Items: one, Description: "What the role allows in all of the account"}
}

type meOut struct {
	ETag string `header:"ETag"`
	Body Me
}

// me returns the person of a login, and what it is in the account that this shows.
func me(ctx context.Context, q store.Querier, p account.Person, shown uuid.UUID) (*meOut, error) {
	out := &meOut{ETag: access.ETag(p.Version), Body: Me{
		ID: p.ID, Name: p.Name, Language: p.Language, TimeZone: p.TimeZone, Country: p.Country, Signature: p.Signature,
		Password: p.Password != nil, Ops: p.OpsSince != nil, Accounts: []AccountName{},
	}}
	if p.Email != nil {
		out.Body.Email = *p.Email
	}
	accounts, err := account.AccountsOf(ctx, q, p.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		name := AccountName{a.ID, a.Name}
		out.Body.Accounts = append(out.Body.Accounts, name)
		if a.ID != shown {
			continue
		}
		m, err := account.MemberOf(ctx, q, a.ID, p.ID)
		if err != nil {
			return nil, err
		}
		out.Body.Account = &AccountRole{AccountName: name, Role: m.Role, May: Acts{}}
		for _, act := range permit.Acts() {
			if m.Role.May(act) {
				out.Body.Account.May = append(out.Body.Account.May, act)
			}
		}
	}
	return out, nil
}

// loginOf is the browser that asks, as a new login.
func loginOf(a access.Actor, person, shown uuid.UUID) Login {
	l := Login{Person: person, Account: shown, Agent: a.Browser.Agent}
	if a.From.IsValid() {
		l.Address = a.From.String()
	}
	return l
}

// entered is the answer to a browser that is logged in from now on.
type entered struct {
	SetCookie []cookie `header:"Set-Cookie"`
	ETag      string   `header:"ETag"`
	Body      Me
}

// enter logs p into the browser that asks, in an account.
func (r *Routes) enter(ctx context.Context, q store.Querier, p account.Person, shown uuid.UUID, now time.Time) (*entered, error) {
	a := access.From(ctx)
	secret, l, err := Begin(ctx, q, loginOf(a, p.ID, shown), now)
	if err != nil {
		return nil, err
	}
	out, err := me(ctx, q, p, shown)
	if err != nil {
		return nil, err
	}
	jar := a.Browser.Jar
	return &entered{
		SetCookie: []cookie{jar.LogIn(secret, l.ExpiresAt), jar.Take(access.Asked), jar.Take(access.Half), jar.Take(access.Challenge)},
		ETag:      out.ETag, Body: out.Body,
	}, nil
}

// first returns the account that a login of person shows at first: the one of that name that comes first.
func first(ctx context.Context, q store.Querier, person uuid.UUID) (uuid.UUID, error) {
	all, err := account.AccountsOf(ctx, q, person)
	if err != nil || len(all) == 0 {
		return uuid.Nil, err
	}
	return all[0].ID, nil
}
