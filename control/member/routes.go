// Package member is the API of an account and its members.
package member

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/key"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// most members of one account: a list that is answered whole.
const most = 500

// Routes are the operations on an account and its members.
type Routes struct {
	Store *store.DB
	Mail  *mail.Queue
	Now   func() time.Time
	Pages string // base address of the pages, for links in mails
}

// Account is one's own account, as the API shows it.
type Account struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// Member is a person in an account, as the API shows it.
type Member struct {
	ID       uuid.UUID   `json:"id" format:"uuid" doc:"Of the person"`
	Email    string      `json:"email"`
	Name     string      `json:"name" doc:"Empty until the invitation is accepted"`
	Role     permit.Role `json:"role" enum:"owner,organizer,collaborator,presenter"`
	AddedAt  time.Time   `json:"addedAt"`
	JoinedAt *time.Time  `json:"joinedAt" doc:"Null until the invitation is accepted"`
}

type accountOut struct{ Body Account }

type renameAccountIn struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"80"`
	}
}

type membersOut struct {
	Body []Member `nullable:"false"`
}

type memberOut struct{ Body Member }

type addMemberIn struct {
	Body struct {
		Email    string      `json:"email" maxLength:"254"`
		Name     string      `json:"name,omitempty" maxLength:"80"`
		Role     permit.Role `json:"role" enum:"owner,organizer,collaborator,presenter"`
		Language string      `json:"language,omitempty" maxLength:"35" doc:"Of the invitation, for a person who is new: BCP 47; en or fr comes of it"`
	}
}

type memberIn struct {
	ID uuid.UUID `path:"id" format:"uuid" doc:"Of the person"`
}

type setRoleIn struct {
	ID   uuid.UUID `path:"id" format:"uuid" doc:"Of the person"`
	Body struct {
		Role permit.Role `json:"role" enum:"owner,organizer,collaborator,presenter"`
	}
}

type auditIn struct {
	Cursor int64 `query:"cursor" minimum:"1" doc:"Of the page before"`
	Limit  int   `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// AuditEntry is a row of the audit log, as the API shows it.
type AuditEntry struct {
	Number  int64      `json:"number"`
	At      time.Time  `json:"at"`
	Actor   audit.Kind `json:"actor" enum:"person,key,system"`
	ActorID *uuid.UUID `json:"actorId" format:"uuid" nullable:"true" doc:"Of the person or key; null where it was the system"`
	Name    string     `json:"name" doc:"Of the person or key, empty where it is not known any more"`
	Network string     `json:"network" doc:"From where: the first 24 bits of an IPv4 address, 48 of an IPv6 one"`
	Action  string     `json:"action" doc:"The operation's id in this document"`
	Subject string     `json:"subject" doc:"A noun, a slash and an id"`
	Detail  string     `json:"detail"`
}

type auditOut struct {
	Body struct {
		Entries []AuditEntry `json:"entries" nullable:"false" doc:"The newest first"`
		Next    int64        `json:"next,omitempty" doc:"Cursor of the page behind this one; absent on the last"`
	}
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	huma.Register(api, access.Allow(access.Op(http.MethodGet, "/account", "get-account", "One's own account"), permit.SeeAccount), r.get)
	huma.Register(api, access.Allow(access.Op(http.MethodPatch, "/account", "rename-account", "Give the account another name", 422), permit.EditAccount), r.rename)
	huma.Register(api, access.Allow(access.Op(http.MethodGet, "/members", "list-members", "Members of the account, by address"), permit.SeeMembers), r.list)
	add := access.Allow(access.Op(http.MethodPost, "/members", "add-member", "Invite a person to the account", 409, 422), permit.EditMembers)
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Keyed(add), r.add)
	huma.Register(api, access.Allow(access.Op(http.MethodPatch, "/members/{id}", "set-role", "Give a member another role", 404, 409, 422), permit.EditMembers), r.setRole)
	huma.Register(api, access.Allow(access.Op(http.MethodDelete, "/members/{id}", "remove-member", "Take a member out of the account", 404, 409), permit.EditMembers), r.remove)
	huma.Register(api, once.Keyed(access.Allow(access.Op(http.MethodPost, "/members/{id}/invitation", "invite-again", "Send a member the invitation again", 404, 409), permit.EditMembers)), r.inviteAgain)
	huma.Register(api, access.Allow(access.Op(http.MethodGet, "/audit", "list-audit", "Who did what, the newest first"), permit.SeeAudit), r.audit)
}

func (r *Routes) get(ctx context.Context, _ *struct{}) (*accountOut, error) {
	a, err := account.Get(ctx, r.Store, access.From(ctx).Account)
	return &accountOut{Account(a)}, err
}

func (r *Routes) rename(ctx context.Context, in *renameAccountIn) (out *accountOut, err error) {
	if account.Text(in.Body.Name) == "" {
		return nil, problem.Invalid("/name", account.Unseen)
	}
	a := access.From(ctx)
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := account.Rename(ctx, q, a.Account, in.Body.Name); err != nil {
			return err
		}
		got, err := account.Get(ctx, q, a.Account)
		if err != nil {
			return err
		}
		out = &accountOut{Account(got)}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act("rename-account", "account/"+a.Account.String(), ""))
	})
	return out, err
}

// show leaves a name to itself until its person has joined: it would tell that Freshet knew the address before.
func show(m account.Member) Member {
	v := Member{ID: m.Person, Role: m.Role, AddedAt: m.AddedAt, JoinedAt: m.JoinedAt}
	if m.JoinedAt != nil {
		v.Name = m.Name
	}
	if m.Email != nil {
		v.Email = *m.Email
	}
	return v
}

func (r *Routes) list(ctx context.Context, _ *struct{}) (*membersOut, error) {
	all, err := account.Members(ctx, r.Store, access.From(ctx).Account)
	out := &membersOut{Body: []Member{}}
	for _, m := range all {
		out.Body = append(out.Body, show(m))
	}
	return out, err
}

func (r *Routes) add(ctx context.Context, in *addMemberIn) (*memberOut, error) {
	a, now := access.From(ctx), r.Now()
	email, err := account.Address(in.Body.Email)
	if err != nil {
		return nil, problem.Invalid("/email", "This is not an email address.")
	}
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*memberOut, error) {
		m, added, err := Ensure(ctx, q, account.Member{Account: a.Account, Email: &email, Name: in.Body.Name, Role: in.Body.Role}, in.Body.Language, now)
		if err != nil {
			return nil, err
		}
		if !added {
			return nil, problem.New(http.StatusConflict, "member", "A member already", "This person is a member of the account.")
		}
		if m, err = r.invite(ctx, q, a, m.Person); err != nil {
			return nil, err
		}
		return &memberOut{show(m)}, audit.Add(ctx, q, a.Account, now, a.Act("add-member", "person/"+m.Person.String(), string(in.Body.Role)))
	})
}

// Ensure makes the person with m's address a member of m's account, as m says, where it is none yet; it returns the one
// it is. A person who is new gets m's name, and the language of Freshet that is nearest to language.
func Ensure(ctx context.Context, q store.Querier, m account.Member, language string, now time.Time) (got account.Member, added bool, err error) {
	p, err := account.PersonByEmail(ctx, q, *m.Email)
	if errors.Is(err, store.ErrNone) {
		p, err = account.AddPerson(ctx, q, account.Person{
			Email: m.Email, Name: m.Name, Language: account.Language(language), TimeZone: "UTC",
		}, now)
	}
	if err != nil {
		return got, false, err
	}
	got, err = account.MemberOf(ctx, q, m.Account, p.ID)
	if !errors.Is(err, store.ErrNone) {
		return got, false, err
	}
	all, err := account.Members(ctx, q, m.Account)
	if err != nil {
		return got, false, err
	}
	if len(all) >= most {
		return got, false, problem.New(http.StatusConflict, "full", "No more members", "An account has at most 500 members.")
	}
	m.Person = p.ID
	if err := account.AddMember(ctx, q, m, now); err != nil {
		return got, false, err
	}
	got, err = account.MemberOf(ctx, q, m.Account, p.ID)
	return got, true, err
}

// invite sends a member of a's account the link by which it joins.
func (r *Routes) invite(ctx context.Context, q store.Querier, a access.Actor, person uuid.UUID) (account.Member, error) {
	m, err := member(ctx, q, a, person)
	if err != nil {
		return m, err
	}
	p, err := account.PersonByID(ctx, q, person)
	if err == nil && p.Email == nil { // erased
		err = none(store.ErrNone)
	}
	if err != nil {
		return m, err
	}
	to, err := account.Get(ctx, q, a.Account)
	if err != nil {
		return m, err
	}
	now := r.Now()
	link, err := login.InviteLink(ctx, q, r.Pages, person, a.Account, now)
	if err != nil {
		return m, err
	}
	return m, r.Mail.Add(ctx, q, mail.Message{
		Account: a.Account, Kind: mail.Invite, To: *p.Email, Name: p.Name, Language: p.Language,
		Values: map[string]string{"link": link, "account": to.Name, "role": string(m.Role)},
	}, now)
}

// member returns a member of a's account, and 404 where the person is none.
func member(ctx context.Context, q store.Querier, a access.Actor, person uuid.UUID) (account.Member, error) {
	m, err := account.MemberOf(ctx, q, a.Account, person)
	return m, none(err)
}

func none(err error) error {
	switch {
	case errors.Is(err, store.ErrNone):
		return problem.New(http.StatusNotFound, "not-found", "Not found", "The account has no such member.")
	case errors.Is(err, account.ErrLastOwner):
		return problem.New(http.StatusConflict, "last-owner", "The last owner", "An account keeps one owner. Make somebody else owner first.")
	}
	return err
}

func (r *Routes) setRole(ctx context.Context, in *setRoleIn) (out *memberOut, err error) {
	a := access.From(ctx)
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := account.SetRole(ctx, q, a.Account, in.ID, in.Body.Role); err != nil {
			return none(err)
		}
		m, err := member(ctx, q, a, in.ID)
		if err != nil {
			return err
		}
		out = &memberOut{show(m)}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act("set-role", "person/"+in.ID.String(), string(in.Body.Role)))
	})
	return out, err
}

func (r *Routes) remove(ctx context.Context, in *memberIn) (*struct{}, error) {
	a := access.From(ctx)
	return nil, r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := account.Remove(ctx, q, a.Account, in.ID); err != nil {
			return none(err)
		}
		if err := login.EndIn(ctx, q, in.ID, a.Account); err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act("remove-member", "person/"+in.ID.String(), ""))
	})
}

func (r *Routes) inviteAgain(ctx context.Context, in *memberIn) (*memberOut, error) {
	a := access.From(ctx)
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*memberOut, error) {
		m, err := member(ctx, q, a, in.ID)
		if err != nil {
			return nil, err
		}
		if m.JoinedAt != nil {
			return nil, problem.New(http.StatusConflict, "joined", "Joined already", "This member has accepted the invitation.")
		}
		if m, err = r.invite(ctx, q, a, in.ID); err != nil {
			return nil, err
		}
		return &memberOut{show(m)}, audit.Add(ctx, q, a.Account, r.Now(), a.Act("invite-again", "person/"+in.ID.String(), ""))
	})
}

func (r *Routes) audit(ctx context.Context, in *auditIn) (*auditOut, error) {
	a := access.From(ctx)
	entries, err := audit.Page(ctx, r.Store, a.Account, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	names, err := r.names(ctx, entries)
	if err != nil {
		return nil, err
	}
	out := &auditOut{}
	out.Body.Entries = []AuditEntry{}
	for _, e := range entries {
		v := AuditEntry{
			Number: e.Number, At: e.At, Actor: e.Actor, ActorID: e.ActorID, Network: e.Network, Action: e.Action,
			Subject: e.Subject, Detail: e.Detail,
		}
		if e.ActorID != nil {
			v.Name = names[*e.ActorID]
		}
		out.Body.Entries = append(out.Body.Entries, v)
	}
	if n := len(entries); n == in.Limit && entries[n-1].Number > 1 {
		out.Body.Next = entries[n-1].Number
	}
	return out, nil
}

// names returns the names of the persons and keys in entries.
func (r *Routes) names(ctx context.Context, entries []audit.Entry) (map[uuid.UUID]string, error) {
	names := map[uuid.UUID]string{}
	for _, e := range entries {
		if e.ActorID == nil {
			continue
		}
		if _, ok := names[*e.ActorID]; ok {
			continue
		}
		name, err := r.name(ctx, e.Actor, *e.ActorID)
		if err != nil {
			return nil, err
		}
		names[*e.ActorID] = name
	}
	return names, nil
}

func (r *Routes) name(ctx context.Context, kind audit.Kind, id uuid.UUID) (string, error) {
	if kind == audit.Key {
		return key.Name(ctx, r.Store, id)
	}
	p, err := account.PersonByID(ctx, r.Store, id)
	if errors.Is(err, store.ErrNone) {
		err = nil
	}
	return p.Name, err
}
