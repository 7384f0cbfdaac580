package event

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/member"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// EventUser is a person with a role in one event.
type EventUser struct {
	ID       uuid.UUID   `json:"id" format:"uuid" doc:"Of the person"`
	Email    string      `json:"email"`
	Name     string      `json:"name" doc:"Empty until the invitation is accepted"`
	Role     permit.Role `json:"role" enum:"organizer,collaborator,presenter"`
	AddedAt  time.Time   `json:"addedAt"`
	JoinedAt *time.Time  `json:"joinedAt" doc:"Null until the invitation to the account is accepted"`
}

type usersOut struct {
	Body []EventUser `nullable:"false"`
}

type userOut struct{ Body EventUser }

type addUserIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Email    string      `json:"email" maxLength:"254"`
		Name     string      `json:"name,omitempty" maxLength:"80"`
		Role     permit.Role `json:"role" enum:"organizer,collaborator,presenter"`
		Language string      `json:"language,omitempty" maxLength:"35" doc:"Of the invitation, for a person who is new: BCP 47; en or fr comes of it"`
	}
}

type userIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Person uuid.UUID `path:"person" format:"uuid"`
}

type setUserRoleIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Person uuid.UUID `path:"person" format:"uuid"`
	Body   struct {
		Role permit.Role `json:"role" enum:"organizer,collaborator,presenter"`
	}
}

// Invitations come from somebody who is known, and one person may get a role in each event of a series.
var (
	mailRate   = limit.Rate{Name: "mails", N: 20, Per: 10 * time.Minute, Burst: 20} // to an address
	mailOfRate = limit.Rate{Name: "mails", N: 300, Per: time.Hour, Burst: 300}      // of an account
)

func (r *Routes) registerUsers(api huma.API) {
	r.mails, r.mailsOf = limit.New(mailRate), limit.New(mailOfRate)
	const all, one = "/events/{id}/users", "/events/{id}/users/{person}"
	huma.Register(api, access.AllowIn(access.Op(http.MethodGet, all, "list-users", "Persons with a role in this event alone, by address"), permit.EditUsers), r.users)
	add := access.AllowIn(access.Op(http.MethodPost, all, "add-user", "Give a person a role in this event, and send an invitation", 409, 422, 429), permit.EditUsers)
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Keyed(add), r.addUser)
	huma.Register(api, access.AllowIn(access.Op(http.MethodPatch, one, "set-user-role", "Give a person another role in this event", 422), permit.EditUsers), r.setUserRole)
	huma.Register(api, access.AllowIn(access.Op(http.MethodDelete, one, "remove-user", "Take a person's role in this event away"), permit.EditUsers), r.removeUser)
}

// shown leaves a name to itself until its person has joined: it would tell that Freshet knew the address before.
func (u User) shown() EventUser {
	v := EventUser{ID: u.Person, Role: u.Role, AddedAt: u.AddedAt, JoinedAt: u.JoinedAt}
	if u.JoinedAt != nil {
		v.Name = u.Name
	}
	if u.Email != nil {
		v.Email = *u.Email
	}
	return v
}

func userNone(err error) error {
	if errors.Is(err, store.ErrNone) {
		return problem.New(http.StatusNotFound, "not-found", "Not found", "The event has no such user.")
	}
	return err
}

func (r *Routes) users(ctx context.Context, in *eventIn) (*usersOut, error) {
	all, err := Users(ctx, r.Store, access.From(ctx).Account, in.ID)
	out := &usersOut{Body: []EventUser{}}
	for _, u := range all {
		out.Body = append(out.Body, u.shown())
	}
	return out, err
}

// addUser makes who is no member of the account one that has nothing but this event.
func (r *Routes) addUser(ctx context.Context, in *addUserIn) (*userOut, error) {
	email, err := account.Address(in.Body.Email)
	if err != nil {
		return nil, problem.Invalid("/email", "This is not an email address.")
	}
	now, role := r.Now(), in.Body.Role
	for _, v := range []limit.Verdict{r.mailsOf.Take(access.From(ctx).Account.String(), now), r.mails.Take(email, now)} {
		if !v.OK {
			return nil, v.Refused()
		}
	}
	inAccount := permit.Collaborator
	if role == permit.Presenter {
		inAccount = permit.Presenter
	}
	return made(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) (*userOut, error) {
		m, _, err := member.Ensure(ctx, q, account.Member{
			Account: a.Account, Email: &email, Name: in.Body.Name, Role: inAccount,
		}, in.Body.Language, now)
		if err != nil {
			return nil, err
		}
		switch added, err := AddUser(ctx, q, a.Account, e.ID, m.Person, role, now); {
		case errors.Is(err, ErrFull):
			return nil, problem.New(http.StatusConflict, "full", "No more users", "An event has at most 200 users.")
		case err != nil:
			return nil, err
		case !added:
			return nil, problem.New(http.StatusConflict, "user", "A user already", "This person has a role in the event.")
		}
		if err := r.invite(ctx, q, e, m, role, now); err != nil {
			return nil, err
		}
		u, err := UserOf(ctx, q, a.Account, e.ID, m.Person)
		if err != nil {
			return nil, err
		}
		return &userOut{u.shown()}, audit.Add(ctx, q, a.Account, now, a.Act("add-user", "person/"+m.Person.String(), string(role)+" of "+subject(e)))
	})
}

// invite tells a member of its role in e. One who has not joined the account does that by the same mail.
func (r *Routes) invite(ctx context.Context, q store.Querier, e Event, m account.Member, role permit.Role, now time.Time) error {
	p, err := account.PersonByID(ctx, q, m.Person)
	if err != nil {
		return err
	}
	of, err := account.Get(ctx, q, e.Account)
	if err != nil {
		return err
	}
	kind, link := mail.EventUser, r.Pages+"/events/"+e.ID.String()
	if m.JoinedAt == nil {
		kind = mail.EventInvite
		if link, err = login.InviteLink(ctx, q, r.Pages, m.Person, e.Account, now); err != nil {
			return err
		}
	}
	return r.Mail.Add(ctx, q, mail.Message{
		Account: e.Account, Event: e.ID, Kind: kind, To: *m.Email, Name: p.Name, Language: p.Language,
		Values: map[string]string{"link": link, "account": of.Name, "event": e.Title, "role": string(role)},
		Brand:  e.Mail(r.Pages),
	}, now)
}

func (r *Routes) setUserRole(ctx context.Context, in *setUserRoleIn) (out *userOut, err error) {
	err = r.change(ctx, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) error {
		if err := SetUserRole(ctx, q, a.Account, e.ID, in.Person, in.Body.Role); err != nil {
			return userNone(err)
		}
		u, err := UserOf(ctx, q, a.Account, e.ID, in.Person)
		if err != nil {
			return userNone(err)
		}
		out = &userOut{u.shown()}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act("set-user-role", "person/"+in.Person.String(), string(u.Role)+" of "+subject(e)))
	})
	return out, err
}

func (r *Routes) removeUser(ctx context.Context, in *userIn) (*struct{}, error) {
	return nil, r.change(ctx, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) error {
		if err := RemoveUser(ctx, q, a.Account, e.ID, in.Person); err != nil {
			return userNone(err)
		}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act("remove-user", "person/"+in.Person.String(), subject(e)))
	})
}
