package person

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/login"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Routes are what persons do with all that is kept of them.
type Routes struct {
	Store *store.DB
	Now   func() time.Time
	// Confirm returns an error where a password, which stands in the body at a pointer, is not the person's.
	Confirm    func(ctx context.Context, p account.Person, password, at string) error
	Tombstones Tombstones
}

type exportOut struct {
	Disposition string `header:"Content-Disposition"`
	Body        Export
}

type eraseIn struct {
	Body *struct {
		Password string `json:"password,omitempty" maxLength:"1024" doc:"Of a person who has one; else the browser must have logged in by a link within ten minutes"`
	} `required:"false"`
}

type eraseOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	huma.Register(api, access.Person(access.Op(http.MethodGet, "/me/export", "export-me", "All that is kept of the person who is logged in")), r.export)
	huma.Register(api, access.Person(access.Op(http.MethodDelete, "/me", "erase-me", "Forget the person who is logged in; this cannot be undone", 403, 409, 422)), r.erase)
}

func (r *Routes) export(ctx context.Context, _ *struct{}) (*exportOut, error) {
	p, err := account.PersonByID(ctx, r.Store, access.From(ctx).ID)
	if err != nil {
		return nil, err
	}
	x, err := Of(ctx, r.Store, p, r.Now())
	if err != nil {
		return nil, err
	}
	return &exportOut{`attachment; filename="freshet-person.json"`, *x}, nil
}

func (r *Routes) erase(ctx context.Context, in *eraseIn) (*eraseOut, error) {
	a, now := access.From(ctx), r.Now()
	p, err := account.PersonByID(ctx, r.Store, a.ID)
	if err != nil {
		return nil, err
	}
	password := ""
	if in.Body != nil {
		password = in.Body.Password
	}
	if err := r.sure(ctx, a, p, password); err != nil {
		return nil, err
	}
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		p, err := account.PersonByID(ctx, q, a.ID) // as it is now: an address may be another
		if err != nil {
			return err
		}
		return Erase(ctx, q, p, a.Act("erase-me", "", ""), now)
	})
	if last := (*LastOwner)(nil); errors.As(err, &last) {
		return nil, problem.New(http.StatusConflict, "last-owner", "The last owner",
			"An account keeps one owner. Make somebody else owner of "+last.Account+" first. Nothing was erased.")
	}
	if err == nil {
		err = r.Tombstones.Add(a.ID, now)
	}
	if err != nil {
		return nil, err
	}
	return &eraseOut{a.Browser.Jar.LogOut()}, nil
}

// sure returns an error unless it is p who asks, not somebody who has found its browser open.
func (r *Routes) sure(ctx context.Context, a access.Actor, p account.Person, password string) error {
	switch {
	case p.Password != nil && password == "":
		return problem.Invalid("/password", "Give your password: this cannot be undone.")
	case p.Password != nil:
		return r.Confirm(ctx, p, password, "/password")
	}
	if fresh, err := login.Fresh(ctx, r.Store, a, r.Now()); err != nil || fresh {
		return err
	}
	return problem.New(http.StatusForbidden, "log-in-again", "Log in again",
		"This cannot be undone, and you have no password to give. Log in by a new link first, and ask again within ten minutes.")
}
